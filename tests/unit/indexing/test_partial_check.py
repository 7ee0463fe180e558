"""A check of a few places finds the same as a scan would there."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from simulated import SPACE, SimulatedExtraction, add, run

from photofind.indexing import partial_check as checking
from photofind.indexing.partial_check import PartialCheck, partial_check
from photofind.library.memory import MemoryStore


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for name in ("a.jpg", "sub/b.jpg", "sub/deep/c.jpg", ".hidden/d.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture
def library(pictures: Path) -> MemoryStore:
    library = MemoryStore()
    add(library, pictures)
    run(library, SimulatedExtraction())
    return library


def checked(library: MemoryStore, *places: Path) -> PartialCheck:
    return partial_check(
        library, [str(place) for place in places], lambda photo: SPACE in photo.spaces
    )


def names(items) -> set[str]:
    return {Path(item.path).name for item in items}


def test_nothing_changed(library: MemoryStore, pictures: Path) -> None:
    seen = checked(library, pictures / "a.jpg", pictures / "sub")
    assert seen.changes.unchanged == 3
    assert not seen.changes.unread
    assert not seen.changes.gone
    assert not seen.to_scan


def test_a_new_file_and_a_changed_one(library: MemoryStore, pictures: Path) -> None:
    (pictures / "new.jpg").write_bytes(b"new")
    (pictures / "a.jpg").write_bytes(b"other")
    seen = checked(library, pictures / "new.jpg", pictures / "a.jpg", pictures / "sub/b.jpg")
    assert names(seen.changes.unread) == {"new.jpg", "a.jpg"}
    assert seen.changes.unchanged == 1


def test_a_moved_file_is_recognised(library: MemoryStore, pictures: Path) -> None:
    (pictures / "a.jpg").rename(pictures / "sub/z.jpg")
    seen = checked(library, pictures / "a.jpg", pictures / "sub/z.jpg")
    assert names(seen.changes.moved) == {"z.jpg"}
    assert not seen.changes.gone


def test_a_moved_folder_is_recognised(library: MemoryStore, pictures: Path) -> None:
    (pictures / "sub").rename(pictures / "other")
    seen = checked(library, pictures / "sub", pictures / "other")
    assert names(seen.changes.moved) == {"b.jpg", "c.jpg"}


@pytest.mark.parametrize("few", [0, 4])
def test_gone_files_and_folders(
    library: MemoryStore, pictures: Path, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "FEW", few)
    (pictures / "a.jpg").unlink()
    shutil.rmtree(pictures / "sub")
    seen = checked(library, pictures / "a.jpg", pictures / "sub", pictures / "sub/deep")
    assert names(seen.changes.gone) == {"a.jpg", "b.jpg", "c.jpg"}


def test_what_is_left_out_is_not_looked_at(library: MemoryStore, pictures: Path) -> None:
    (pictures / ".hidden/e.jpg").write_bytes(b"e")
    seen = checked(library, pictures / ".hidden/e.jpg", pictures / ".hidden")
    assert not seen.changes.unread


def test_places_outside_of_all_folders_are_left_alone(library: MemoryStore, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.jpg").write_bytes(b"e")
    seen = checked(library, tmp_path / "elsewhere.jpg")
    assert not seen.changes.unread
    assert not seen.to_scan


def test_only_a_full_scan_can_judge_a_whole_folder(library: MemoryStore, pictures: Path) -> None:
    assert checked(library, pictures).to_scan == {str(pictures)}
    assert checked(library, pictures.parent).to_scan == {str(pictures)}
    shutil.rmtree(pictures)
    seen = checked(library, pictures / "a.jpg")
    assert seen.to_scan == {str(pictures)}
    assert not seen.changes.gone


def test_what_comes_back_to_a_folder_that_is_offline_has_it_scanned(
    library: MemoryStore, pictures: Path
) -> None:
    """Everything may have vanished from it, and some of it come back."""
    (folder,) = library.folders()
    library.put_folder(replace(folder, state="offline", reason="it is empty"))
    seen = checked(library, pictures / "a.jpg")
    assert (seen.to_scan, seen.changes.unchanged) == ({str(pictures)}, 0)


def test_a_folder_that_is_named_like_a_photo_may_be_gone(
    library: MemoryStore, pictures: Path, tmp_path: Path
) -> None:
    (pictures / "sub").rename(pictures / "album.jpg")
    run(library, SimulatedExtraction())
    (pictures / "album.jpg").rename(tmp_path / "away")
    assert names(checked(library, pictures / "album.jpg").changes.gone) == {"b.jpg", "c.jpg"}


def test_links_are_for_a_full_scan(library: MemoryStore, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "far.jpg").write_bytes(b"far")
    (pictures / "link.jpg").symlink_to(tmp_path / "far.jpg")
    assert checked(library, pictures / "link.jpg").to_scan == {str(pictures)}


def test_photos_on_a_drive_that_is_gone_are_not_gone(
    library: MemoryStore, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = library.folders()[0]
    drive = pictures / "sub"
    library.put_folder(replace(folder, mounts=(str(drive),)))
    monkeypatch.setattr(checking, "mounts", lambda: frozenset({"/"}))
    shutil.rmtree(drive)
    drive.mkdir()
    (pictures / "a.jpg").unlink()
    seen = checked(library, drive, pictures / "a.jpg")
    assert names(seen.changes.gone) == {"a.jpg"}
    assert seen.to_scan == {str(pictures)}
