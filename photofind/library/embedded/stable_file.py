"""Reading from files, and going through mappings, that others change meanwhile."""

from __future__ import annotations

import os
import weakref
from abc import abstractmethod
from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from io import BufferedReader, RawIOBase
from itertools import repeat
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from photofind.errors import DamagedError
from photofind.system.disk import explain_disk_errors

__all__ = ["LockedStableFile", "SnapshotMapping", "StableFile", "open_stable", "status_of"]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_BUFFER = 1 << 16


def status_of(path: Path) -> os.stat_result | None:
    """Return the status of a file; None where there is none.

    Raises
    ------
    LibraryError
        It cannot be looked at.
    """
    with explain_disk_errors(path):
        try:
            return path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None


class StableFile:
    """A file that any thread reads at any place.

    It stays what it is when another file takes its name, and is closed when nothing refers to it
    any more.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    OSError
        It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._close = weakref.finalize(self, os.close, self._descriptor)

    @property
    def size(self) -> int:
        """Bytes that are in it now."""
        return os.fstat(self._descriptor).st_size

    def is_at(self, path: Path) -> bool:
        """Return whether ``path`` is this file, and not another or none.

        Raises
        ------
        LibraryError
            It cannot be looked at.
        """
        there = status_of(path)
        return there is not None and os.path.samestat(os.fstat(self._descriptor), there)

    def read(self, start: int, count: int) -> bytes:
        """Return ``count`` bytes from ``start`` on.

        Raises
        ------
        DamagedError
            The file ends before.
        LibraryError
            The disk refused.
        """
        return next(self.read_runs((start,), (count,)))

    def read_runs(self, starts: Iterable[int], counts: Iterable[int]) -> Iterator[bytes]:
        """Yield the bytes from each of some places on, so many as are counted there.

        Raises
        ------
        DamagedError, LibraryError
            As `read`.
        """
        counts = [*counts]
        try:
            for data, count in zip(self._read_all(starts, counts), counts, strict=True):
                if len(data) < count:
                    raise DamagedError(
                        f"{self._path} was cut short while it was in use", "start photofind again"
                    )
                yield data
        except OSError:
            with explain_disk_errors(self._path):
                raise

    def read_some(self, start: int, count: int) -> bytes:
        """Return ``count`` bytes from ``start`` on, or fewer where the file ends before."""
        return os.pread(self._descriptor, count, start)

    def read_each(self, starts: Iterable[int], count: int) -> list[bytes]:
        """Return ``count`` bytes from each of some places on, or fewer at the end of the file."""
        return [*self._read_all(starts, repeat(count))]

    def _read_all(self, starts: Iterable[int], counts: Iterable[int]) -> Iterator[bytes]:
        """Yield the bytes from each of some places on; hundreds are asked for with each query."""
        return map(os.pread, repeat(self._descriptor), counts, starts)

    def stream(self, start: int) -> BufferedReader:
        """Return a stream of what is in it from ``start`` on."""
        return BufferedReader(_Stream(self, start), _BUFFER)

    def give_way(self) -> None:
        """Let another file take its name; readers of this one can go on."""


class LockedStableFile(StableFile):
    """The same for Windows: without ``pread``, and where an open file cannot be replaced."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._reading = Lock()
        self._content: bytes | None = None

    def read_some(self, start: int, count: int) -> bytes:
        """Return ``count`` bytes from ``start`` on, or fewer where the file ends before."""
        with self._reading:
            if self._content is not None:
                return self._content[start : start + count]
            os.lseek(self._descriptor, start, os.SEEK_SET)
            return os.read(self._descriptor, count)

    def _read_all(self, starts: Iterable[int], counts: Iterable[int]) -> Iterator[bytes]:
        """Yield the bytes from each of some places on."""
        return map(self.read_some, starts, counts)

    def give_way(self) -> None:
        """Close it; readers go on from memory."""
        content = self.read_some(0, self.size)
        with self._reading:
            self._content = content
            self._close()


def open_stable(path: Path) -> StableFile:
    """Open a file, as the system allows it."""
    return StableFile(path) if hasattr(os, "pread") else LockedStableFile(path)


class _Stream(RawIOBase):
    """Goes through a steady file, wherever others read it."""

    def __init__(self, file: StableFile, start: int) -> None:
        self._file = file
        self._place = start

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read_some(self._place, len(buffer))
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


class SnapshotMapping(Mapping[_Key, _Value]):
    """A mapping that may be changed during an iteration, which sees it as it was."""

    @abstractmethod
    def snapshot(self) -> Iterator[tuple[_Key, _Value]]:
        """Iterate over what is there now, whatever changes meanwhile."""

    def items(self) -> ItemsView[_Key, _Value]:
        """Return a view of what is there."""
        return _Items(self)

    def values(self) -> ValuesView[_Value]:
        """Return a view of the values that are there."""
        return _Values(self)


class _Items(ItemsView[_Key, _Value]):
    _mapping: SnapshotMapping[_Key, _Value]

    def __iter__(self) -> Iterator[tuple[_Key, _Value]]:
        return self._mapping.snapshot()


class _Values(ValuesView[_Value]):
    _mapping: SnapshotMapping[Any, _Value]

    def __iter__(self) -> Iterator[_Value]:
        return (value for _, value in self._mapping.snapshot())
