"""The vectors of a space: rows of float16 in a file that only gets longer."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import FileIO
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from photofind.errors import DamagedError, LibraryError, NewerFormatError
from photofind.library.embedded.stable_file import StableFile, open_stable
from photofind.paths import write_atomically
from photofind.system.disk import explain_disk_errors, sync_file

__all__ = ["BLOCK", "Vectors"]

VERSION = 2
# In a file of this version no checksum covers the content.
_WITHOUT_CONTENTS = 1
# Rows are given in blocks of so many, ...
BLOCK = 4096
# ... and read in pieces of so many: these stay in the processor's cache.
_PIECE = 256
# Of a float32: the bits that a float16 has, and what its exponent counts from in a float32.
_BITS, _EXPONENTS = np.int32(~0x70000000), np.float32(2.0**112)
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
        with explain_disk_errors(path):
            self._file = _opened(path)
            header, self.on_disk = self._look()
        if (version := _HEADER.fullmatch(header)) and int(version[1]) > VERSION:
            raise NewerFormatError(f"{path} was written by a newer photofind", "upgrade photofind")
        known = (self._header(_WITHOUT_CONTENTS), self._header())
        self.is_whole = header in known and self.on_disk >= committed

    def __len__(self) -> int:
        """Return how many rows can be read: fewer than committed where the file is too short."""
        return min(self.committed, self.on_disk)

    def is_in_place(self) -> bool:
        """Return whether the file is still the one at its path, with all rows that were there."""
        if self._file is None:
            return not self.path.exists()
        return self._file.is_at(self.path) and self._look()[1] >= self.on_disk

    def still_holds_all(self) -> bool:
        """Return whether all rows that were there can be read, wherever the file is now."""
        return self.is_whole and self._file is not None and self._look()[1] >= self.committed

    def rows(self, indices: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the vectors at these rows.

        They are read, not mapped: a file that is cut ends no process.

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
        rows = np.asarray(indices, np.int64)
        if len(rows) and int(rows.max()) >= len(self):
            raise self._too_short()
        vectors = np.empty((len(rows), self.dimension), np.float32)
        for first in range(0, len(rows), _PIECE):
            piece = rows[first : first + _PIECE]
            _widen(self._at(piece)["vector"], vectors[first : first + len(piece)])
        return vectors

    def blocks(self, start: int = 0) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        """Iterate over the rows from ``start`` on, in blocks.

        Yields
        ------
        tuple of int and numpy.ndarray
            The first row of the block, and its vectors, float32, (n, d), n at most ``BLOCK``.
        """
        for first in range(start, len(self), BLOCK):
            records = self._records(first, min(first + BLOCK, len(self)))
            vectors = np.empty((len(records), self.dimension), np.float32)
            for start in range(0, len(records), _PIECE):
                piece = slice(start, start + _PIECE)
                _widen(records["vector"][piece], vectors[piece])
            yield first, vectors

    def damaged(self, digests: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """Read all rows and return those that do not hold what was written, (n,).

        Parameters
        ----------
        digests
            Of the content that each row is of, (committed,); 0 where that is not known. Rows that
            were written for other contents are among the damaged ones.
        """
        damaged = [np.empty(0, np.int64)]
        for first in range(0, len(self), _PIECE):
            records = self._records(first, min(first + _PIECE, len(self)))
            raw = records.view(np.uint8).reshape(len(records), -1)[:, :-_CHECKSUM_SIZE]
            expected = map(zlib.crc32, raw, digests[first : first + len(raw)].tolist())
            wrong = np.fromiter(expected, np.uint32, len(raw)) != records["checksum"]
            # Those that were written by an older photofind do not know their contents.
            doubtful = np.flatnonzero(wrong)
            plain = np.fromiter(map(zlib.crc32, raw[doubtful]), np.uint32, len(doubtful))
            damaged.append(first + doubtful[plain != records["checksum"][doubtful]])
        return np.concatenate([*damaged, np.arange(len(self), self.committed)])

    def append(self, vectors: npt.NDArray[np.float32], digests: Sequence[int]) -> int:
        """Write rows behind the committed ones, durably, and return the first of them.

        They stay invisible, and the next call writes over them, until the catalog commits them.

        Parameters
        ----------
        vectors
            float32, (n, d).
        digests
            Of the content that each is of, n.

        Raises
        ------
        DamagedError
            The file is not there any more, or shorter: no row is written behind a hole.
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
        with explain_disk_errors(self.path):
            self._write(self._packed(halves, digests))
        return self.committed

    def repair(self) -> Vectors:
        """Give the file its header and its length again; rows that it lacked are damaged rows."""
        with explain_disk_errors(self.path):
            if not self.path.is_file():
                write_atomically(self.path, self._header())
            with FileIO(self.path, "r+") as file:
                file.write(self._header())
                file.truncate(max(self._offset(self.committed), file.seek(0, 2)))
                sync_file(file.fileno())
        return Vectors(self.path, self.dimension, self.committed)

    def copy(self, rows: npt.NDArray[np.int64], path: Path) -> None:
        """Write a new file that holds these rows in this order, with the checksums they have.

        Raises
        ------
        DamagedError
            A row is missing from the file.
        LibraryError
            The disk refused.
        """
        blocks = (
            self._at(rows[first : first + _PIECE]).tobytes()
            for first in range(0, len(rows), _PIECE)
        )
        with explain_disk_errors(path):
            write_atomically(path, chain([self._header()], blocks))

    def _header(self, version: int = VERSION) -> bytes:
        text = b"photofind vectors %d %d" % (version, self.dimension)
        return text.ljust(_HEADER_SIZE - 1) + b"\n"

    def _offset(self, row: int) -> int:
        return _HEADER_SIZE + row * self._type.itemsize

    def _look(self) -> tuple[bytes, int]:
        """Return the header and how many rows the file has."""
        if self._file is None:
            return self._header(), 0
        rows = max(0, self._file.size - _HEADER_SIZE) // self._type.itemsize
        return self._file.read_some(0, _HEADER_SIZE), rows

    def _at(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Return rows in any order as they are in the file; those in a row are read at once."""
        breaks = np.flatnonzero(np.diff(rows) != 1) + 1
        if 2 * len(breaks) > len(rows):  # Scattered, as those of candidates are.
            offsets = _HEADER_SIZE + rows * self._type.itemsize
            return np.frombuffer(self._read_at(offsets.tolist(), 1), self._type)
        bounds = [0, *breaks.tolist(), len(rows)]
        firsts = rows[bounds[:-1]].tolist()
        runs = zip(firsts, pairwise(bounds), strict=True)
        data = [self._read(first, stop - start) for first, (start, stop) in runs]
        return np.frombuffer(data[0] if len(data) == 1 else b"".join(data), self._type)

    def _records(self, begin: int, end: int) -> npt.NDArray[Any]:
        """Return rows as they are in the file."""
        return np.frombuffer(self._read(begin, end - begin), self._type)

    def _read(self, first: int, count: int) -> bytes:
        return self._read_at([self._offset(first)], count)

    def _read_at(self, offsets: Sequence[int], count: int) -> bytes:
        """Return ``count`` rows from each of some offsets on, one after the other."""
        assert self._file is not None
        size = count * self._type.itemsize
        try:
            data = b"".join(self._file.read_each(offsets, size))
        except OSError:
            with explain_disk_errors(self.path):
                raise
        if len(data) < size * len(offsets):
            raise self._too_short()
        return data

    def _too_short(self) -> DamagedError:
        rows = min(len(self), self._look()[1])
        return DamagedError(
            f"{self.path} holds only {rows} of {self.committed} vectors",
            "run `photofind index` to make the missing ones again",
        )

    def _packed(self, halves: npt.NDArray[np.float16], digests: Sequence[int]) -> bytes:
        """Return rows as they are written."""
        rows = np.empty(len(halves), self._type)
        rows["vector"] = halves
        rows["checksum"] = np.fromiter(map(zlib.crc32, halves, digests), np.uint32, len(halves))
        return rows.tobytes()

    def _write(self, data: bytes) -> None:
        if not self.path.exists() and not self.committed:
            write_atomically(self.path, self._header())
        elif self.committed and not self.is_in_place():
            raise DamagedError(
                f"{self.path} was removed, cut or replaced",
                "`photofind index` makes its vectors again",
            )
        with FileIO(self.path, "r+") as file:
            if file.read(_HEADER_SIZE) == self._header(_WITHOUT_CONTENTS):
                file.seek(0)
                file.write(self._header())
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


def _widen(halves: npt.NDArray[np.float16], floats: npt.NDArray[np.float32]) -> None:
    """Write float16 as float32, exactly; all of them are finite.

    NumPy converts them one by one, which takes three times as long. A float16 is the float32 with
    the same bits at other places, but for its exponent, which counts from elsewhere.
    """
    bits = floats.view(np.int32)
    np.copyto(bits, halves.view(np.int16))  # With the sign in all of the bits before.
    bits <<= 13
    bits &= _BITS
    floats *= _EXPONENTS


def _opened(path: Path) -> StableFile | None:
    if path.is_dir():  # As if it were missing: repairing gives the folder another name.
        return None
    try:
        return open_stable(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
