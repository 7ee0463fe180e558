"""Moving files to the trash and restoring them; nothing is overwritten or deleted."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from photofind.errors import DesktopError
from photofind.system import trash as trash_module
from photofind.system.trash import (
    MOST_UNDONE,
    TrashedFile,
    TrashHistory,
    look_at,
    move_to_trash,
    restore,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the freedesktop.org trash")

NAMES = [
    b"a photo.jpg", b"<b>'\"&.jpg", b"two\nlines.jpg", b"100%25#.jpg", b"-rf.jpg",
    "\N{CAT} ü.jpg".encode(), b"not \xff utf-8.jpg", b".hidden", b"no suffix",
]  # fmt: skip


@pytest.fixture
def trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A trash folder for the test, on the same disk as its files."""
    send2trash = pytest.importorskip("send2trash")
    if send2trash.send2trash.__module__ != "send2trash.plat_other":
        pytest.skip("send2trash asks GIO here")
    from send2trash import plat_other

    data = tmp_path / "data"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(data))
    # send2trash looks at the environment when it is imported.
    monkeypatch.setattr(plat_other, "XDG_DATA_HOME", os.fsencode(data))
    monkeypatch.setattr(plat_other, "HOMETRASH_B", os.fsencode(data / "Trash"))
    return data / "Trash"


def make(folder: Path, name: bytes = b"photo.jpg", content: bytes = b"pixels") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / os.fsdecode(name)
    path.write_bytes(content)
    os.utime(path, ns=(1_500_000_000_123_456_789, 1_600_000_000_987_654_321))
    return path


def move(path: str) -> TrashedFile:
    return move_to_trash(look_at(path))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_moved_and_restored(tmp_path: Path, trash: Path, name: bytes) -> None:
    path = make(tmp_path / "photos", name)
    path.chmod(0o640)
    before = path.stat()
    moved = move(str(path))
    assert not path.exists()
    assert moved.path == str(path)
    assert moved.item is not None
    assert moved.item.read_bytes() == b"pixels"
    assert moved.item.parent == trash / "files"
    assert moved.info is not None
    assert quote(name) in moved.info.read_text()
    restore(moved)
    assert path.read_bytes() == b"pixels"
    after = path.stat()
    assert (after.st_mtime_ns, after.st_mode) == (before.st_mtime_ns, before.st_mode)
    assert list((trash / "files").iterdir()) == list((trash / "info").iterdir()) == []


def test_exactly_that_file_is_restored(tmp_path: Path, trash: Path) -> None:
    """Not another one from the same path, nor one of the same name from elsewhere."""
    contents = [b"first", b"second", b"third"]
    moved = [move(str(make(tmp_path / "photos", content=content))) for content in contents]
    elsewhere = move(str(make(tmp_path / "elsewhere", content=b"fourth")))
    for one, content in zip(moved, contents, strict=True):
        restore(one)
        path = Path(one.path)
        assert path.read_bytes() == content
        path.unlink()
    restore(elsewhere)
    assert Path(elsewhere.path).read_bytes() == b"fourth"


def test_a_newer_file_is_not_overwritten(tmp_path: Path, trash: Path) -> None:
    path = make(tmp_path / "photos")
    moved = move(str(path))
    path.write_bytes(b"another")
    with pytest.raises(DesktopError, match="another file is at"):
        restore(moved)
    assert path.read_bytes() == b"another"
    assert moved.item is not None
    assert moved.item.read_bytes() == b"pixels"
    path.unlink()
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(DesktopError, match="another file is at"):
        restore(moved)
    path.unlink()
    restore(moved)
    assert path.read_bytes() == b"pixels"


