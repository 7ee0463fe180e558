"""What the systems have in common that tell of changes in folders."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from typing import Protocol

from photofind.indexing.watching.event_collector import EventCollector
from photofind.indexing.watching.mounting import Mounts
from photofind.indexing.watching.watched_folder import WatchedFolder

__all__ = ["Notifier", "NotifierMaker", "Watch", "new_notifier"]


class Watch(Protocol):
    """An added folder that is being watched."""

    @property
    def is_well(self) -> bool:
        """Whether it still hears of everything; False where it has to be made anew."""

    @property
    def polled(self) -> Collection[str]:
        """Folders in it, or itself, that have to be looked through now and then all the same."""

    @property
    def has_links(self) -> bool:
        """Whether links in it lead, or may lead one day, to something that is a part of it."""

    def close(self) -> None:
        """Watch no longer."""


class Notifier(Protocol):
    """Tells of changes in folders."""

    def watch(self, watched_folder: WatchedFolder, mounts: Mounts) -> Watch:
        """Begin to note what changes in a folder; from then on nothing is missed.

        Raises
        ------
        LimitReachedError
            A limit of the system does not allow it.
        OSError
            It cannot be done for another reason.
        """

    def stop(self) -> None:
        """Let whatever is under way end soon."""

    def close(self) -> None:
        """Watch nothing any longer, and end all threads."""


NotifierMaker = Callable[[EventCollector, Callable[[], None]], Notifier]
"""Makes a notifier that notes in the first, and calls the second where a watch is not well."""


def new_notifier(events: EventCollector, doubt: Callable[[], None]) -> Notifier:
    """Return what notices changes on this system."""
    if sys.platform == "linux":
        from photofind.indexing.watching.inotify import Inotify

        return Inotify(events, doubt)
    else:  # noqa: RET505 (so that types are checked for each system)
        from photofind.indexing.watching.observers import Observers

        return Observers(events, doubt)
