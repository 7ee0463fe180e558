"""A scan loads no more than the photos that are not as they were; it tells the same as before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from simulated import SimulatedExtraction, add, photo_at, run

from photofind.indexing import full_scan
from photofind.indexing.full_scan import FullScan
from photofind.library.memory import MemoryStore
from photofind.model.records import Photo

TIME = 1_600_000_000 * 10**9


class WatchedStore(MemoryStore):
    """Notes which photos are loaded by their ids."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[int] = []

    def by_id(self, ids: Iterable[int]) -> dict[int, Photo]:
        ids = [*ids]
        self.loaded += ids
        return super().by_id(ids)


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two folders of five photos."""
    monkeypatch.setattr(full_scan, "_BATCH", 2)
    made = [tmp_path / "one", tmp_path / "two"]
    for place, folder in enumerate(made):
        for number in range(5):
            put(folder / f"{number}.jpg", f"{folder.name}{number}", TIME + 10 * place + number)
    return made


@pytest.fixture
def store(folders: list[Path]) -> WatchedStore:
    store = WatchedStore()
    add(store, *folders)
    run(store, SimulatedExtraction())
    store.loaded = []
    return store


def put(path: Path, text: str, time: int) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    os.utime(path, ns=(time, time))


def scan(store: WatchedStore) -> FullScan:
    return full_scan.full_scan(store, store.folders(), lambda photo: True)


def names(photos: Iterable[Photo]) -> list[str]:
    return sorted(Path(photo.path).name for photo in photos)


def test_what_is_as_it_was_is_not_loaded(store, folders) -> None:
    put(folders[0] / "3.jpg", "edited", TIME + 50)
    edited = photo_at(store, folders[0] / "3.jpg")
    seen = scan(store)
    assert (seen.found, seen.changes.unchanged, len(seen.changes.unread)) == (10, 9, 1)
    assert {*store.loaded} == {edited.id}


def test_two_photos_that_exchanged_their_names_are_read(store, folders) -> None:
    one, other = folders[0] / "0.jpg", folders[0] / "1.jpg"
    for path in (one, other):
        os.utime(path, ns=(TIME, TIME))
    run(store, SimulatedExtraction())
    store.commit([replace(photo, changed=None) for photo in store.select()])
    spare = one.with_name("spare")
    one.rename(spare)
    other.rename(one)
    spare.rename(other)
    assert names(scan(store).changes.unread) == ["0.jpg", "1.jpg"]


def test_a_link_to_a_photo_that_stays_is_read(store, folders) -> None:
    """It has the size, the time and the number of another photo that is where it was."""
    os.link(folders[0] / "0.jpg", folders[1] / "again.jpg")
    store.commit([replace(photo, changed=None) for photo in store.select()])
    seen = scan(store)
    assert (names(seen.changes.unread), names(seen.changes.moved)) == (["again.jpg"], [])
    assert len(seen.changes.renumbered) + seen.changes.unchanged == 10


def test_photos_of_a_folder_that_is_gone_are_found_in_another(store, folders) -> None:
    (folders[0] / "2.jpg").rename(folders[1] / "moved.jpg")
    shutil.rmtree(folders[0])
    seen = scan(store)
    assert (names(seen.changes.moved), seen.changes.unread) == (["moved.jpg"], [])
    assert (seen.found, seen.kept, seen.changes.gone) == (6, 4, [])
    assert [folder.state for folder in seen.folders] == ["offline", "online"]


def test_nothing_of_a_folder_that_is_gone_is_loaded(store, folders, monkeypatch) -> None:
    shutil.rmtree(folders[0])
    asked: list[str | None] = []
    select = store.select
    monkeypatch.setattr(store, "select", lambda where: asked.append(where.folder) or select(where))
    seen = scan(store)
    assert (seen.kept, seen.changes.unchanged) == (5, 5)
    assert (store.loaded, asked) == ([], [str(folders[1])])


def test_photos_of_folders_inside_one_that_is_gone_are_not_counted_with_it(
    store, folders, tmp_path
) -> None:
    add(store, tmp_path)
    shutil.rmtree(folders[0])
    assert scan(store).kept == 5


def test_a_folder_that_comes_back_while_it_is_looked_at_is_known(
    store, folders, monkeypatch
) -> None:
    monkeypatch.setattr(full_scan, "_opens", lambda folder, beat: False)
    seen = scan(store)
    assert (seen.changes.unchanged, seen.changes.unread, seen.kept) == (10, [], 0)


def test_two_photos_of_one_file_are_both_compared(store, folders) -> None:
    photo = photo_at(store, folders[0] / "0.jpg")
    files = full_scan.KnownFiles([photo, replace(photo, id=99)])
    assert files.places([full_scan.file_of(photo)]).tolist() == [-1]
