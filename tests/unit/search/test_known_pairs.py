"""The pairs of near fingerprints, kept in a file."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

from photofind.ranking.fingerprints import Fingerprints, near_pairs
from photofind.search import known_pairs
from photofind.search.known_pairs import KnownPairs

RANDOM = np.random.default_rng(5)
BITS = RANDOM.integers(0, 2, (20, 256), np.uint8)


def prints(pictures: list[int]) -> Fingerprints:
    """Return fingerprints; every second picture is a copy of the one before."""
    texts = []
    for picture in pictures:
        bits = BITS[picture // 2].copy()
        bits[: picture % 2] ^= 1
        texts.append("1" + base64.b64encode(np.packbits(bits).tobytes() + b"\x64").decode())
    return Fingerprints(texts)


def found(pairs: KnownPairs, pictures: list[int]) -> set[tuple[int, int]]:
    lefts, rights = pairs.of([f"{one:032x}" for one in pictures], prints(pictures))
    assert (lefts < rights).all()
    places = zip(lefts.tolist(), rights.tolist(), strict=True)
    return {(min(pair), max(pair)) for pair in ((pictures[a], pictures[b]) for a, b in places)}


def test_only_what_is_new_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs, compared = KnownPairs(tmp_path / "pairs.npz"), []

    def spy(fingerprints: Fingerprints, new: np.ndarray | None = None) -> object:
        compared.append(len(fingerprints) if new is None else int(new.sum()))
        return near_pairs(fingerprints, new)

    monkeypatch.setattr(known_pairs, "near_pairs", spy)
    assert found(pairs, [0, 1, 2, 3]) == {(0, 1), (2, 3)}
    assert found(pairs, [3, 2, 1, 0]) == {(0, 1), (2, 3)}
    assert found(pairs, [5, 3, 4, 0, 2]) == {(2, 3), (4, 5)}
    assert found(pairs, [5, 3, 4, 0, 1, 2]) == {(0, 1), (2, 3), (4, 5)}
    assert compared == [4, 2, 1]
    assert found(pairs, []) == set()
    (tmp_path / "pairs.npz").write_bytes(b"damaged")
    assert found(pairs, [0, 1]) == {(0, 1)}
    assert found(KnownPairs(None), [0, 1]) == {(0, 1)}
