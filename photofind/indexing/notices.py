"""What the indexing tells its subscribers, as it happens."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection

from photofind.indexing.pausing import Pause
from photofind.library.store import Store
from photofind.model import Event, Progress
from photofind.model.counted import counted
from photofind.model.records import Folder

__all__ = ["Notices"]

log = logging.getLogger(__name__)

# How often a scan says how many photos it has found.
FOUND_SECONDS = 0.1


class Notices:
    """Makes events of what the indexing does. Any thread may call any method.

    Parameters
    ----------
    store
        Counted from.
    tell
        Called with every event.

    Attributes
    ----------
    activity
        What is being done; None where nothing is.
    """

    def __init__(self, store: Store, tell: Callable[[Event], None]) -> None:
        self._store = store
        self._tell = tell
        self._commits = 0
        self._found = 0.0  # When a scan last said how many photos it has found.
        self.activity: Progress | None = None

    def progress(self, progress: Progress | None) -> None:
        """Tell what is being done."""
        before, self.activity = self.activity, progress
        if before is not progress:
            self._tell(Event("activity", progress))

    def found(self, photos: int) -> None:
        """Tell how many photos a scan has found so far, several times a second at most."""
        progress = Progress("looking for photos", photos)
        now = time.monotonic()
        if photos == 0 or now - self._found >= FOUND_SECONDS:
            self._found = now
            self.progress(progress)

    def library(self) -> None:
        """Tell that the library has changed."""
        counts = self._store.counts()
        self._commits += 1
        self._tell(
            Event(
                "library",
                {
                    "photos": counts.photos - counts.failed,
                    "preliminary": counts.preliminary,
                    "failed": counts.failed,
                    "revision": self._commits,
                },
            )
        )

    def folders(self) -> None:
        """Tell that folders came, went, or changed their state."""
        self._tell(Event("folders", None))

    def state(self, pause: Pause) -> None:
        """Tell whether the indexing is paused or waits."""
        self._tell(
            Event(
                "state",
                {
                    "paused": pause.paused,
                    "paused_until": pause.paused_until,
                    "waiting": pause.waiting,
                },
            )
        )

    def problem(self, text: str) -> None:
        """Tell of a problem."""
        log.error("%s", text)
        self._notice("problem", text)

    def folder_state(self, before: Folder, now: Folder) -> None:
        """Tell of a folder that went offline or came back."""
        if before.state != now.state:
            text = f"{now.path} is {now.state}" + (f": {now.reason}" if now.reason else "")
            log.info("%s", text)
            self._notice(now.state, text)

    def first_indexed(self, folders: Collection[str]) -> None:
        """Tell of folders that have been indexed for the first time."""
        counts = self._store.counts()
        count = counts.photos - counts.failed
        names = ", ".join(sorted(folders))
        self._notice("indexed", f"{names}: {counted(count, 'photo')} can be searched now")

    def _notice(self, topic: str, text: str) -> None:
        self._tell(Event("notice", {"topic": topic, "text": text}))
