"""Which content the embedding in each row of a space is of."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from threading import Lock

import numpy as np
import numpy.typing as npt

__all__ = ["RowContents", "digest_of"]

# So many contents are looked up in a dict before they are sorted in with the rest.
_RECENT = 4096
# The rows of so many contents are remembered, as those of some answers are.
_TOLD = 4096

Rows = npt.NDArray[np.int64]
Digests = npt.NDArray[np.uint32]


def digest_of(content: str) -> int:
    """Return the CRC-32 of a content id, which ties a row or a point to its content."""
    return zlib.crc32(_key(content))


class RowContents:
    """The content of each row that photos refer to, and the row of each content.

    Takes the length of a content id and 4 bytes a row, and 8 more once contents are looked up.
    Threads may share it. Rows keep their meaning: those of another generation are in a copy.

    Parameters
    ----------
    column, digests
        What `columns` returned, to go on from there.
    """

    def __init__(
        self, column: npt.NDArray[np.bytes_] | None = None, digests: Digests | None = None
    ) -> None:
        self._changing = Lock()
        self._column = np.zeros(0, "S33") if column is None else column
        self._digests: Digests = np.zeros(0, np.uint32) if digests is None else digests
        # The digests in order with their rows, and what came since; None while unsorted.
        self._sorted: tuple[Digests, npt.NDArray[np.int32]] | None = None
        self._recent: dict[bytes, int] = {}
        # The rows of contents that were told of late: mostly these are looked up next.
        self._told: dict[str, int] = {}

    def copy(self) -> RowContents:
        """Return another that has the same contents so far."""
        return RowContents(*self.columns())

    def columns(self) -> tuple[npt.NDArray[np.bytes_], Digests]:
        """Return copies of the contents and of their digests, by row."""
        with self._changing:
            return self._column.copy(), self._digests.copy()

    def put(self, contents: Mapping[int, str]) -> None:
        """Note the contents of rows, by row; "" for a row that no photo refers to any more."""
        rows = np.fromiter(contents, np.int64, len(contents))
        keys = [_key(content) for content in contents.values()]
        with self._changing:
            self._told = {}
            self._make_room(int(rows.max()) + 1, max(map(len, keys)))
            self._column[rows] = keys
            self._digests[rows] = [*map(zlib.crc32, keys)]  # That of nothing is 0.
            if self._sorted is not None:
                self._recent.update(
                    (key, row) for key, row in zip(keys, rows.tolist(), strict=True) if key
                )
                if len(self._recent) > _RECENT:
                    self._sorted = None

    def contents(self, rows: Rows) -> list[str]:
        """Return the content of each of some rows (n,); "" where photos refer to it no more."""
        with self._changing:
            told = self._told
            inside = rows < len(self._column)
            has_all = bool(inside.all())  # Nearly always.
            if has_all:
                keys = self._column[rows]
            else:
                keys = self._column[np.where(inside, rows, 0)] if len(self._column) else rows
        if has_all:
            try:
                names: list[str] = keys.astype(f"U{keys.dtype.itemsize}").tolist()
            except UnicodeDecodeError:
                pass
            else:
                self._note_told(told, names, rows)
                return names
        return [
            key.decode("utf-8", "surrogatepass") if there else ""
            for key, there in zip(keys.tolist(), inside.tolist(), strict=True)
        ]

    def digests(self, rows: Rows) -> Digests:
        """Return the digest of the content of each of some rows (n,); 0 where it has none."""
        with self._changing:
            if not len(self._digests):
                return np.zeros(len(rows), np.uint32)
            inside = rows < len(self._digests)
            return np.where(inside, self._digests[np.where(inside, rows, 0)], np.uint32(0))

    def rows(self, contents: Iterable[str]) -> Rows:
        """Return the row of each of some contents, (n,); -1 where none has it."""
        keys = [*contents]
        told = [*map(self._told.get, keys)]
        if None not in told:
            return np.array(told, np.int64)
        others = [key for key, row in zip(keys, told, strict=True) if row is None]
        rows = iter(self._looked_up(others).tolist())
        return np.array([next(rows) if row is None else row for row in told], np.int64)

    def release(self) -> None:
        """Release the memory that looking up contents takes; the next look-up sorts them again."""
        with self._changing:
            self._sorted, self._recent, self._told = None, {}, {}

    def _note_told(self, told: dict[str, int], names: list[str], rows: Rows) -> None:
        """Note contents that were read while ``told`` was what is known of such."""
        with self._changing:
            if told is not self._told or len(names) > _TOLD:  # They may have changed meanwhile.
                return
            if len(told) + len(names) > _TOLD:
                self._told = told = {}
            told.update(zip(names, rows.tolist(), strict=True))
            told.pop("", None)

    def _looked_up(self, keys: list[str]) -> Rows:
        """Return the row of each of some contents, (n,); -1 where none has it."""
        with self._changing:
            wanted = _wanted(keys, self._column.dtype.itemsize)
            if not len(self._column):
                return np.full(len(keys), -1)
            if self._sorted is None:
                # By their digests: contents themselves take four times as long to sort.
                order = np.argsort(self._digests, kind="stable").astype(np.int32)
                self._sorted, self._recent = (self._digests[order], order), {}
            rows = self._sorted_rows(wanted)
            if self._recent:
                for place, key in enumerate(wanted.tolist()):
                    if (row := self._recent.get(key)) is not None:
                        rows[place] = row
            return np.where((self._column[rows] == wanted) & (wanted != b""), rows, -1)

    def _sorted_rows(self, wanted: npt.NDArray[np.bytes_]) -> Rows:
        """Return for each of some contents the first row with it, or any where none has it."""
        assert self._sorted is not None
        known, order = self._sorted
        digests = np.fromiter(map(zlib.crc32, wanted.tolist()), np.uint32, len(wanted))
        firsts = np.minimum(np.searchsorted(known, digests), len(known) - 1)
        rows = order[firsts].astype(np.int64)
        found = self._column[rows] == wanted
        if found.all():  # Nearly always.
            return rows
        others = (known[firsts] == digests) & ~found & (wanted != b"")
        for place in np.flatnonzero(others).tolist():  # Of another content with that digest.
            last = np.searchsorted(known, digests[place], "right")
            alike = order[firsts[place] : last]
            there = np.flatnonzero(self._column[alike] == wanted[place])
            rows[place] = alike[there[0]] if len(there) else rows[place]
        return rows

    def _make_room(self, rows: int, width: int) -> None:
        if width > self._column.dtype.itemsize:
            self._column, self._sorted = self._column.astype(f"S{width}"), None
        if rows > len(self._column):
            larger = np.zeros(max(rows, len(self._column) * 5 // 4), self._column.dtype)
            larger[: len(self._column)] = self._column
            digests = np.zeros(len(larger), np.uint32)
            digests[: len(self._digests)] = self._digests
            self._column, self._digests = larger, digests


def _wanted(contents: list[str], width: int) -> npt.NDArray[np.bytes_]:
    """Return contents as the column keeps them; b"" for those that are longer than any there."""
    try:
        wanted = np.array(contents, f"S{width}")  # Cuts off what is longer.
        if max(map(len, contents), default=0) <= width:
            return wanted
    except UnicodeEncodeError:  # NumPy writes ASCII alone.
        pass
    keys = map(_key, contents)
    return np.array([key if len(key) <= width else b"" for key in keys], f"S{width}")


def _key(content: str) -> bytes:
    return content.encode("utf-8", "surrogatepass")
