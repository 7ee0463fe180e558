"""Raw documents that stay in their file: only where they stand in it is kept in memory."""

from __future__ import annotations

from abc import abstractmethod
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator
from itertools import compress
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from photofind.library.embedded.stable_file import SnapshotMapping, StableFile

__all__ = ["ChangedDocuments", "Documents", "WrittenDocuments"]

# So many documents are read at a time, ...
_BATCH = 512
# ... and together with what lies between them where that is not more than this.
_GAP = 4096
_NOWHERE = -1
_NO_ID = 1 << 63
_KINDS = (np.int64, np.int64, np.int32)  # Of ids, starts and sizes.

_Numbers = npt.NDArray[np.int64]


class Documents(SnapshotMapping[int, bytes]):
    """Raw documents by id, in the order in which they were first put."""

    def snapshot(self) -> Iterator[tuple[int, bytes]]:
        """Iterate over what is there now, whatever changes meanwhile."""
        return self.holding(b"")

    @abstractmethod
    def some(self, keys: Collection[int]) -> dict[int, bytes]:
        """Return the documents with these ids that are there, read in one go."""

    @abstractmethod
    def holding(self, part: bytes) -> Iterator[tuple[int, bytes]]:
        """Iterate over the documents that hold ``part``, as they are now."""


class WrittenDocuments(Documents):
    """Documents in a file.

    Each takes 20 bytes of memory, while new ones have higher ids than those before. One thread
    may change what is there while others read.

    Parameters
    ----------
    file
        The file; None where there are no documents.
    """

    def __init__(self, file: StableFile | None = None) -> None:
        self._file = file
        self._looking = Lock()
        # One slot a document. Of the ids none is lower than the one before it: in the place of
        # one that is, the one before it is repeated.
        self._ids = array("q")
        self._starts = array("q")
        self._sizes = array("i")
        self._unordered: dict[int, int] = {}  # The slots of those that are lower.
        self._count = 0

    @classmethod
    def at(
        cls, file: StableFile, ids: _Numbers, starts: _Numbers, ends: _Numbers
    ) -> WrittenDocuments:
        """Return the documents that `places` named, in that order."""
        documents, highest = cls(file), np.maximum.accumulate(ids)
        for slots, numbers in (
            (documents._ids, highest),
            (documents._starts, starts),
            (documents._sizes, (ends - starts).astype(np.int32)),
        ):
            slots.frombytes(numbers.tobytes())
        lower = np.flatnonzero(ids < highest)
        documents._unordered = dict(zip(ids[lower].tolist(), lower.tolist(), strict=True))
        documents._count = len(ids)
        return documents

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: object) -> bool:
        with self._looking:
            return self._slot(key) is not None

    def __getitem__(self, key: int) -> bytes:
        with self._looking:
            slot = self._slot(key)
            if slot is None:
                raise KeyError(key)
            start, size = self._starts[slot], self._sizes[slot]
        assert self._file is not None
        return self._file.read(start, size)

    def __iter__(self) -> Iterator[int]:
        return iter(self.places()[0].tolist())

    def some(self, keys: Collection[int]) -> dict[int, bytes]:
        """Return the documents with these ids that are there, read in one go."""
        with self._looking:
            there, starts, sizes = self._places_of([*keys])
        if not there:
            return {}
        return dict(zip(there, self._read(starts, starts + sizes, b""), strict=True))

    def holding(self, part: bytes) -> Iterator[tuple[int, bytes]]:
        """Iterate over the documents that hold ``part``, as they are now."""
        ids, starts, ends = self.places()
        for first in range(0, len(ids), _BATCH):
            some = slice(first, first + _BATCH)
            raws = self._read(starts[some], ends[some], part)
            yield from [
                (key, raw) for key, raw in zip(ids[some].tolist(), raws, strict=True) if part in raw
            ]

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        with self._looking:
            return sum(self._sizes)

    def places(self) -> tuple[_Numbers, _Numbers, _Numbers]:
        """Return the ids of the documents, and where each begins and ends."""
        with self._looking:
            ids, starts, sizes = map(np.array, (self._ids, self._starts, self._sizes))
            for key, slot in self._unordered.items():
                ids[slot] = key
        there = starts != _NOWHERE
        return ids[there], starts[there], (starts + sizes)[there]

    def put(self, key: int, start: int, size: int) -> None:
        """Note where the document ``key`` stands from now on."""
        with self._looking:
            if self._ids and key <= self._ids[-1]:
                slot = self._slot(key)
                if slot is not None:
                    self._starts[slot], self._sizes[slot] = start, size
                    return
                self._unordered[key] = len(self._ids)
                key = self._ids[-1]
            self._ids.append(key)
            self._starts.append(start)
            self._sizes.append(size)
            self._count += 1

    def remove(self, key: int) -> None:
        """Forget the document ``key``, where there is one."""
        with self._looking:
            slot = self._slot(key)
            if slot is not None:
                self._unordered.pop(key, None)
                self._starts[slot], self._sizes[slot] = _NOWHERE, 0
                self._count -= 1

    def _slot(self, key: Any) -> int | None:
        slot = self._unordered.get(key)
        if slot is not None:
            return slot
        slot = bisect_left(self._ids, key)
        if slot < len(self._ids) and self._ids[slot] == key and self._starts[slot] != _NOWHERE:
            return slot
        return None

    def _places_of(self, keys: list[int]) -> tuple[list[int], _Numbers, _Numbers]:
        """Return those ids that are there, and where their documents begin and how long each is."""
        keys = [key for key in keys if -_NO_ID <= key < _NO_ID]
        wanted = np.array(keys, np.int64)
        if not self._ids or not keys:
            return [], wanted[:0], wanted[:0]
        # The arrays cannot grow while these are views of them.
        ids, all_starts, all_sizes = map(
            np.frombuffer, (self._ids, self._starts, self._sizes), _KINDS
        )
        slots = np.searchsorted(ids, wanted)
        slots[slots == len(ids)] = 0
        is_there = ids[slots] == wanted
        if self._unordered:
            for place, key in enumerate(keys):
                if (slot := self._unordered.get(key)) is not None:
                    slots[place], is_there[place] = slot, True
        starts = all_starts[slots]
        is_there &= starts != _NOWHERE
        there = [*compress(keys, is_there.tolist())]
        return there, starts[is_there], all_sizes[slots[is_there]].astype(np.int64)

    def _read(self, starts: _Numbers, ends: _Numbers, part: bytes) -> list[bytes]:
        """Return what stands at some places; nothing for those with ``part`` nowhere near."""
        assert self._file is not None
        order = np.argsort(starts, kind="stable")
        starts, ends = starts[order], ends[order]
        gaps = np.flatnonzero(starts[1:] - ends[:-1] > _GAP) + 1
        begins, stops = starts.tolist(), ends.tolist()
        firsts = [0, *gaps.tolist()]
        lasts = [*firsts[1:], len(order)]
        places = [begins[first] for first in firsts]
        counts = [stops[last - 1] - begin for last, begin in zip(lasts, places, strict=True)]
        raws = [b""] * len(order)
        order_of = order.tolist()
        runs = zip(firsts, lasts, places, self._file.read_runs(places, counts), strict=True)
        for first, last, begin, data in runs:
            if last - first == 1:
                raws[order_of[first]] = data
            elif part in data:
                for place in range(first, last):
                    raws[order_of[place]] = data[begins[place] - begin : stops[place] - begin]
        return raws


