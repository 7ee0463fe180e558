"""A folder that is to be watched, and what the last attempt to watch it came to."""

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
    """What an attempt to watch a folder came to; polling it, until something better is known.

    Parameters
    ----------
    watched_folder
        The folder as it is watched.
    watch
        What watches it, if anything does.
    state, error
        How it is watched, in a word for the status; why it cannot be watched.
    identity, is_local
        Which folder it is, and whether finding that out asks no other machine.
    mounts
        The mounts that hold it or lie in it.
    polled
        The folders in it that are polled.
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
        """Return whether another attempt failed in the same way as this one."""
        return (
            (self.state, self.watch) == (other.state, other.watch) == ("polled", None)
            and (self.identity, self.mounts) == (other.identity, other.mounts)
            and self.watched_folder.is_like(other.watched_folder)
        )


@dataclass
class WatchedPlace:
    """A folder that is to be watched, and how it is watched now.

    Parameters
    ----------
    watched_folder
        The folder as it is to be watched.
    poll_seconds
        How often what is polled in it is due, in seconds.
    now
        What the last attempt to watch it came to.
    due
        What is polled in it, and when next.
    must_renew, not_before, renewed, renewing
        Whether it is to be watched again, when at the earliest, when it was last, and the thread
        that does it now. Times are on the monotonic clock.
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
        """Whether it is to be watched again, and no thread does it now."""
        return self.must_renew and self.renewing is None

    def aim_at(self, watched_folder: WatchedFolder) -> None:
        """Note how it is to be watched from now on."""
        is_same = self.watched_folder.is_like(watched_folder)
        if self.has_links:  # They may lead to other added folders.
            is_same &= self.watched_folder.added == watched_folder.added
        if not is_same:
            self.watched_folder = watched_folder
            self.must_renew = True

    def is_mounted_as(self, mounts: Mounts) -> bool:
        """Return whether the mounts that hold it or lie in it are as they were."""
        return self.now is None or self.now.mounts == mounts.concerning(
            self.now.watched_folder.real
        )

    def take(self, outcome: Attempt, rest: float) -> bool:
        """Note how it is watched now; return whether it is to be scanned.

        For ``rest`` seconds it is not watched again.
        """
        now = time.monotonic()
        before, self.now = self.now, outcome
        is_news = before is None or not before.is_polled_like(outcome)
        if is_news:
            self.due = dict.fromkeys(outcome.polled, now + self.poll_seconds)
        if not self.must_renew:
            self.watched_folder = outcome.watched_folder
        self.renewed = now
        self.not_before = now + rest
        return is_news

    def close(self) -> None:
        """Stop watching it."""
        self.is_closed = True
        if self.now is not None and self.now.watch is not None:
            self.now.watch.close()


def identity_of(folder: str) -> tuple[int, int, bool] | None:
    """Return what distinguishes a folder from another at its path; None if there is none."""
    try:
        status = os.stat(folder)  # noqa: PTH116 (paths here may not be UTF-8)
    except OSError:
        return None
    if not os.path.isdir(folder):  # noqa: PTH112
        return None
    return status.st_dev, status.st_ino, os.access(folder, os.R_OK | os.X_OK)
