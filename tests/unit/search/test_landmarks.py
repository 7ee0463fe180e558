"""Landmarks of pictures: they propose a part with its whole, and are remembered."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from photofind.images.landmarks import ROW, landmarks_of
from photofind.ranking.landmarks import voted_pairs
from photofind.search.landmarks import Landmarks
from tests.unit.images.test_alignment import cropped, features
from tests.unit.images.test_fingerprint import letter

PAGES = [letter(number) for number in range(8)]
ROWS = [landmarks_of(*features(page).found) for page in [*PAGES, *map(cropped, PAGES[:3])]]


def test_a_part_of_a_page_is_proposed_with_it() -> None:
    found = {(left, right) for left, right, _ in voted_pairs(ROWS)}
    assert {(0, 8), (1, 9), (2, 10)} <= found
    new = np.arange(len(ROWS)) == 9
    of_new = {(left, right) for left, right, _ in voted_pairs(ROWS, new)}
    assert (1, 9) in of_new
    assert all(9 in pair for pair in of_new)
    assert voted_pairs([]) == voted_pairs([np.zeros((0, ROW), np.uint8)] * 2) == []


def test_what_has_voted_votes_with_new_ones_alone(tmp_path: Path) -> None:
    landmarks = Landmarks(tmp_path / "landmarks")
    names = [str(number) for number in range(len(ROWS))]
    assert landmarks.lacking(names) == names
    landmarks.add({name: ROWS[int(name)] for name in names[:8]})
    assert landmarks.lacking(names) == names[8:]
    before = landmarks.proposed(names[:8])
    landmarks.add({name: ROWS[int(name)] for name in names[8:]})
    after = landmarks.proposed(names)
    assert {*before} <= {*after}
    assert {("0", "8"), ("1", "9"), ("2", "10")} <= {*after}
    assert landmarks.proposed(names) == after
    (tmp_path / "landmarks").write_bytes(b"no database" * 1000)
    assert landmarks.proposed(names) == []
