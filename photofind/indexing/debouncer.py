"""Places that changed and wait until they have been quiet for long enough to be looked at."""

from __future__ import annotations

import heapq
import sys
import time
from collections.abc import Collection
from typing import Final

from photofind.indexing.watching.watcher import Change, Kind

__all__ = ["QUIET", "Debouncer"]

QUIET: Final = {
    # Long enough for the other half of a move, or the new file of an editor that removes first.
    Kind.GONE: 0.15,
    Kind.COMPLETE: 0.4,
    # On Linux its writer will say that it is complete, unless nobody is writing it after all.
    Kind.CHANGED: 5.0 if sys.platform == "linux" else 1.2,
    Kind.TREE: 0.5,
}
"""Seconds for which a place must have been quiet, by the kind of its last change."""


class Debouncer:
    """Collects changes by place; a place is due once it has been quiet.

    Not for several threads at once: its user holds a lock.
    """

    def __init__(self) -> None:
        self._due: dict[str, tuple[float, Kind]] = {}
        self._queue: list[tuple[float, str]] = []  # Outdated entries stay until their time.

    def __len__(self) -> int:
        return len(self._due)

    @property
    def files(self) -> int:
        """How many of the places are files that were written to."""
        return sum(kind in (Kind.COMPLETE, Kind.CHANGED) for _, kind in self._due.values())

    def add(self, changes: Collection[Change], quiet: float | None = None) -> None:
        """Take in changes that belong together, as the two ends of a move do.

        The wait of each place begins anew, and all are due at the same time: after ``quiet``
        seconds, or what their kinds ask for.
        """
        if quiet is None:
            quiet = max((QUIET[change.kind] for change in changes), default=0.0)
        due = time.monotonic() + quiet
        for change in changes:
            self._due[change.path] = due, change.kind
            heapq.heappush(self._queue, (due, change.path))

    def take(self) -> dict[str, Kind]:
        """Return the places that are due with the kind of their last change, and forget them."""
        now = time.monotonic()
        places: dict[str, Kind] = {}
        while self._queue and self._queue[0][0] <= now:
            due, place = heapq.heappop(self._queue)
            if place in self._due and self._due[place][0] == due:
                places[place] = self._due.pop(place)[1]
        return places

    def wait(self) -> float | None:
        """Return the seconds until the next place may be due; None where there is none."""
        if not self._due:
            self._queue.clear()
            return None
        return max(0.0, self._queue[0][0] - time.monotonic())
