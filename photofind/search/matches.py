"""Which pictures match which: millions of pairs by fingerprints, and some by geometry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from photofind.search.differences import Differences

__all__ = ["Matches"]

Places = npt.NDArray[np.int64]


class Matches:
    """Pairs of pictures that match, both ways. 4,000 copies of one picture are 8 million pairs.

    Parameters
    ----------
    count
        How many pictures there are.
    lefts, rights
        The pairs that match by their fingerprints, (p,).
    """

    def __init__(self, count: int, lefts: Places, rights: Places) -> None:
        # One number for each pair, because sorting these is several times as fast.
        pairs = np.concatenate([lefts * count + rights, rights * count + lefts])
        pairs.sort()
        self._starts = np.searchsorted(pairs, count * np.arange(count + 1, dtype=np.int64))
        self._others = (pairs % max(count, 1)).astype(np.int32)
        self._more: defaultdict[int, dict[int, Differences]] = defaultdict(dict)

    def add(self, left: int, right: int, done: Differences) -> None:
        """Add a pair that matches by geometry, and what was done to the second one."""
        self._more[left][right] = self._more[right][left] = done

    def of(self, place: int) -> npt.NDArray[np.int32]:
        """Return what a picture matches, in no order, each once or twice."""
        found = self._others[self._starts[place] : self._starts[place + 1]]
        if place in self._more:
            found = np.concatenate([found, np.fromiter(self._more[place], np.int32)])
        return found

    def has(self, left: int, right: int) -> bool:
        """Return whether two pictures match."""
        if left in self._more and right in self._more[left]:
            return True
        found = self._others[self._starts[left] : self._starts[left + 1]]
        at = int(np.searchsorted(found, right))
        return at < len(found) and int(found[at]) == right

    def done(self, left: int, right: int) -> Differences | None:
        """Return what was done, as geometry says; None where fingerprints say that they match."""
        return self._more[left].get(right) if left in self._more else None

    def grouped(self) -> list[list[int]]:
        """Group pictures so that all match the first of their group: there are no chains.

        First are those that most others match, the earlier where as many do.
        """
        degrees = np.diff(self._starts)
        for place, more in self._more.items():
            degrees[place] += len(more)
        order = np.lexsort((np.arange(len(degrees)), -degrees))
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(len(order))
        taken = np.zeros(len(degrees), np.bool_)
        groups: list[list[int]] = []
        for first in order[: np.count_nonzero(degrees)].tolist():
            if taken[first]:
                continue
            others = np.unique(self.of(first))
            others = others[~taken[others]]
            if len(others):
                groups.append([first, *others[np.argsort(ranks[others])].tolist()])
                taken[groups[-1]] = True
        return groups

    def indirect(self) -> set[tuple[int, int]]:
        """Return pairs of the first of each group with what its members match and it does not."""
        return {
            (min(first, other), max(first, other))
            for first, *members in self.grouped()
            for other in self._reached(first, members)
        }

    def _reached(self, first: int, members: list[int]) -> Iterator[int]:
        """Yield what members match, but for the first of them and what that matches itself."""
        own = {first, *self.of(first).tolist()}
        reached: npt.NDArray[np.int32] = np.empty(0, np.int32)
        parts, waiting = [], 0
        for member in members:
            parts.append(self.of(member))
            waiting += len(parts[-1])
            if waiting > 1 << 20:
                reached, parts, waiting = np.unique(np.concatenate([reached, *parts])), [], 0
        for other in np.unique(np.concatenate([reached, *parts])).tolist():
            if other not in own:
                yield other
