"""Which photos changed of late, so that what is derived from them need not look at all of them."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from threading import Lock

from photofind.errors import DamagedError
from photofind.library.embedded.changes import Change, decode
from photofind.library.embedded.journal import JournalStorage

__all__ = ["RecentChanges"]

MOST = 50_000
"""So many photos are remembered, 8 bytes each."""

Follower = Callable[[Iterable[Change]], None]


class RecentChanges:
    """Notes what a follower of a journal is told, once it has taken it in; threads may share it.

    Parameters
    ----------
    storage
        The journal's storage.

    Attributes
    ----------
    revision
        The revision of the journal up to which everything is noted.
    """

    def __init__(self, storage: JournalStorage) -> None:
        self._storage = storage
        self._lock = Lock()
        self._noted: deque[tuple[int, array[int], frozenset[str]]] = deque()
        self._begins = True
        self._oldest = self.revision = 0  # Everything is known of what came after the first.

    def watching(self, follower: Follower) -> Follower:
        """Return a follower that passes on what it is told, and has it noted."""

        def follow(changes: Iterable[Change]) -> None:
            photos: array[int] = array("q")
            contents: set[str] = set()
            follower(_watched(changes, photos, contents))
            self._note(photos, frozenset(contents))

        return follow

    def begin(self) -> None:
        """Take note that a follower is about to be told of everything anew."""
        self._begins = True

    def since(self, revision: object) -> tuple[int, frozenset[int] | None, frozenset[str]]:
        """Return what changed after a revision.

        Returns
        -------
        revision : int
            Up to which.
        photos : frozenset of int, optional
            The ids of photos, those that are gone too; None where that is not known.
        contents : frozenset of str
            Contents of whose tags something was said.
        """
        with self._lock:
            if not isinstance(revision, int) or not self._oldest <= revision <= self.revision:
                return self.revision, None, frozenset()
            later = [one for one in self._noted if one[0] > revision]
            photos: frozenset[int] = frozenset().union(*(one[1] for one in later))
            return self.revision, photos, frozenset().union(*(one[2] for one in later))

    def _note(self, photos: array[int], contents: frozenset[str]) -> None:
        with self._lock:
            self.revision = self._storage.revision
            if self._begins:
                self._begins = False
                self._noted.clear()
                self._oldest = self.revision
                return
            self._noted.append((self.revision, photos, contents))
            while sum(len(one[1]) for one in self._noted) > MOST:
                self._oldest = self._noted.popleft()[0]


def _watched(changes: Iterable[Change], photos: array[int], contents: set[str]) -> Iterator[Change]:
    for change in changes:
        if change.table == "photos":
            photos.append(change.id)
        elif change.table == "tags":
            contents.update(map(_content_of, (change.before, change.after)))
        yield change


def _content_of(raw: bytes | None) -> str:
    """Return the content of what was said of a tag; nothing where there is none."""
    try:
        return str(decode(raw).get("content", "")) if raw else ""
    except DamagedError:
        return ""
