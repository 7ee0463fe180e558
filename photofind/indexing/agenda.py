"""What the indexing is told to look at: any thread adds to it, one thread takes from it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from photofind.errors import LibraryError, PhotofindError
from photofind.indexing.debouncer import Debouncer
from photofind.indexing.requests import Request
from photofind.indexing.scan import Found
from photofind.indexing.watching.events import Change, Kind
from photofind.settings import Settings

__all__ = ["Agenda", "Scan"]


class Scan(NamedTuple):
    """A scan that is to be made: of these folders, maybe for a request."""

    folders: set[str]
    request: Request | None


class Agenda:
    """Places that changed, folders to be scanned, requests, and settings to go by.

    Thread-safe: one condition is held for each access, and notified of each addition.

    Parameters
    ----------
    settings
        The settings now.
    debouncer
        Says when places are due.
    """

    def __init__(self, settings: Settings, debouncer: Debouncer) -> None:
        self._changed = threading.Condition()
        self._debouncer = debouncer
        self._settings = settings
        self._reconfigured = False
        self._changed_extractors: set[str] = set()
        self._folders: set[str] = set()
        self._requests: deque[Request] = deque()
        self._stopping = False
        self._news = False  # Something was added since the last wait.

    # What others add.

    def notice(self, changes: Sequence[Change]) -> None:
        """Add changes that belong together."""
        with self._changed:
            self._debouncer.add(changes)
            self._wake()

    def scan(self, folders: Iterable[str]) -> None:
        """Have folders scanned from end to end."""
        with self._changed:
            self._folders.update(folders)
            self._wake()

    def request(self, request: Request) -> None:
        """Add a request.

        Raises
        ------
        LibraryError
            The indexing is stopping.
        """
        with self._changed:
            if self._stopping:
                raise LibraryError("the daemon is stopping", "run the same again")
            self._requests.append(request)
            self._wake()

    def reconfigure(self, settings: Settings) -> None:
        """Go on with other settings."""
        with self._changed:
            self._settings = settings
            self._reconfigured = True
            self._wake()

    def extractors_changed(self, names: Iterable[str]) -> None:
        """Have extractors loaded again: they are not installed as they were."""
        with self._changed:
            self._changed_extractors.update(names)
            self._wake()

    def stop(self) -> None:
        """End the waits, and take in no more requests."""
        with self._changed:
            self._stopping = True
            self._wake()

    def wake(self) -> None:
        """End a wait, or the next one."""
        with self._changed:
            self._wake()

    # What the indexing takes.

    @property
    def settings(self) -> Settings:
        """The settings now."""
        return self._settings

    @property
    def stopping(self) -> bool:
        """Whether the indexing is to end."""
        return self._stopping

    @property
    def reconfigured(self) -> bool:
        """Whether there are settings that were not taken yet."""
        return self._reconfigured

    def take_reconfigured(self) -> bool:
        """Return whether there are settings that were not taken yet, and take them."""
        with self._changed:
            reconfigured, self._reconfigured = self._reconfigured, False
            return reconfigured

    def take_changed_extractors(self) -> set[str]:
        """Return the extractors that are to be loaded again."""
        with self._changed:
            changed, self._changed_extractors = self._changed_extractors, set()
            return changed

    def take_places(self) -> dict[str, Kind]:
        """Return the places that are due, with the kind of their last change."""
        with self._changed:
            return self._debouncer.take()

    def settled(self, files: Sequence[Found]) -> list[Found]:
        """Return the files that may be read now; the others are due later."""
        with self._changed:
            return self._debouncer.settled(files)

    def take_scan(self) -> Scan | None:
        """Return the most urgent scan that is to be made: a request's first."""
        with self._changed:
            if self._requests:
                request = self._requests.popleft()
                return Scan(set(request.folders), request)
            folders, self._folders = self._folders, set()
            return Scan(folders, None) if folders else None

    def fail_requests(self, error: PhotofindError) -> None:
        """Have all requests fail that were not taken yet."""
        with self._changed:
            requests, self._requests = self._requests, deque()
        for request in requests:
            request.fail(error)

    # How much there is.

    @property
    def has_places_due(self) -> bool:
        """Whether there are places to be looked at now."""
        with self._changed:
            return self._debouncer.wait() == 0.0

    @property
    def has_scans(self) -> bool:
        """Whether there are folders to be scanned."""
        with self._changed:
            return bool(self._requests or self._folders)

    @property
    def has_places(self) -> bool:
        """Whether there are places that are due, or wait until they are quiet."""
        with self._changed:
            return bool(self._debouncer)

    @property
    def files(self) -> int:
        """How many files wait until they are quiet."""
        with self._changed:
            return self._debouncer.files

    def wait(self, seconds: float | None, *, for_places: bool = True) -> None:
        """Wait for an addition, for a place to be due, and at most so long (None: for ever).

        Returns at once where something was added since the last wait.

        Parameters
        ----------
        for_places
            Whether places that are due end the wait.
        """
        with self._changed:
            waits = [seconds, self._debouncer.wait() if for_places else None]
            timeout = min((wait for wait in waits if wait is not None), default=None)
            if not self._stopping and (timeout is None or timeout > 0):
                longest = threading.TIMEOUT_MAX if timeout is None else timeout
                self._changed.wait_for(lambda: self._news, min(longest, threading.TIMEOUT_MAX))
            self._news = False

    def _wake(self) -> None:
        self._news = True
        self._changed.notify_all()
