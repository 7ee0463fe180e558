"""Moving files to the system's trash, and restoring them.

send2trash moves a file to the trash on every system, but does not tell where it went. With a
freedesktop.org trash the file is then looked up, so that exactly this file can be restored.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import unquote_to_bytes

from photofind.errors import DesktopError
from photofind.paths import private_folder, remove_file, write_atomically

__all__ = [
    "SeenFile",
    "TrashHistory",
    "Trashed",
    "TrashedFile",
    "look_at",
    "move_to_trash",
    "restore",
]

# Number of past operations that can be undone.
MOST_UNDONE = 100
_VERSION = 1

_ROUNDED = 2_000_000_000
"""Nanoseconds by which file systems round times."""


@dataclass(frozen=True)
class TrashedFile:
    """A file in the trash.

    Parameters
    ----------
    path
        Its original path.
    item, info
        Its path in the trash and that of its ``.trashinfo`` file; None if the system does not
        disclose them.
    """

    path: str
    item: Path | None = None
    info: Path | None = None


@dataclass(frozen=True)
class SeenFile:
    """A file that was looked at, so that no other is moved in its place.

    Parameters
    ----------
    path
        Its path.
    real
        The same without links on the way.
    folder
        Device and inode of the folder that holds it.
    status
        Its own; that of a link, not of its target.
    """

    path: str
    real: str
    folder: tuple[int, int]
    status: os.stat_result

    def is_same(self, other: SeenFile) -> bool:
        """Return whether the other is the same file in the same folder."""
        return (self.real, self.folder) == (other.real, other.folder) and os.path.samestat(
            self.status, other.status
        )


def look_at(path: str) -> SeenFile:
    """Look at a file that is to be moved to the trash.

    Raises
    ------
    DesktopError
        It is not there, or is not a file.
    """
    real = _resolved(path)
    folder, name = os.path.split(real)
    try:
        if os.stat in os.supports_dir_fd:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                around = os.fstat(descriptor)
                status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            finally:
                os.close(descriptor)
        else:
            around, status = os.stat(folder), os.lstat(real)  # noqa: PTH116
    except OSError as error:
        raise DesktopError(f"{path} cannot be moved to the trash: {error.strerror}") from None
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        raise DesktopError(f"{path} is not a file")
    return SeenFile(path, real, (around.st_dev, around.st_ino), status)


def move_to_trash(seen: SeenFile) -> TrashedFile:
    """Move a file to the trash; it is never deleted, and no other is moved in its place.

    Raises
    ------
    DesktopError
        If it cannot be moved, or is another file than the one that was seen; it is unchanged.
    """
    from send2trash import TrashPermissionError, send2trash

    path = seen.path
    if not seen.is_same(look_at(path)):
        raise _exchanged(path)
    started = time.time_ns()
    try:
        send2trash(seen.real)
    except TrashPermissionError:
        raise DesktopError(
            f"the disk that holds {path} has no trash", "delete the file in your file manager"
        ) from None
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DesktopError(
            f"{path} cannot be moved to the trash: {reason}", "try it in your file manager"
        ) from error
    if sys.platform in ("darwin", "win32"):
        return TrashedFile(path)
    moved = _find_in_trash(path, lambda item, note: _is_same(item, seen.status))
    if moved is None and (other := _find_in_trash(path, partial(_is_newer, started))) is not None:
        restore(other)  # Between the look and the move another file came to its place.
        raise _exchanged(path)
    return moved or TrashedFile(path)


def restore(trashed: TrashedFile) -> None:
    """Move a file from the trash back to its original path; nothing is overwritten.

    Raises
    ------
    DesktopError
        If that fails; the file stays in the trash.
    """
    path, item = trashed.path, trashed.item
    if item is None:
        raise DesktopError(
            f"{path} can only be restored from the system's trash",
            "open the trash and restore it there",
        )
    if not os.path.lexists(item):
        raise DesktopError(f"{path} is no longer in the trash")
    if not Path(path).parent.is_dir():
        raise DesktopError(
            f"the folder of {path} no longer exists", "open the trash and restore the file there"
        )
    try:
        _move_to_free_place(item, path)
    except FileExistsError:
        raise DesktopError(
            f"another file is at {path} now", "rename that file, or open the trash"
        ) from None
    except OSError as error:
        raise DesktopError(
            f"{path} cannot be restored: {error.strerror}", "open the trash and restore it there"
        ) from error
    if trashed.info is not None:
        with suppress(OSError):  # The file is restored; a leftover .trashinfo file is harmless.
            remove_file(trashed.info)


@dataclass(frozen=True)
class Trashed:
    """Files that were moved to the trash together: the token that undoes it, and when."""

    token: str
    when: float
    files: tuple[TrashedFile, ...]


class TrashHistory:
    """The last files moved to the trash, so that this can be undone, after a restart too.

    Threads and processes may share it: each move has a file of its own
    (docs/develop/storage.md), which is taken by whoever undoes it.

    Parameters
    ----------
    folder
        Where these files are; created when something is moved.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, files: Sequence[TrashedFile], token: str | None = None) -> str:
        """Record ``files``; return the token with which :meth:`pop` returns them.

        Raises
        ------
        OSError
            The disk refuses.
        """
        token = token or secrets.token_hex(16)
        plain = {
            "version": _VERSION,
            "when": time.time(),
            "files": [
                [file.path, file.item and str(file.item), file.info and str(file.info)]
                for file in files
            ],
        }
        private_folder(self._folder)
        write_atomically(self._folder / f"{token}.json", json.dumps(plain).encode("ascii"))
        for old in self.all()[MOST_UNDONE:]:
            remove_file(self._path(old.token))
        return token

    def all(self) -> list[Trashed]:
        """Return what can be undone, the last first."""
        found = [self._read(path) for path in self._folder.glob("*.json")]
        return sorted(filter(None, found), key=lambda one: one.when, reverse=True)

    def pop(self, token: str) -> tuple[TrashedFile, ...]:
        """Remove and return the files recorded under a token.

        Raises
        ------
        DesktopError
            If the token is unknown.
        """
        # Of two that undo the same, one gives it another name first.
        taken = self._folder / f"{token}.taken"
        try:
            self._path(token).replace(taken)
            known = self._read(taken)
            remove_file(taken)
        except OSError:
            known = None
        if known is None:
            raise DesktopError(
                "this can no longer be undone", "open the trash and restore the files there"
            )
        return known.files

    def _path(self, token: str) -> Path:
        return self._folder / f"{token}.json"

    def _read(self, path: Path) -> Trashed | None:
        """Return what a file records; None if it is gone, or of another version."""
        try:
            plain = json.loads(path.read_bytes())
            if plain["version"] != _VERSION:
                return None
            files = tuple(
                TrashedFile(name, item and Path(item), info and Path(info))
                for name, item, info in plain["files"]
            )
            return Trashed(path.stem, float(plain["when"]), files)
        except (OSError, ValueError, TypeError, LookupError, RecursionError):
            return None


