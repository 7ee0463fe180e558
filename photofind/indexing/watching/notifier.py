"""What the notifiers of changes have in common, one for each kind of system."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from typing import Protocol

from photofind.indexing.watching.event_collector import EventCollector
from photofind.indexing.watching.mounting import Mounts
from photofind.indexing.watching.watched_folder import WatchedFolder
from photofind.system.reach import Beat, Reach

__all__ = ["Notifier", "NotifierMaker", "Watch", "new_notifier"]


class Watch(Protocol):
    """An added folder that is being watched."""

    @property
    def is_intact(self) -> bool:
        """Whether it still gets all events; if not, the folder has to be watched again."""

    @property
    def polled(self) -> Collection[str]:
        """Folders in it, or itself, that have to be polled all the same."""

    @property
    def has_links(self) -> bool:
        """Whether links in it lead, or may lead later, to something that is a part of it."""

    def close(self) -> None:
        """Stop watching."""


class Notifier(Protocol):
    """Collects events about changes in folders."""

    def watch(
        self, watched_folder: WatchedFolder, mounts: Mounts, beat: Beat = lambda: None
    ) -> Watch:
        """Start to collect the events in a folder; from then on none is missed.

        ``beat`` is called before each touch of the folder; what it raises ends the watch.

        Raises
        ------
        LimitReachedError
            A limit of the system does not allow it.
        OSError
            It cannot be done for another reason.
        """

    def stop(self) -> None:
        """Have everything end that is under way."""

    def close(self) -> None:
        """Stop watching, and end all threads."""


NotifierMaker = Callable[[EventCollector, Callable[[], None]], Notifier]
"""Makes a notifier from what collects its events and what it calls when a watch is not intact."""


def new_notifier(
    events: EventCollector, request_check: Callable[[], None], reach: Reach
) -> Notifier:
    """Return the notifier of this system."""
    if sys.platform == "linux":
        from photofind.indexing.watching.inotify import Inotify

        return Inotify(events, request_check, reach)
    else:  # noqa: RET505 (so that types are checked for each system)
        from photofind.indexing.watching.observers import Observers

        return Observers(events, request_check)
