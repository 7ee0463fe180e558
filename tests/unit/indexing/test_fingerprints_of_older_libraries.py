"""What an older photofind embedded without a fingerprint is looked at again, once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from photofind.library.memory import MemoryStore
from tests.unit.indexing.simulated import SimulatedExtraction, add, photo_at, run


def older_library(folder: Path) -> MemoryStore:
    """Return the library of an older photofind: two photos with one content, and another."""
    for name, data in {"a.jpg": b"one", "b.jpg": b"one", "c.jpg": b"other"}.items():
        (folder / name).write_bytes(data)
    store = MemoryStore()
    add(store, folder)
    run(store, SimulatedExtraction())
    store.commit([replace(photo, fingerprint=None) for photo in store.select()])
    return store


def test_photos_without_a_fingerprint_get_one_and_stay_as_they_are(tmp_path: Path) -> None:
    store, extraction = older_library(tmp_path), SimulatedExtraction()
    before = [*store.select()]
    report = run(store, extraction)
    assert (report.unchanged, report.changed, report.new) == (3, 0, 0)
    expected = [replace(photo, fingerprint=extraction.fingerprint) for photo in before]
    assert [*store.select()] == expected
    run(store, extraction)
    assert len(extraction.read) == 3


def test_one_that_cannot_be_had_is_not_tried_for_ever(tmp_path: Path) -> None:
    store = older_library(tmp_path)
    unreadable = str(tmp_path / "c.jpg")
    extraction = SimulatedExtraction(unreadable={unreadable})
    run(store, extraction)
    assert extraction.read.count(unreadable) == 1
    assert photo_at(store, unreadable).spaces
    assert store.counts().unmarked == 1


def test_a_new_copy_of_such_a_photo_is_decoded(tmp_path: Path) -> None:
    store = older_library(tmp_path)
    (tmp_path / "d.jpg").write_bytes(b"other")
    extraction = SimulatedExtraction()
    run(store, extraction)
    assert photo_at(store, tmp_path / "d.jpg").fingerprint == extraction.fingerprint
    assert store.counts().unmarked == 0
