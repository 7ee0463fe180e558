"""A folder that is to be watched, how far that is, and what became of each attempt."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field

from photofind.indexing.watching.mounting import Mount, Mounts
from photofind.indexing.watching.notifier import Watch
from photofind.indexing.watching.watched_folder import WatchedFolder

__all__ = ["Attempt", "WatchedPlace", "identity_of"]


@dataclass
class Attempt:
    """What became of an attempt to watch a folder; to begin with, that it is polled.

    Parameters
    ----------
    watched_folder
        The folder as it is watched.
    watch
        What watches it, if anything does.
    state, error
        What is said of it; why it cannot be watched.
    identity, is_local
        Which folder it is, and whether one may ask.
    mounts
        The mounts that it has to do with.
    polled
        What is polled in it.
    """

    watched_folder: WatchedFolder
    watch: Watch | None = None
    state: str | None = "polled"
    error: Exception | None = None
    identity: tuple[int, int, bool] | None = None
    is_local: bool = False
    mounts: frozenset[Mount] = frozenset()
    polled: Collection[str] = ()

    def is_polled_like(self, other: Attempt) -> bool:
        """Tell whether another attempt ended as this one, in vain."""
        return (
            (self.state, self.watch) == (other.state, other.watch) == ("polled", None)
            and (self.identity, self.mounts) == (other.identity, other.mounts)
            and self.watched_folder.is_like(other.watched_folder)
        )


@dataclass
class WatchedPlace:
    """A folder that is to be watched, and how far that is.

    Parameters
    ----------
    watched_folder
        The folder as it is to be watched.
    poll_seconds
        How often what is polled in it is due.
    now
        What became of the last attempt to watch it.
    due
        What is polled in it, and when next.
    must_renew, not_before, renewed, renewing
        Whether it is to be watched anew, when at the earliest, when it was, and who is at it.
    """

    watched_folder: WatchedFolder
    poll_seconds: float
    now: Attempt | None = None
    due: dict[str, float] = field(default_factory=dict)
    must_renew: bool = True
    not_before: float = 0.0
    renewed: float = 0.0
    renewing: threading.Thread | None = None
    is_closed: bool = False

    @property
    def folder(self) -> str:
        """Its path, as it was given."""
        return self.watched_folder.folder

    @property
    def error(self) -> Exception | None:
        """Why it is not watched."""
        return self.now.error if self.now is not None else None

    @property
    def has_links(self) -> bool:
        """Whether links in it lead to something that is a part of it."""
        watch = self.now.watch if self.now is not None else None
        return watch is not None and watch.has_links

    @property
    def may_renew(self) -> bool:
        """Whether it is to be watched anew, and nobody is at it."""
        return self.must_renew and self.renewing is None

    def aim_at(self, watched_folder: WatchedFolder) -> None:
        """Take note of how it is to be watched from now on."""
        is_same = self.watched_folder.is_like(watched_folder)
        if self.has_links:  # They may lead to other added folders.
            is_same &= self.watched_folder.added == watched_folder.added
        if not is_same:
            self.watched_folder = watched_folder
            self.must_renew = True

    def is_mounted_as(self, mounts: Mounts) -> bool:
        """Tell whether the mounts that it has to do with are as they were."""
        return self.now is None or self.now.mounts == mounts.concerning(
            self.now.watched_folder.real
        )

    def take(self, outcome: Attempt, rest: float) -> bool:
        """Take note of how it is watched now; return whether it is to be looked through.

        For ``rest`` seconds it is not watched anew.
        """
        now = time.monotonic()
        before, self.now = self.now, outcome
        is_news = before is None or not before.is_polled_like(outcome)
        if is_news:
            self.due = dict.fromkeys(outcome.polled, now + self.poll_seconds)
        if not self.must_renew:
            self.watched_folder = outcome.watched_folder
        self.renewing = None
        self.renewed = now
        self.not_before = now + rest
        return is_news

    def close(self) -> None:
        """Watch it no longer."""
        self.is_closed = True
        if self.now is not None and self.now.watch is not None:
            self.now.watch.close()


def identity_of(folder: str) -> tuple[int, int, bool] | None:
    """Tell a folder from others at the same path, and from itself when it may not be read."""
    try:
        status = os.stat(folder)  # noqa: PTH116 (paths here may not be UTF-8)
    except OSError:
        return None
    if not os.path.isdir(folder):  # noqa: PTH112
        return None
    return status.st_dev, status.st_ino, os.access(folder, os.R_OK | os.X_OK)
