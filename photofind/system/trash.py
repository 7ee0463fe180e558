"""The system's trash: photos are moved there, and back.

send2trash moves a file there on every system, and does not say where it went. On systems with the
freedesktop.org trash it is looked up there, so that exactly this file can be moved back.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import sys
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from urllib.parse import unquote_to_bytes

from photofind.errors import DesktopError
from photofind.paths import remove_file

__all__ = ["TrashHistory", "TrashedFile", "move_to_trash", "restore"]

# How many times of moving photos to the trash can be undone.
MOST_UNDONE = 100


@dataclass(frozen=True)
class TrashedFile:
    """A file in the trash.

    Parameters
    ----------
    path
        Where it lay.
    item, info
        Where it lies now, and the note beside it that says where it came from; None where the
        system keeps that to itself.
    """

    path: str
    item: Path | None = None
    info: Path | None = None


def move_to_trash(path: str) -> TrashedFile:
    """Move a file to the trash; it is never deleted, whatever happens.

    Raises
    ------
    DesktopError
        If it cannot be moved; it is where it was.
    """
    from send2trash import TrashPermissionError, send2trash

    try:
        before = os.lstat(path)
    except OSError as error:
        raise DesktopError(f"{path} is not there: {error.strerror}") from None
    if not (stat.S_ISREG(before.st_mode) or stat.S_ISLNK(before.st_mode)):
        raise DesktopError(f"{path} is not a file")
    try:
        send2trash(path)
    except TrashPermissionError:
        raise DesktopError(
            f"the disk that holds {path} has no trash", "delete it in your file manager"
        ) from None
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DesktopError(
            f"{path} cannot be moved to the trash: {reason}", "try it in your file manager"
        ) from error
    if sys.platform in ("darwin", "win32"):
        return TrashedFile(path)
    return _found(path, before) or TrashedFile(path)


def restore(trashed: TrashedFile) -> None:
    """Move a file from the trash back to where it lay; nothing is written over.

    Raises
    ------
    DesktopError
        If that cannot be done; the file stays in the trash.
    """
    path, item = trashed.path, trashed.item
    if item is None:
        raise DesktopError(
            f"{path} can be put back from the system's trash only",
            "open the trash and restore it there",
        )
    if not os.path.lexists(item):
        raise DesktopError(f"{path} is no longer in the trash")
    if not Path(path).parent.is_dir():
        raise DesktopError(
            f"the folder that {path} lay in is not there", "open the trash and take it from there"
        )
    try:
        _move_to_free_place(item, path)
    except FileExistsError:
        raise DesktopError(
            f"another file is at {path} by now", "rename that one, or open the trash"
        ) from None
    except OSError as error:
        raise DesktopError(
            f"{path} cannot be put back: {error.strerror}", "open the trash and restore it there"
        ) from error
    if trashed.info is not None:
        with suppress(OSError):  # The photo is back; a note about nothing harms nobody.
            remove_file(trashed.info)


class TrashHistory:
    """Remembers what was moved to the trash, so that it can be undone. Threads may share it."""

    def __init__(self) -> None:
        self._changing = Lock()
        self._remembered: OrderedDict[str, tuple[TrashedFile, ...]] = OrderedDict()

    def add(self, files: Sequence[TrashedFile], token: str | None = None) -> str:
        """Return the token by which :meth:`pop` gives ``files`` back."""
        token = token or secrets.token_hex(16)
        with self._changing:
            self._remembered[token] = tuple(files)
            while len(self._remembered) > MOST_UNDONE:
                self._remembered.popitem(last=False)
        return token

    def pop(self, token: str) -> tuple[TrashedFile, ...]:
        """Return what is remembered under a token, and forget it.

        Raises
        ------
        DesktopError
            If nothing is.
        """
        with self._changing:
            try:
                return self._remembered.pop(token)
            except KeyError:
                raise DesktopError(
                    "this can no longer be undone", "open the trash and restore it there"
                ) from None


def _move_to_free_place(item: Path, path: str) -> None:
    """Move a file to where none is; both stay as they are where one is there."""
    try:
        # Unlike a rename this refuses to write over anything.
        os.link(item, path, follow_symlinks=False)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # Another disk, or one without links: FAT, some shares.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            shutil.move(item, path)
        except BaseException:
            if os.path.lexists(item):
                remove_file(Path(path))
            raise
    else:
        item.unlink()


def _found(path: str, before: os.stat_result) -> TrashedFile | None:
    """Return where in the trash a file lies that was just moved there from ``path``."""
    for trash, top in _trashes(path):
        try:
            # The newest first: the same path may have been in the trash before.
            notes = sorted((trash / "info").iterdir(), key=_changed, reverse=True)
        except OSError:
            continue
        for note in notes:
            item = trash / "files" / note.name.removesuffix(".trashinfo")
            if _is_same(item, before) and _origin(note, top) == _resolved(path):
                return TrashedFile(path, item, note)
    return None


def _trashes(path: str) -> Iterator[tuple[Path, str]]:
    """Yield the folders that may be the trash of a file, and what paths noted there begin at."""
    data = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser()
    yield data / "Trash", str(data)
    top = Path(path).parent.resolve()
    while not top.is_mount():
        top = top.parent
    user = os.getuid()
    yield top / ".Trash" / str(user), str(top)
    yield top / f".Trash-{user}", str(top)


def _changed(note: Path) -> int:
    return note.lstat().st_mtime_ns


def _is_same(item: Path, before: os.stat_result) -> bool:
    """Return whether a file is the one that was ``before``, moved or, between disks, copied."""
    try:
        after = os.lstat(item)
    except OSError:
        return False
    if (after.st_dev, after.st_ino) == (before.st_dev, before.st_ino):
        return True
    return after.st_dev != before.st_dev and (after.st_size, after.st_mtime_ns) == (
        before.st_size,
        before.st_mtime_ns,
    )


def _origin(note: Path, top: str) -> str | None:
    """Return the path that a note of the trash says its file came from."""
    with suppress(OSError):
        for line in note.read_bytes().splitlines():
            if line.startswith(b"Path="):
                noted = os.fsdecode(unquote_to_bytes(line.removeprefix(b"Path=")))
                return _resolved(os.path.join(top, noted))  # noqa: PTH118
    return None


def _resolved(path: str) -> str:
    """Return a path without links in the way to it; itself it may be one."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)  # noqa: PTH118
