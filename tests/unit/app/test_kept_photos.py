"""No photo goes to the trash for another one that is not there."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from photofind.app import trash as trash_module
from photofind.app.trash import trash_photos, untrash_photos
from photofind.errors import DesktopError, LibraryError
from photofind.images.reading import content_id
from photofind.library.memory import MemoryStore
from photofind.model.records import Folder, Photo
from photofind.system.reach import Reach
from photofind.system.trash import SeenFile, TrashedFile, TrashHistory

pytestmark = pytest.mark.skipif(os.name == "nt", reason="not every user may make links there")


class Library:
    """Two photos of one picture, in a library and on a disk whose trash is known."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = MemoryStore()
        self.store.put_folder(Folder(str(root / "album"), added=0.0))
        (root / "album").mkdir()
        self.history = TrashHistory(root / "trashed")
        self.kept = self.add("kept.jpg", b"pixels")
        self.copy = self.add("copy.jpg", b"fewer pixels")

    def add(self, name: str, data: bytes) -> Photo:
        path = self.root / "album" / name
        path.write_bytes(data)
        os.utime(path, (1, 1))  # What is written next may come in the same tick of the clock.
        return self.index(path, data)

    def index(self, path: Path, data: bytes) -> Photo:
        status = path.stat()
        photo = Photo(
            str(path), status.st_size, status.st_mtime_ns, status.st_ino, content_id(data)
        )
        return self.store.commit([photo])[0]

    def trash(self, photos: list[int], kept: list[int]) -> list[str]:
        """Move photos to the trash; return why some were not."""
        trashing, _ = trash_photos(self.store, self.history, Reach(lambda: []), photos, kept)
        return [failure.reason for failure in trashing.failures]


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    def move(seen: SeenFile) -> TrashedFile:
        item = tmp_path / "bin" / Path(seen.path).name
        item.parent.mkdir(exist_ok=True)
        return TrashedFile(seen.path, Path(seen.path).rename(item))

    monkeypatch.setattr(trash_module, "move_to_trash", move)
    return Library(tmp_path)


def test_a_copy_goes_while_the_other_is_whole(library: Library) -> None:
    assert library.trash([library.copy.id], [library.kept.id]) == []
    assert not Path(library.copy.path).exists()
    assert Path(library.kept.path).read_bytes() == b"pixels"


def gone(library: Library) -> None:
    Path(library.kept.path).unlink()


def changed(library: Library) -> None:
    Path(library.kept.path).write_bytes(b"other pixels")


def changed_in_secret(library: Library) -> None:
    path = Path(library.kept.path)
    times = path.stat().st_mtime_ns
    path.write_bytes(b"PIXELS")
    os.utime(path, ns=(times, times))


def a_folder(library: Library) -> None:
    gone(library)
    Path(library.kept.path).mkdir()


def a_hard_link(library: Library) -> None:
    gone(library)
    Path(library.kept.path).hardlink_to(library.copy.path)
    library.kept = library.index(Path(library.kept.path), b"fewer pixels")


def a_link(library: Library) -> None:
    gone(library)
    Path(library.kept.path).symlink_to(library.copy.path)
    library.kept = library.index(Path(library.kept.path), b"fewer pixels")


def a_link_elsewhere(library: Library) -> None:
    path = Path(library.kept.path)
    path.rename(library.root / "elsewhere.jpg")
    path.symlink_to(library.root / "elsewhere.jpg")


def away(library: Library) -> None:
    (library.kept,) = library.store.commit([replace(library.kept, away="another card")])


def failed(library: Library) -> None:
    (library.kept,) = library.store.commit([replace(library.kept, failure="it is damaged")])


def preliminary(library: Library) -> None:
    (library.kept,) = library.store.commit([replace(library.kept, content="~abc")])


def not_in_the_library(library: Library) -> None:
    library.store.remove([library.kept])


@pytest.mark.parametrize(
    "spoil",
    [
        gone, changed, changed_in_secret, a_folder, a_hard_link, a_link, a_link_elsewhere, away,
        failed, preliminary, not_in_the_library,
    ],
)  # fmt: skip
def test_the_last_copy_stays(library: Library, spoil: Callable[[Library], None]) -> None:
    spoil(library)
    (reason,) = library.trash([library.copy.id], [library.kept.id])
    assert reason
    assert Path(library.copy.path).read_bytes() == b"fewer pixels"


def test_two_do_not_go_for_each_other(library: Library) -> None:
    both = [library.copy.id, library.kept.id]
    assert len(library.trash(both, both[::-1])) == 2
    assert len(library.trash(both, both)) == 2
    with pytest.raises(LibraryError, match="2 photos"):
        library.trash(both, both[:1])
    assert Path(library.copy.path).exists()
    assert Path(library.kept.path).exists()


def test_all_that_went_together_is_put_back_together_by_another_process(library: Library) -> None:
    more = [library.add(f"{place}.jpg", b"%d" % place) for place in range(3)]
    ids = [photo.id for photo in more]
    library.trash([library.copy.id], [library.kept.id])
    assert library.trash(ids, [library.kept.id] * 3) == []
    later = TrashHistory(library.root / "trashed")
    assert [len(one.files) for one in later.all()] == [3, 1]
    reach = Reach(lambda: [])
    assert len(untrash_photos(later, reach, None).restored) == 3
    assert [Path(photo.path).read_bytes() for photo in more] == [b"0", b"1", b"2"]
    assert untrash_photos(later, reach, None).restored == (library.copy.path,)
    with pytest.raises(DesktopError, match="nothing to put back"):
        untrash_photos(later, reach, None)


def another_name(path: Path, other: Path) -> None:
    path.unlink()
    path.hardlink_to(other)


def a_link_to_it(path: Path, other: Path) -> None:
    path.unlink()
    path.symlink_to(other)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path, _: path.unlink(),
        lambda path, _: path.write_bytes(b"PIXELS"),
        another_name,
        a_link_to_it,
    ],
)
def test_what_went_comes_back_if_the_kept_one_changes_at_that_moment(
    library: Library, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path, Path], None]
) -> None:
    move = trash_module.move_to_trash

    def spoil_and_move(seen: SeenFile) -> TrashedFile:
        spoil(Path(library.kept.path), Path(seen.path))
        return move(seen)

    monkeypatch.setattr(trash_module, "move_to_trash", spoil_and_move)
    (reason,) = library.trash([library.copy.id], [library.kept.id])
    assert "changed at that moment" in reason
    assert Path(library.copy.path).read_bytes() == b"fewer pixels"
    assert library.history.all() == []


def test_what_cannot_come_back_can_still_be_undone(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another file came to its place, after the kept one had gone."""
    move = trash_module.move_to_trash

    def spoil_and_move(seen: SeenFile) -> TrashedFile:
        Path(library.kept.path).unlink()
        moved = move(seen)
        Path(seen.path).write_bytes(b"another")
        return moved

    monkeypatch.setattr(trash_module, "move_to_trash", spoil_and_move)
    (reason,) = library.trash([library.copy.id], [library.kept.id])
    assert "another file is at" in reason
    ((moved,),) = (one.files for one in library.history.all())
    assert moved.item is not None
    assert moved.item.read_bytes() == b"fewer pixels"
