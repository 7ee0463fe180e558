"""What is counted of all photos, kept here and brought up to date by what commits changed.

The server neither groups nor tells distinct values, so the rows have to be gone through once. From
then on those are enough that were born, or died, since the state that was counted last: rows say
when, and stay for an hour after they died.
"""

from __future__ import annotations

import threading
import time
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from photofind_milvus.connection import Row
from photofind_milvus.expressions import joined
from photofind_milvus.library import Library
from photofind_milvus.revisions import State
from photofind_milvus.rows import PHOTOS

__all__ = ["Carried", "Tallies"]

_FIELDS = ["key", "path", "moment", "words"]
_PAGE = 8192
# Rows stay for an hour; a commit may be as old as its patience when it is seen.
_LASTING_SECONDS = 3000.0


class Tallies:
    """Counts of the photos that did not fail; threads may share it.

    Parameters
    ----------
    library
        Whose photos they are.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._looking = threading.Lock()
        self._state: State | None = None
        self._followed = 0.0
        self._places: Counter[tuple[str, str]] = Counter()
        self._carried = Carried()

    def places(self) -> dict[tuple[str, str], int]:
        """Return how many photos there are by their folder, as it is kept, and month."""
        with self._looking:
            self._follow()
            return {place: count for place, count in self._places.items() if count}

    def carried(self) -> set[int]:
        """Return the digests of the words that photos carry."""
        with self._looking:
            self._follow()
            return self._carried.words()

    def carriers(self, groups: Sequence[Iterable[int]]) -> list[int]:
        """Return how many photos carry any word of each group; no word is in two groups."""
        with self._looking:
            self._follow()
            return self._carried.count(groups)

    def _follow(self) -> None:
        """Take in what was committed since the last time."""
        state, old = self._library.state, self._state
        if state == old:
            return
        began = time.monotonic()
        try:
            if old is None or began - self._followed > _LASTING_SECONDS:
                self._places.clear()
                self._carried = Carried()
                self._take_in(state.visible, 1)
            else:
                self._take_in(joined(old.visible, state.ended), -1)
                self._take_in(joined(state.visible, old.later), 1)
        except BaseException:
            self._state = None  # Half of it was taken in.
            raise
        self._state, self._followed = state, began

    def _take_in(self, rows: str, sign: int) -> None:
        where = joined(rows, "failed == false")
        for page in self._library.connection.pages(PHOTOS, where, _FIELDS, size=_PAGE):
            for row in page:
                self._places[_place_of(row)] += sign
                if sign > 0:
                    self._carried.add(int(row["key"]), row["words"])
                else:
                    self._carried.remove(int(row["key"]))


def _place_of(row: Row) -> tuple[str, str]:
    folder = row["path"].rpartition("/")[0]
    return (f"{folder}/" if folder.endswith(":") else folder), row["moment"][:7]


class Carried:
    """Which words photos carry: 4 bytes for each word of a photo, and 12 for a photo."""

    def __init__(self) -> None:
        self._codes: dict[int, int] = {}
        self._keys = array("q")
        self._lengths = array("i")
        self._words = array("i")
        self._gone: set[int] = set()

    def add(self, key: int, words: Iterable[int]) -> None:
        """Add a photo, which was never here, with the digests of its words."""
        codes = [self._codes.setdefault(word, len(self._codes)) for word in words]
        self._keys.append(key)
        self._lengths.append(len(codes))
        self._words.extend(codes)

    def remove(self, key: int) -> None:
        """Remove a photo."""
        self._gone.add(key)

    def words(self) -> set[int]:
        """Return the digests of the words that are carried."""
        _, words = self._pairs()
        carried = np.bincount(words, minlength=len(self._codes))
        return {word for word, code in self._codes.items() if carried[code]}

    def count(self, groups: Sequence[Iterable[int]]) -> list[int]:
        """Return how many photos carry any word of each group; no word is in two groups."""
        places = np.full(len(self._codes), -1, np.int64)
        for place, group in enumerate(groups):
            places[[self._codes[word] for word in group if word in self._codes]] = place
        photos, words = self._pairs()
        listed = places[words]
        once = np.unique(photos[listed >= 0] * len(groups) + listed[listed >= 0])
        counts = np.bincount(once % max(1, len(groups)), minlength=len(groups))
        return [int(count) for count in counts[: len(groups)]]

    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the places of photos and the codes of their words, one beside the other."""
        self._leave_out_what_is_gone()
        lengths = np.array(self._lengths, np.int64)
        return np.repeat(np.arange(len(lengths)), lengths), np.array(self._words, np.int64)

    def _leave_out_what_is_gone(self) -> None:
        if not self._gone:
            return
        keys, lengths = np.array(self._keys, np.int64), np.array(self._lengths, np.int32)
        stays = ~np.isin(keys, np.fromiter(self._gone, np.int64))
        words = np.array(self._words, np.int32)[np.repeat(stays, lengths)]
        self._keys = array("q", keys[stays].tobytes())
        self._lengths = array("i", lengths[stays].tobytes())
        self._words = array("i", words.tobytes())
        self._gone.clear()
