"""Joins the events in watched folders into changes, one for each path.

It decides what an event means for a path, and keeps the halves of a move together. How long a place
has to be quiet before it is looked at is decided elsewhere: :mod:`photofind.indexing.debouncer`.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING

from photofind.images.formats import is_photo
from photofind.indexing.watching.events import Change, Kind

if TYPE_CHECKING:
    from photofind.indexing.watching.watched_folder import WatchedFolder

__all__ = ["EventCollector"]

# How long events are collected before they are reported.
GATHER_SECONDS = 0.1
# The halves of a move within the watched folders come within so long.
MOVE_SECONDS = 0.1
# With more paths than this, their added folders are scanned from end to end.
MANY = 50_000
# A file of which no event said that it is complete counts as being written for so long.
WRITING_SECONDS = 3600.0


class EventCollector:
    """Collects events until they are taken as changes: the last one of each path. Thread-safe.

    Parameters
    ----------
    wake
        Called, in any thread, when an event comes after there was none.
    clock
        Seconds that only grow.
    """

    def __init__(
        self, wake: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._wake = wake
        self._clock = clock
        self._lock = threading.Lock()
        self._places: dict[str, tuple[Kind, WatchedFolder]] = {}
        self._sidecars: dict[str, WatchedFolder] = {}
        self._writing: dict[str, float] = {}
        self._leaving: dict[int, float] = {}
        self._since: float | None = None

    def created(self, watched_folder: WatchedFolder, path: str) -> None:
        """Note a new file; another event will come when it is complete."""
        with self._lock:
            self._writing[path] = self._clock()
        self._put(watched_folder, path, Kind.CHANGED)

    def changed(self, watched_folder: WatchedFolder, path: str) -> None:
        """Note a file that may still be being written."""
        self._put(watched_folder, path, Kind.CHANGED)

    def complete(self, watched_folder: WatchedFolder, path: str) -> None:
        """Note a file that came or changed and is complete."""
        with self._lock:
            self._writing.pop(path, None)
        self._put(watched_folder, path, Kind.COMPLETE)

    def touched(self, watched_folder: WatchedFolder, path: str) -> None:
        """Note a file whose attributes changed, but not its content."""
        with self._lock:
            kind = Kind.CHANGED if path in self._writing else Kind.COMPLETE
            self._places.setdefault(path, (kind, watched_folder))
        self._something()

    def sidecar_changed(self, watched_folder: WatchedFolder, sidecar: str) -> None:
        """Note an XMP sidecar that came, changed or is gone."""
        with self._lock:
            self._sidecars[sidecar] = watched_folder
        self._something()

    def gone(self, watched_folder: WatchedFolder, path: str) -> None:
        """Note a file or folder that is no longer there."""
        with self._lock:
            self._writing.pop(path, None)
        self._put(watched_folder, path, Kind.GONE)

    def tree(self, watched_folder: WatchedFolder, path: str) -> None:
        """Note a folder that is to be looked at with everything below it."""
        self._put(watched_folder, path, Kind.TREE)

    def leaving(self, move: int) -> None:
        """Note that the next half of a move is on its way, if it ends in a watched folder."""
        with self._lock:
            self._leaving[move] = self._clock()

    def arrived(self, move: int) -> None:
        """Note that both halves of a move are here."""
        with self._lock:
            self._leaving.pop(move, None)

    @property
    def due(self) -> float | None:
        """When they are to be taken, by the clock; None while there is none."""
        with self._lock:
            if self._since is None:
                return None
            return max(
                self._since + GATHER_SECONDS,
                max(self._leaving.values(), default=0.0) + MOVE_SECONDS,
            )

    def take(self) -> list[Change]:
        """Return the changes, whole folders last, and forget them.

        A change that is covered by a whole folder anyway is left out.
        """
        with self._lock:
            places, self._places = self._places, {}
            sidecars, self._sidecars = self._sidecars, {}
            self._leaving.clear()
            self._since = None
            horizon = self._clock() - WRITING_SECONDS
            self._writing = {path: at for path, at in self._writing.items() if at > horizon}
            writing = set(self._writing)
        for path, watched_folder in _photos_of(sidecars):
            kind = Kind.CHANGED if path in writing else Kind.COMPLETE
            places.setdefault(path, (kind, watched_folder))
        trees = {(t, path) for path, (kind, t) in places.items() if kind is Kind.TREE}
        changes = [
            Change(kind, path)
            for path, (kind, watched_folder) in places.items()
            if kind in (Kind.COMPLETE, Kind.GONE) or not _is_in(trees, watched_folder, path)
        ]
        # Something else may be in a folder now than what went before it came.
        changes.sort(key=lambda change: change.kind is Kind.TREE)
        return changes

    def _put(self, watched_folder: WatchedFolder, path: str, kind: Kind) -> None:
        with self._lock:
            self._places.pop(path, None)  # So that it comes last.
            self._places[path] = kind, watched_folder
            if len(self._places) > MANY:
                every = {watched_folder for _, watched_folder in self._places.values()}
                self._places = {one.folder: (Kind.TREE, one) for one in every}
        self._something()

    def _something(self) -> None:
        with self._lock:
            if self._since is not None:
                return
            self._since = self._clock()
        self._wake()


def _is_in(trees: set[tuple[WatchedFolder, str]], watched_folder: WatchedFolder, path: str) -> bool:
    """Return whether ``path`` lies below one of ``trees``."""
    if not trees:
        return False
    while len(path) > len(watched_folder.folder):
        path = os.path.dirname(path)  # noqa: PTH120 (many of these)
        if (watched_folder, path) in trees:
            return True
    return False


def _photos_of(sidecars: dict[str, WatchedFolder]) -> Iterator[tuple[str, WatchedFolder]]:
    """Yield the photos of sidecars: those beside them with the same name."""
    by_folder: defaultdict[str, dict[str, WatchedFolder]] = defaultdict(dict)
    for path, watched_folder in sidecars.items():
        folder, name = os.path.split(path)
        by_folder[folder][PurePath(name).stem.casefold()] = watched_folder
    for folder, described in by_folder.items():
        names: list[str] = []
        with suppress(OSError):
            names = os.listdir(folder)  # noqa: PTH208 (names are enough)
        for name in filter(is_photo, names):
            for stem in (name, PurePath(name).stem):
                holder = described.get(stem.casefold())
                path = f"{folder.rstrip(os.sep)}{os.sep}{name}"
                if holder is not None and holder.holds(path):
                    yield path, holder
                    break
