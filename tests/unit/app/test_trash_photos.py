"""Which photos go to the trash: only the files that were indexed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from photofind.app import trash as trash_module
from photofind.app.trash import trash_photos
from photofind.images.reading import content_id
from photofind.library.memory import MemoryStore
from photofind.model.records import Folder, Photo
from photofind.system.reach import Reach
from photofind.system.trash import SeenFile, TrashedFile, TrashHistory


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The real paths of what is moved; nothing is."""
    moved: list[str] = []

    def move(seen: SeenFile) -> TrashedFile:
        moved.append(seen.real)
        return TrashedFile(seen.path)

    monkeypatch.setattr(trash_module, "move_to_trash", move)
    return moved


def indexed(library: MemoryStore, path: Path) -> Photo:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"pixels")
    status = path.stat()
    content = content_id(b"pixels")
    library.put_folder(Folder(str(path.parent.parent), added=0.0))
    (photo,) = library.commit(
        [Photo(str(path), status.st_size, status.st_mtime_ns, status.st_ino, content)]
    )
    return photo


def trash(library: MemoryStore, photo: Photo) -> list[str]:
    """Move a photo to the trash; return what kept that from being done."""
    folders = [folder.path for folder in library.folders()]
    trashing, _ = trash_photos(
        library,
        TrashHistory(Path(photo.path).parent / "history"),
        Reach(lambda: folders),
        [photo.id],
    )
    assert bool(trashing.trashed) != bool(trashing.failures)
    return [failure.reason for failure in trashing.failures]


def test_the_file_that_was_indexed_is_moved(tmp_path: Path, moved: list[str]) -> None:
    library = MemoryStore()
    photo = indexed(library, tmp_path / "album" / "a.jpg")
    assert trash(library, photo) == []
    assert moved == [str(tmp_path / "album" / "a.jpg")]


def test_a_file_of_a_drive_that_gives_new_numbers_is_known_by_its_content(
    tmp_path: Path, moved: list[str]
) -> None:
    library = MemoryStore()
    photo = indexed(library, tmp_path / "album" / "a.jpg")
    (photo,) = library.commit([replace(photo, inode=photo.inode + 1)])
    assert trash(library, photo) == []
    assert len(moved) == 1


def by_other_pixels(path: Path) -> None:
    copy = path.with_name("copy")
    shutil.copy2(path, copy)
    path.unlink()
    path.write_bytes(b"PIXELS")
    shutil.copystat(copy, path)


def by_a_backup(path: Path) -> None:
    shutil.copytree(path.parent, path.parent.with_name("backup"))
    path.parent.rename(path.parent.with_name("mine"))
    path.parent.symlink_to("backup")


@pytest.mark.parametrize("exchange", [by_other_pixels, by_a_backup])
def test_another_file_of_the_same_size_and_time_is_not_moved(
    tmp_path: Path, moved: list[str], exchange: Callable[[Path], None]
) -> None:
    library = MemoryStore()
    photo = indexed(library, tmp_path / "album" / "a.jpg")
    keep = Path(photo.path).with_name("keep")  # So that no other file gets its number.
    keep.hardlink_to(photo.path)
    exchange(Path(photo.path))
    status = Path(photo.path).stat()
    assert (status.st_size, status.st_mtime_ns) == (photo.size, photo.modified)
    (reason,) = trash(library, photo)
    assert "has changed since it was indexed" in reason
    assert moved == []
