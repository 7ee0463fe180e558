"""Finds the photos of an added folder, and says what it could not look at."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any, TypeVar

from photofind.images.formats import is_photo, sidecar_of
from photofind.indexing.excludes import Rules
from photofind.model import Skipped
from photofind.paths import is_below

__all__ = ["Found", "Walk", "is_link", "scan"]

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Found:
    """A photo as it is on disk.

    Parameters
    ----------
    path
        Absolute, below the added folder as that was given.
    size
        In bytes.
    modified
        The time of the last change of its content, in nanoseconds since 1970.
    inode
        The file's number within its file system; 0 where there is none. It stays the same after a
        rename, but not always after a remount.
    sidecar
        The time of the last change of its XMP sidecar, in nanoseconds since 1970; None without.
    changed
        The time of the last change of its status, in nanoseconds since 1970: of its content, its
        attributes or its name; on Windows, of its creation. Later than ``modified`` where a copy
        has the time of its original. 0 where it is not known.
    sidecar_changed
        The same of its XMP sidecar; 0 without one.
    """

    path: str
    size: int
    modified: int
    inode: int
    sidecar: int | None = None
    changed: int = field(default=0, compare=False)
    sidecar_changed: int = field(default=0, compare=False)


def scan(
    folder: str,
    rules: Rules,
    *,
    apart: Iterable[str] = (),
    beat: Callable[[], None] = lambda: None,
) -> Iterator[Found | Skipped]:
    """Walk over ``folder`` and yield each of its photos once.

    Photos are recognised by their names alone; no file is opened.

    A link to a file is a photo of its own where the file lies outside of ``folder`` and of those
    in ``apart``; each such file is found once. A link to a folder is followed after everything
    else, and only where the folder is neither inside nor above one of them nor one already
    followed. So no walk goes round in a loop, and a link to ``/`` does not add the whole disk.

    Parameters
    ----------
    folder
        An absolute path.
    rules
        What is left out; a folder that is left out is not entered.
    apart
        Folders that are not part of this one even where they lie inside: photofind's own home,
        and other added folders, which are walked by themselves. Their paths are without links:
        they are not looked at, since they may be on a drive that does not answer.
    beat
        Called for each entry of a folder.
    """
    return Walk(folder, rules, apart, beat).run()


class Walk:
    """A walk over an added folder, or over places in it; the parameters are those of `scan`."""

    def __init__(
        self,
        folder: str,
        rules: Rules,
        apart: Iterable[str],
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._beat = beat
        self._folder = folder
        self._rules = rules
        self._added = {os.path.realpath(folder), *apart}
        self._walked = set(self._added)
        self._folder_links: list[str] = []
        self._file_links: list[str] = []
        self._left_out: dict[str, bool] = {}

    @property
    def links(self) -> bool:
        """Whether it met links, of which only a walk over the whole folder knows what they mean."""
        return bool(self._folder_links or self._file_links)

    def at(self, place: str) -> Iterator[Found | Skipped]:
        """Yield what is at a place below the folder: a photo, all photos of a folder, or nothing.

        Links are noted, not followed.
        """
        if self.leaves_out(place):
            return
        try:
            mode = os.lstat(place).st_mode
        except OSError:
            return
        if stat.S_ISLNK(mode):
            yield from self._link(place)
        elif stat.S_ISDIR(mode):
            yield from self._walk(place)
        elif is_photo(place):
            yield from self._photo(place, has_sidecars=True)

    def leaves_out(self, place: str) -> bool:
        """Return whether the rules leave out a place in the folder, or what holds it."""
        parent = os.path.dirname(place)  # noqa: PTH120
        if len(parent) > len(self._folder):
            if parent not in self._left_out:
                self._left_out[parent] = self._excludes(parent, is_folder=True) or self.leaves_out(
                    parent
                )
            if self._left_out[parent]:
                return True
        return self._excludes(place, is_folder=Path(place).is_dir())

    def run(self) -> Iterator[Found | Skipped]:
        """Yield all photos of the folder."""
        yield from self._walk(self._folder)
        for link in self._folder_links:  # Grows by the links found while following it.
            target = os.path.realpath(link)
            above = any(is_below(added, target) for added in self._added)
            if not above and self._is_new(target):
                self._walked.add(target)
                yield from self._walk(link)
        for link in self._file_links:
            target = os.path.realpath(link)
            if self._is_new(target):
                self._walked.add(target)
                yield from self._photo(link, has_sidecars=True)

    def _is_new(self, target: str) -> bool:
        return not any(is_below(target, walked) for walked in self._walked)

    def _walk(self, top: str) -> Iterator[Found | Skipped]:
        """Walk over ``top``; links are noted, not followed."""
        real_top = os.path.realpath(top)
        folders = [top]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(folder) as entries:
                    listed = sorted((entry.name, _kind(entry)) for entry in self._paced(entries))
            except FileNotFoundError:
                if folder == top:
                    yield Skipped(folder, "it is missing")
                continue
            except OSError as error:
                yield Skipped(folder, error.strerror or str(error))
                continue
            has_sidecars = any(name.lower().endswith(".xmp") for name, _ in listed)
            for name, kind in self._paced(listed):
                path = f"{folder.rstrip(os.sep)}{os.sep}{name}"
                if kind is _Kind.FOLDER:
                    real = real_top + path[len(top) :]
                    if not self._excludes(path, is_folder=True) and real not in self._walked:
                        folders.append(path)
                elif kind is _Kind.LINK:
                    yield from self._link(path)
                elif kind is _Kind.FILE and is_photo(path) and not self._excludes(path):
                    yield from self._photo(path, has_sidecars=has_sidecars)

    def _paced(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            self._beat()
            yield entry

    def _excludes(self, path: str, *, is_folder: bool = False) -> bool:
        relative = path[len(self._folder) :].lstrip(os.sep)
        return self._rules.exclude(relative, is_folder=is_folder)

    def _link(self, path: str) -> Iterator[Skipped]:
        if Path(path).is_dir():
            if not self._excludes(path, is_folder=True):
                self._folder_links.append(path)
        elif not self._excludes(path):
            if not Path(path).exists():
                yield Skipped(path, "the link leads nowhere")
            elif is_photo(path):
                self._file_links.append(path)

    def _photo(self, path: str, *, has_sidecars: bool) -> Iterator[Found | Skipped]:
        """Yield the photo, unless it has vanished."""
        try:
            status = os.stat(path)  # noqa: PTH116 (a Path for every file takes as long as the rest)
            sidecar = sidecar_of(Path(path)) if has_sidecars else None
            beside = sidecar.stat() if sidecar else None
        except FileNotFoundError:
            return
        except OSError as error:
            yield Skipped(path, error.strerror or str(error))
            return
        if not stat.S_ISREG(status.st_mode):
            return
        yield Found(
            path,
            status.st_size,
            status.st_mtime_ns,
            status.st_ino,
            beside.st_mtime_ns if beside else None,
            status.st_ctime_ns,
            beside.st_ctime_ns if beside else 0,
        )


class _Kind(Enum):
    FOLDER = auto()
    FILE = auto()
    LINK = auto()
    OTHER = auto()


def _kind(entry: os.DirEntry[str]) -> _Kind:
    if is_link(entry):
        return _Kind.LINK
    if entry.is_dir(follow_symlinks=False):
        return _Kind.FOLDER
    return _Kind.FILE if entry.is_file(follow_symlinks=False) else _Kind.OTHER


def is_link(entry: os.DirEntry[Any]) -> bool:
    """Return whether an entry of a folder is a symbolic link, or a junction of Windows."""
    return entry.is_symlink() or (
        sys.platform == "win32"
        and entry.stat(follow_symlinks=False).st_reparse_tag == stat.IO_REPARSE_TAG_MOUNT_POINT
    )
