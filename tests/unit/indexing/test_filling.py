"""Queues of known photos are filled with the newest first, some at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from simulated import SimulatedExtraction, add, run

from photofind.indexing import filling
from photofind.indexing.filling import Filling
from photofind.library.memory import MemoryStore
from photofind.model.records import Photo


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "MOST", 2)


def photos(*modified: int) -> list[Photo]:
    return [Photo(f"/photos/{one}.jpg", modified=one) for one in modified]


def test_the_newest_come_first_and_each_comes_once() -> None:
    filling = Filling()
    every = photos(3, 1, 5, 4, 2)
    taken = []
    while filling.is_due("v1"):
        files = filling.take(every, "v1")
        assert len(files) <= 2
        taken += [(file.modified, filling.left) for file in files.values()]
    assert taken == [(5, 3), (4, 3), (3, 1), (2, 1), (1, 0)]


def test_photos_of_one_time_all_come() -> None:
    filling = Filling()
    every = [Photo(f"/photos/{name}.jpg", modified=7) for name in "abcde"]
    taken = []
    while filling.is_due("v1"):
        taken += filling.take(every, "v1")
    assert sorted(taken) == [photo.path for photo in every]


def test_what_came_meanwhile_is_taken_in_the_next_round() -> None:
    filling = Filling()
    filling.take(photos(1, 2, 3), "v1")
    assert [*filling.take(photos(1, 9), "v2")] == ["/photos/1.jpg"]
    assert filling.is_due("v2")
    assert [*filling.take(photos(9), "v2")] == ["/photos/9.jpg"]
    assert not filling.is_due("v2")


def test_a_library_is_read_again_whole_though_its_queues_hold_few(tmp_path: Path) -> None:
    for number in range(7):
        (tmp_path / f"{number}.jpg").write_bytes(b"%d" % number)
    store = MemoryStore()
    add(store, tmp_path)
    run(store, SimulatedExtraction())
    store.commit([replace(photo, fingerprint=None) for photo in store.select()])
    extraction = SimulatedExtraction()
    run(store, extraction)
    assert sorted(extraction.read) == [str(tmp_path / f"{number}.jpg") for number in range(7)]
    assert store.counts().unmarked == 0