def _move_to_free_place(item: Path, path: str) -> None:
    """Move a file without overwriting another."""
    try:
        # Unlike a rename, a link never overwrites a file.
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


def _exchanged(path: str) -> DesktopError:
    return DesktopError(
        f"{path} was exchanged by another file while it was to be moved; nothing was moved",
        "look at it again first",
    )


def _find_in_trash(path: str, is_it: Callable[[Path, Path], bool]) -> TrashedFile | None:
    """Return the newest file in the trash that came from ``path`` and is the right one.

    Parameters
    ----------
    is_it
        Returns that, given an item and its note.
    """
    for trash, top in _trashes(path):
        try:
            # Newest first: the same path may have been in the trash before.
            notes = sorted((trash / "info").iterdir(), key=_changed, reverse=True)
        except OSError:
            continue
        for note in notes:
            item = trash / "files" / note.name.removesuffix(".trashinfo")
            if is_it(item, note) and _origin(note, top) == _resolved(path):
                return TrashedFile(path, item, note)
    return None


def _trashes(path: str) -> Iterator[tuple[Path, str]]:
    """Yield the possible trash folders of a file, and the base of relative paths noted there."""
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


def _is_newer(started: int, item: Path, note: Path) -> bool:
    """Return whether an item came after a time, which the file system may round down."""
    try:
        return os.path.lexists(item) and _changed(note) > started - _ROUNDED
    except OSError:
        return False


def _is_same(item: Path, before: os.stat_result) -> bool:
    """Return whether a file is the one with status ``before``, moved or copied between disks."""
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
    """Return the original path that a ``.trashinfo`` file records."""
    with suppress(OSError):
        for line in note.read_bytes().splitlines():
            if line.startswith(b"Path="):
                noted = os.fsdecode(unquote_to_bytes(line.removeprefix(b"Path=")))
                return _resolved(os.path.join(top, noted))  # noqa: PTH118
    return None


def _resolved(path: str) -> str:
    """Return a path with all links resolved but the last component's."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)  # noqa: PTH118
