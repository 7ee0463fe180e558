"""A look at a few places tells the same as a scan would of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from simulated import SPACE, SimulatedExtraction, add, run

from photofind.indexing import check_places as looking
from photofind.indexing.check_places import Look, look
from photofind.library.embedded.library import Library
from photofind.paths import Home


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for name in ("a.jpg", "sub/b.jpg", "sub/deep/c.jpg", ".hidden/d.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture
def library(home: Home, pictures: Path) -> Library:
    library = Library(home, writable=True)
    add(library, pictures)
    run(library, SimulatedExtraction())
    return library


def looked(library: Library, *places: Path) -> Look:
    return look(library, [str(place) for place in places], lambda photo: SPACE in photo.rows)


def names(items) -> set[str]:
    return {Path(item.path).name for item in items}


def test_nothing_changed(library: Library, pictures: Path) -> None:
    seen = looked(library, pictures / "a.jpg", pictures / "sub")
    assert seen.changes.unchanged == 3
    assert not seen.changes.unread
    assert not seen.changes.gone
    assert not seen.doubtful


def test_a_new_file_and_a_changed_one(library: Library, pictures: Path) -> None:
    (pictures / "new.jpg").write_bytes(b"new")
    (pictures / "a.jpg").write_bytes(b"other")
    seen = looked(library, pictures / "new.jpg", pictures / "a.jpg", pictures / "sub/b.jpg")
    assert names(seen.changes.unread) == {"new.jpg", "a.jpg"}
    assert seen.changes.unchanged == 1


def test_a_moved_file_is_recognised(library: Library, pictures: Path) -> None:
    (pictures / "a.jpg").rename(pictures / "sub/z.jpg")
    seen = looked(library, pictures / "a.jpg", pictures / "sub/z.jpg")
    assert names(seen.changes.moved) == {"z.jpg"}
    assert not seen.changes.gone


def test_a_moved_folder_is_recognised(library: Library, pictures: Path) -> None:
    (pictures / "sub").rename(pictures / "other")
    seen = looked(library, pictures / "sub", pictures / "other")
    assert names(seen.changes.moved) == {"b.jpg", "c.jpg"}


@pytest.mark.parametrize("few", [0, 4])
def test_gone_files_and_folders(
    library: Library, pictures: Path, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "FEW", few)
    (pictures / "a.jpg").unlink()
    shutil.rmtree(pictures / "sub")
    seen = looked(library, pictures / "a.jpg", pictures / "sub", pictures / "sub/deep")
    assert names(seen.changes.gone) == {"a.jpg", "b.jpg", "c.jpg"}


def test_what_is_left_out_is_not_looked_at(library: Library, pictures: Path) -> None:
    (pictures / ".hidden/e.jpg").write_bytes(b"e")
    seen = looked(library, pictures / ".hidden/e.jpg", pictures / ".hidden")
    assert not seen.changes.unread


def test_places_outside_of_all_folders_are_none_of_ours(library: Library, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.jpg").write_bytes(b"e")
    seen = looked(library, tmp_path / "elsewhere.jpg")
    assert not seen.changes.unread
    assert not seen.doubtful


def test_only_a_survey_can_judge_a_whole_folder(library: Library, pictures: Path) -> None:
    assert looked(library, pictures).doubtful == {str(pictures)}
    assert looked(library, pictures.parent).doubtful == {str(pictures)}
    shutil.rmtree(pictures)
    seen = looked(library, pictures / "a.jpg")
    assert seen.doubtful == {str(pictures)}
    assert not seen.changes.gone


def test_links_are_for_a_survey(library: Library, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "far.jpg").write_bytes(b"far")
    (pictures / "link.jpg").symlink_to(tmp_path / "far.jpg")
    assert looked(library, pictures / "link.jpg").doubtful == {str(pictures)}


def test_photos_on_a_drive_that_is_gone_are_not_gone(
    library: Library, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = library.folders()[0]
    drive = pictures / "sub"
    from dataclasses import replace

    library.put_folder(replace(folder, mounts=(str(drive),)))
    monkeypatch.setattr(looking, "mounts", lambda: frozenset({"/"}))
    shutil.rmtree(drive)
    drive.mkdir()
    (pictures / "a.jpg").unlink()
    seen = looked(library, drive, pictures / "a.jpg")
    assert names(seen.changes.gone) == {"a.jpg"}
    assert seen.doubtful == {str(pictures)}
