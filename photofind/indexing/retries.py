"""Photos that failed for a reason that passes, and when each is tried again by itself."""

from __future__ import annotations

import time
from collections.abc import Hashable

from photofind.library.store import Store
from photofind.model.filters import Filter
from photofind.model.records import Retry, innermost

__all__ = ["PAUSES", "Retries", "is_due", "next_retry"]

PAUSES = (60, 5 * 60, 30 * 60, 2 * 3600, 6 * 3600)
"""Seconds between two tries, from the first failure on; the last one is repeated."""


def next_retry(before: Retry | None) -> Retry:
    """Return when a photo is tried again that has just failed, once more after ``before``."""
    times = before.times + 1 if before else 1
    return Retry(times, int(time.time()) + PAUSES[min(times, len(PAUSES)) - 1])


def is_due(retry: Retry) -> bool:
    """Return whether a photo is to be tried again now, also if the clock was set back."""
    now = time.time()
    return not now < retry.at <= now + PAUSES[-1]


class Retries:
    """The photos of a library that are tried again once they are due, each once for each failure.

    Parameters
    ----------
    store
        Read only.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen_at: Hashable = None
        self._waiting: dict[str, Retry] = {}
        self._taken: dict[str, Retry] = {}

    @property
    def wait(self) -> float | None:
        """Seconds until the next photo is due; None if none waits."""
        now = time.time()
        return min((max(0.0, retry.at - now) for retry in self._waiting.values()), default=None)

    def take(self) -> list[str]:
        """Return the paths of the photos that are due now and can be reached."""
        if self._seen_at != (version := self._store.version):
            self._seen_at = version
            offline = [one for one in self._store.folders() if one.state == "offline"]
            every = {
                photo.path: photo.retry
                for photo in self._store.select(Filter(passing=True))
                if photo.retry is not None
                and photo.away is None
                and innermost(offline, photo.path) is None
            }
            self._taken = {path: r for path, r in self._taken.items() if every.get(path) == r}
            self._waiting = {p: retry for p, retry in every.items() if p not in self._taken}
        due = {path: retry for path, retry in self._waiting.items() if is_due(retry)}
        self._taken |= due
        for path in due:
            del self._waiting[path]
        return list(due)
