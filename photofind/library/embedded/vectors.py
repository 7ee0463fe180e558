"""The vectors of a space: rows of float16 in a file that only gets longer."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from photofind.errors import DamagedError, LibraryError, NewerFormatError
from photofind.paths import write_atomically
from photofind.system.disk import explained, sync_file

__all__ = ["BLOCK", "Vectors"]

VERSION = 1
# Rows are read in blocks of so many.
BLOCK = 4096
_HEADER_SIZE = 64
_CHECKSUM_SIZE = 4
_HEADER = re.compile(rb"photofind vectors (\d+) (\d+) *\n")


class Vectors:
    """The committed rows of a file of vectors; ``docs/develop/storage.md`` has the format.

    An object sees the rows that were committed when it was made, whatever is appended after.

    Parameters
    ----------
    path
        The file; a missing one holds nothing.
    dimension
        The length of a vector.
    committed
        How many rows the catalog knows of. What lies behind them in the file is not a part of it.

    Attributes
    ----------
    on_disk
        How many whole rows the file has.
    is_whole
        Whether it has its header and all committed rows.

    Raises
    ------
    NewerFormatError
        The file was written by a later version of photofind.
    LibraryError
        The file cannot be read.
    """

    def __init__(self, path: Path, dimension: int, committed: int) -> None:
        self.path = path
        self._type = np.dtype([("vector", "<f2", (dimension,)), ("checksum", "<u4")])
        self.dimension = dimension
        self.committed = committed
        with explained(path):
            header, self.on_disk = self._look()
            if (version := _HEADER.fullmatch(header)) and int(version[1]) > VERSION:
                raise NewerFormatError(
                    f"{path} was written by a newer photofind", "upgrade photofind"
                )
            self.is_whole = header == self._header and self.on_disk >= committed
            self._rows: Any = np.empty(0, self._type)
            if count := min(committed, self.on_disk):
                rows = np.memmap(path, self._type, "r", offset=_HEADER_SIZE, shape=(count,))
                self._rows = np.asarray(rows)

    def __len__(self) -> int:
        """Return how many rows can be read: fewer than committed where the file is too short."""
        return len(self._rows)

    def rows(self, indices: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the vectors at these rows.

        Parameters
        ----------
        indices
            Rows, (n,).

        Returns
        -------
        numpy.ndarray
            float32, (n, d).

        Raises
        ------
        DamagedError
            A row is missing from the file.
        """
        try:
            halves: npt.NDArray[np.float16] = self._rows["vector"][np.asarray(indices, np.intp)]
        except IndexError as error:
            raise DamagedError(
                f"{self.path} holds only {len(self)} of {self.committed} vectors",
                "run `photofind index` to make the missing ones again",
            ) from error
        return halves.astype(np.float32)

    def blocks(self, start: int = 0) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        """Iterate over the rows from ``start`` on, in blocks.

        Yields
        ------
        tuple of int and numpy.ndarray
            The first row of the block, and its vectors, float32, (n, d), n at most ``BLOCK``.
        """
        for first in range(start, len(self), BLOCK):
            yield first, self._rows["vector"][first : first + BLOCK].astype(np.float32)

    def damaged(self) -> npt.NDArray[np.int64]:
        """Read all rows and return those that do not hold what was written, (n,)."""
        raw = self._rows.view(np.uint8).reshape(len(self), self._type.itemsize)
        checksums = np.fromiter(map(zlib.crc32, raw[:, :-_CHECKSUM_SIZE]), np.uint32, len(self))
        return np.flatnonzero(checksums != self._rows["checksum"])

    def append(self, vectors: npt.NDArray[np.float32]) -> int:
        """Write rows behind the committed ones, durably, and return the first of them.

        They stay invisible, and the next call writes over them, until the catalog commits them.

        Parameters
        ----------
        vectors
            float32, (n, d).

        Raises
        ------
        LibraryError
            The vectors cannot be kept: of another length, or not finite as float16; or the disk
            refused.
        """
        with np.errstate(over="ignore"):
            halves = vectors.astype("<f2")
        if halves.ndim != 2 or halves.shape[1] != self.dimension:
            raise LibraryError(
                f"vectors of shape {halves.shape} do not fit {self.path}, "
                f"which keeps (n, {self.dimension})",
                "give the extractor a new version when its dimension changes",
            )
        if not np.isfinite(halves).all():
            raise LibraryError("a vector holds a value that is no number or beyond float16's 65504")
        rows = np.empty(len(halves), self._type)
        rows["vector"] = halves
        rows["checksum"] = np.fromiter(map(zlib.crc32, halves), np.uint32, len(halves))
        with explained(self.path):
            self._write(rows.tobytes())
        return self.committed

    def repair(self) -> Vectors:
        """Give the file its header and its length again; rows that it lacked are damaged rows."""
        with explained(self.path):
            self._create()
            with self.path.open("r+b", buffering=0) as file:
                file.write(self._header)
                file.truncate(max(self._offset(self.committed), file.seek(0, os.SEEK_END)))
                sync_file(file.fileno())
        return Vectors(self.path, self.dimension, self.committed)

    def copy(self, rows: npt.NDArray[np.int64], path: Path) -> None:
        """Write a new file that holds these rows in this order.

        Raises
        ------
        LibraryError
            The disk refused.
        """
        blocks = (
            self._rows[rows[first : first + BLOCK]].tobytes()
            for first in range(0, len(rows), BLOCK)
        )
        with explained(path):
            write_atomically(path, chain([self._header], blocks))

    @property
    def _header(self) -> bytes:
        text = b"photofind vectors %d %d" % (VERSION, self.dimension)
        return text.ljust(_HEADER_SIZE - 1) + b"\n"

    def _offset(self, row: int) -> int:
        return _HEADER_SIZE + row * self._type.itemsize

    def _look(self) -> tuple[bytes, int]:
        """Return the header and how many rows the file has."""
        try:
            with self.path.open("rb") as file:
                header = file.read(_HEADER_SIZE)
                size = file.seek(0, os.SEEK_END)
        except FileNotFoundError:
            return self._header, 0
        return header, max(0, size - _HEADER_SIZE) // self._type.itemsize

    def _create(self) -> None:
        if not self.path.exists():
            write_atomically(self.path, self._header)

    def _write(self, data: bytes) -> None:
        self._create()
        with self.path.open("r+b", buffering=0) as file:
            file.seek(self._offset(self.committed))
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) :]
                sync_file(file.fileno())
            except BaseException:
                # Gives the space back; what stays is invisible.
                with suppress(OSError):
                    file.truncate(self._offset(self.committed))
                raise
