"""Which documents may have a key, in little memory."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["KeyIndex", "hash_of"]

# So many entries are kept in a dict before they are sorted in with the rest.
_RECENT = 4096

Hashes = npt.NDArray[np.uint32]
Ids = npt.NDArray[np.int32]

_NO_HASHES, _NO_IDS = np.empty(0, np.uint32), np.empty(0, np.int32)


def hash_of(key: str) -> int:
    """Return the hash of a key, 32 bits: the same in every process, unlike Python's own."""
    return zlib.crc32(key.encode("utf-8", "surrogatepass"))


class KeyIndex:
    """A multimap from keys to document ids that keeps 8 bytes an entry: the key's hash, and the id.

    It only gets longer, and different keys may have the same hash: the caller checks whether the
    documents do have the key. Reading is safe while another thread adds.

    Parameters
    ----------
    hashes, ids
        What `entries` returned, to go on from there.
    """

    def __init__(self, hashes: Hashes = _NO_HASHES, ids: Ids = _NO_IDS) -> None:
        self._sorted = hashes, ids
        self._recent: defaultdict[int, list[int]] = defaultdict(list)

    def add(self, hashes: Sequence[int], ids: Sequence[int]) -> None:
        """Add entries: the hash of each key, and the id at the same place."""
        if len(self._recent) + len(hashes) <= _RECENT:
            for key, identifier in zip(hashes, ids, strict=True):
                self._recent[key].append(identifier)
            return
        self._sort_in(hashes, ids)

    def entries(self) -> tuple[Hashes, Ids]:
        """Return all entries, those of a hash together: their hashes and their ids, (n,)."""
        if self._recent:
            self._sort_in((), ())
        return self._sorted

    def candidates(self, keys: Sequence[str]) -> list[list[int]]:
        """Return, for each of some keys, the ids of all documents that may have it, ascending."""
        wanted = _hashes_of(keys)
        # In this order: entries move from the recent ones to the sorted ones.
        recently = self._recent
        recent: list[list[int]] = [[]] * len(keys)
        if recently:
            recent = [recently.get(key, []) for key in wanted.tolist()]
        hashes, ids = self._sorted
        starts = np.searchsorted(hashes, wanted)
        stops = np.searchsorted(hashes, wanted, "right")
        firsts = ids[np.minimum(starts, len(ids) - 1)].tolist() if len(ids) else [0] * len(keys)
        # Nearly always there is one.
        return [
            [first]
            if stop == start + 1 and not some
            else sorted({*some, *ids[start:stop].tolist()})
            for some, first, start, stop in zip(
                recent, firsts, starts.tolist(), stops.tolist(), strict=True
            )
        ]

    def _sort_in(self, hashes: Sequence[int], ids: Sequence[int]) -> None:
        recent = [(key, identifier) for key, some in self._recent.items() for identifier in some]
        entries = np.array(recent, np.int64).reshape(-1, 2)
        all_hashes = np.concatenate(
            [self._sorted[0], entries[:, 0], np.asarray(hashes)], dtype=np.uint32, casting="unsafe"
        )
        all_ids = np.concatenate(
            [self._sorted[1], entries[:, 1], np.asarray(ids)], dtype=np.int32, casting="unsafe"
        )
        order = np.argsort(all_hashes)
        self._sorted = all_hashes[order], all_ids[order]
        self._recent = defaultdict(list)


def _hashes_of(keys: Sequence[str]) -> Hashes:
    try:  # Nearly always; hundreds are asked for with each query.
        return np.fromiter(map(zlib.crc32, map(str.encode, keys)), np.uint32, len(keys))
    except UnicodeEncodeError:
        return np.array([*map(hash_of, keys)], np.uint32)
