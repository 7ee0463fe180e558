"""When a place that changed has been quiet for long enough, and a file may be read."""

from __future__ import annotations

import heapq
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from photofind.indexing.scan import Found
from photofind.indexing.watching.events import Change, Kind

__all__ = ["LONGEST", "QUIET", "SETTLE", "SETTLE_WATCHED", "Debouncer"]

QUIET: Final = {
    # Long enough for the other half of a move, or the new file of an editor that removes first.
    Kind.GONE: 0.15,
    Kind.COMPLETE: 0.4,
    # On Linux an event will tell that the file is complete, unless its writer had it open before.
    Kind.CHANGED: 5.0 if sys.platform == "linux" else 1.2,
    Kind.TREE: 0.5,
}
"""Seconds without a further event before a place is looked at, by the kind of its last event."""

SETTLE: Final = 2.0
"""Seconds since its last change before a file is read that no event called complete."""

SETTLE_WATCHED: Final = 1.2
"""The same where the file is watched: what is written later is noticed and read again."""

LONGEST: Final = 60.0
"""Seconds after which a place is looked at, and a file is read, that is never quiet."""


class _Waiting(NamedTuple):
    """A place that waits: until when, the kind of its last event, and since when."""

    due: float
    kind: Kind
    since: float


class Debouncer:
    """Collects places that changed; a place is due once it has been quiet.

    All times but those of files are on the monotonic clock. Not thread-safe: its user holds a lock.

    Parameters
    ----------
    settle
        Seconds since its last change before a file is read that no event called complete.
    """

    def __init__(self, settle: float = SETTLE_WATCHED) -> None:
        self._settle = settle
        self._waiting: dict[str, _Waiting] = {}
        self._queue: list[tuple[float, str]] = []  # Outdated entries stay until their time.
        self._taken: dict[str, float] = {}  # Since when the files waited that were taken last.

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def files(self) -> int:
        """How many of the places are files that were written to."""
        return sum(one.kind in (Kind.COMPLETE, Kind.CHANGED) for one in self._waiting.values())

    def add(self, changes: Iterable[Change]) -> None:
        """Take in changes that belong together, as the two ends of a move do.

        The wait of each place starts again, and all are due at the same time.
        """
        places = {change.path: change.kind for change in changes}
        self._wait(places, max((QUIET[kind] for kind in places.values()), default=0.0))

    def take(self) -> dict[str, Kind]:
        """Return the places that are due with the kind of their last change, and forget them."""
        now = time.monotonic()
        places: dict[str, Kind] = {}
        self._taken = {}
        while self._queue and self._queue[0][0] <= now:
            due, place = heapq.heappop(self._queue)
            if place in self._waiting and self._waiting[place].due == due:
                taken = self._waiting.pop(place)
                places[place] = taken.kind
                self._taken[place] = taken.since
        return places

    def settled(self, files: Sequence[Found]) -> list[Found]:
        """Return the files that may be read now; the others wait on, and are due later.

        Those may be read that have not changed for a while, and those that never stop changing.
        """
        now, wall_clock = time.monotonic(), time.time()
        settled: list[Found] = []
        fresh: dict[str, Kind] = {}
        for file in files:
            # A copy that keeps the original's time gives itself away by the time of its status.
            changed = max(file.modified, file.changed)
            # A time in the future is that of a clock that is ahead.
            is_fresh = abs(wall_clock - changed / 1e9) < self._settle
            if is_fresh and now - self._since(file.path, now) < LONGEST:
                fresh[file.path] = Kind.CHANGED
            else:
                settled.append(file)
        for path, kind in fresh.items():
            self._wait({path: kind}, self._settle)
        self._taken = {}
        return settled

    def wait(self) -> float | None:
        """Return the seconds until the next place may be due; None where there is none."""
        if not self._waiting:
            self._queue.clear()
            return None
        return max(0.0, self._queue[0][0] - time.monotonic())

    def _wait(self, places: dict[str, Kind], quiet: float) -> None:
        now = time.monotonic()
        since = {place: self._since(place, now) for place in places}
        due = min(now + quiet, min(since.values(), default=now) + LONGEST)
        for place, kind in places.items():
            self._waiting[place] = _Waiting(due, kind, since[place])
            heapq.heappush(self._queue, (due, place))

    def _since(self, place: str, now: float) -> float:
        """Return since when a place has been waiting; ``now`` where it has not."""
        if place in self._waiting:
            return self._waiting[place].since
        return self._taken.get(place, now)