class ChangedDocuments(Documents):
    """Documents as a transaction under way has them.

    Parameters
    ----------
    documents
        As they are without it.
    changes
        What it has put, and None for what it has removed; may still change.
    """

    def __init__(self, documents: Documents, changes: dict[int, bytes | None]) -> None:
        self._documents = documents
        self._changes = changes

    def __len__(self) -> int:
        return len(self._documents) + sum(
            (raw is not None) - (key in self._documents) for key, raw in self._changes.items()
        )

    def __contains__(self, key: object) -> bool:
        if key in self._changes:
            return self._changes[key] is not None
        return key in self._documents

    def __getitem__(self, key: int) -> bytes:
        if key not in self._changes:
            return self._documents[key]
        raw = self._changes[key]
        if raw is None:
            raise KeyError(key)
        return raw

    def __iter__(self) -> Iterator[int]:
        changes, new = self._changes.copy(), self._new()
        yield from (key for key in self._documents if changes.get(key, b"") is not None)
        yield from new

    def some(self, keys: Collection[int]) -> dict[int, bytes]:
        """Return the documents with these ids that are there, read in one go."""
        changed = {key: self._changes[key] for key in keys if key in self._changes}
        put = {key: raw for key, raw in changed.items() if raw is not None}
        return put | self._documents.some([key for key in keys if key not in changed])

    def holding(self, part: bytes) -> Iterator[tuple[int, bytes]]:
        """Iterate over the documents that hold ``part``, as they are now."""
        changes, new = self._changes.copy(), self._new()
        for key, written in self._documents.snapshot():
            raw = changes.get(key, written)
            if raw is not None and part in raw:
                yield key, raw
        yield from ((key, raw) for key, raw in new.items() if part in raw)

    def _new(self) -> dict[int, bytes]:
        return {
            key: raw
            for key, raw in self._changes.items()
            if raw is not None and key not in self._documents
        }