def test_without_hard_links_the_file_is_moved(
    tmp_path: Path, trash: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(trash_module.os, "link", refuse)
    path = make(tmp_path / "photos")
    moved = move(str(path))
    path.write_bytes(b"another")
    with pytest.raises(DesktopError, match="another file is at"):
        restore(moved)
    assert path.read_bytes() == b"another"
    path.unlink()
    restore(moved)
    assert path.read_bytes() == b"pixels"
    assert path.stat().st_mtime_ns == 1_600_000_000_987_654_321


def test_a_failed_move_leaves_it_in_the_trash(
    tmp_path: Path, trash: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trash_module.os, "link", refuse)
    monkeypatch.setattr(trash_module.shutil, "move", refuse)
    path = make(tmp_path / "photos")
    moved = move(str(path))
    with pytest.raises(DesktopError, match="No space left"):
        restore(moved)
    assert not path.exists()
    assert moved.item is not None
    assert moved.item.read_bytes() == b"pixels"


def test_a_link_is_moved_not_its_target(tmp_path: Path, trash: Path) -> None:
    target = make(tmp_path / "photos", b"target.jpg")
    link = tmp_path / "photos/link.jpg"
    link.symlink_to(target)
    moved = move(str(link))
    assert target.read_bytes() == b"pixels"
    assert not link.is_symlink()
    restore(moved)
    assert link.is_symlink()
    assert link.resolve() == target


def test_a_folder_that_is_reached_by_a_link(tmp_path: Path, trash: Path) -> None:
    make(tmp_path / "real")
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    moved = move(str(tmp_path / "linked/photo.jpg"))
    assert moved.item is not None
    restore(moved)
    assert (tmp_path / "real/photo.jpg").read_bytes() == b"pixels"


def by_a_file(path: Path) -> None:
    path.rename(path.with_name("mine.jpg"))
    path.write_bytes(b"theirs")


def by_a_link(path: Path) -> None:
    path.rename(path.with_name("mine.jpg"))
    path.symlink_to(path.with_name("mine.jpg"))


def by_a_folder_elsewhere(path: Path) -> None:
    folder = path.parent
    shutil.copytree(folder, folder.with_name("backup"))  # With sizes and times.
    folder.rename(folder.with_name("mine"))
    folder.symlink_to("backup")


EXCHANGES = [by_a_file, by_a_link, by_a_folder_elsewhere]


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_what_came_to_its_place_since_it_was_seen_is_not_moved(
    tmp_path: Path, trash: Path, exchange: Callable[[Path], None]
) -> None:
    path = make(tmp_path / "photos")
    seen = look_at(str(path))
    exchange(path)
    before = files_in(tmp_path)
    with pytest.raises(DesktopError, match="was exchanged by another file"):
        move_to_trash(seen)
    assert files_in(tmp_path) == before


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_what_comes_to_its_place_at_the_last_moment_is_put_back(
    tmp_path: Path,
    trash: Path,
    monkeypatch: pytest.MonkeyPatch,
    exchange: Callable[[Path], None],
) -> None:
    import send2trash

    path = make(tmp_path / "photos")
    at_once: list[set[str]] = []
    send = send2trash.send2trash

    def exchanged(paths: str) -> None:
        exchange(path)
        at_once.append(files_in(tmp_path))
        send(paths)

    monkeypatch.setattr(send2trash, "send2trash", exchanged)
    with pytest.raises(DesktopError, match="was exchanged by another file"):
        move(str(path))
    assert [files_in(tmp_path)] == at_once


def test_other_than_files_are_refused(tmp_path: Path, trash: Path) -> None:
    folder = tmp_path / "folder"
    make(folder)
    with pytest.raises(DesktopError, match="is not a file"):
        move(str(folder))
    with pytest.raises(DesktopError, match="cannot be moved to the trash: No such file"):
        move(str(folder / "nothing.jpg"))
    assert (folder / "photo.jpg").exists()


def test_a_refused_file_stays(tmp_path: Path, trash: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "photos")
    trash.parent.mkdir()
    trash.write_text("no folder")  # Nothing can be moved into it.
    with pytest.raises(DesktopError, match="cannot be moved to the trash"):
        move(str(path))
    assert path.read_bytes() == b"pixels"


def test_no_longer_in_the_trash(tmp_path: Path, trash: Path) -> None:
    path = make(tmp_path / "photos")
    moved = move(str(path))
    assert moved.item is not None
    moved.item.unlink()
    with pytest.raises(DesktopError, match="no longer in the trash"):
        restore(moved)
    moved = move(str(make(tmp_path / "gone")))
    (tmp_path / "gone").rmdir()
    with pytest.raises(DesktopError, match="no longer exists"):
        restore(moved)
    assert not (tmp_path / "gone").exists()  # It may be where a drive is mounted.


def test_without_a_known_place_in_the_trash() -> None:
    with pytest.raises(DesktopError, match="only be restored from the system's trash"):
        restore(TrashedFile("/photos/a.jpg"))


def test_undo_works_once_and_history_is_limited(tmp_path: Path) -> None:
    history = TrashHistory(tmp_path / "trashed")
    tokens = [history.add([TrashedFile(str(n))]) for n in range(MOST_UNDONE + 1)]
    assert len(set(tokens)) == MOST_UNDONE + 1
    with pytest.raises(DesktopError, match="no longer be undone"):
        history.pop(tokens[0])
    assert history.pop(tokens[1]) == (TrashedFile("1"),)
    with pytest.raises(DesktopError):
        history.pop(tokens[1])
    history.add([TrashedFile("again")], tokens[1])
    assert history.pop(tokens[1]) == (TrashedFile("again"),)
