"""Which documents may have a key, in little memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

__all__ = ["KeyIndex"]

# So many entries are kept in a dict before they are sorted in with the rest.
_RECENT = 4096
_MASK = 0xFFFF_FFFF


class KeyIndex:
    """A multimap from keys to document ids that keeps 8 bytes an entry: half a hash, and the id.

    It only gets longer, and different keys may have the same hash: the caller checks whether the
    documents do have the key. Reading is safe while another thread adds.
    """

    def __init__(self) -> None:
        self._sorted = np.empty(0, np.uint32), np.empty(0, np.int32)
        self._recent: defaultdict[int, list[int]] = defaultdict(list)

    def add(self, hashes: Sequence[int], ids: Sequence[int]) -> None:
        """Add entries: the ``hash`` of each key, and the id at the same place."""
        if len(self._recent) + len(hashes) <= _RECENT:
            for key, identifier in zip(hashes, ids, strict=True):
                self._recent[key & _MASK].append(identifier)
            return
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

    def candidates(self, keys: Sequence[Hashable]) -> list[list[int]]:
        """Return, for each of some keys, the ids of all documents that may have it, ascending."""
        wanted = np.array([hash(key) & _MASK for key in keys], np.uint32)
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
