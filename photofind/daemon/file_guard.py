"""Keeping the daemon findable, and the only one, when others remove its files."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable

from photofind.daemon.runtime import Runtime, read_runtime, write_runtime
from photofind.errors import LibraryError
from photofind.paths import Home
from photofind.system.held_lock import HeldLock

__all__ = ["FileGuard"]

LOOK_SECONDS = 1.0
"""Between two looks at the files."""

AWAY_SECONDS = 120.0
"""How long the home may be away, as that of a drive may be for a moment."""

OTHER_SECONDS = 10.0
"""How long another process may hold the daemon's lock: one that cannot write ends by itself."""

_log = logging.getLogger(__name__)


class FileGuard:
    """Looks at the files by which the daemon is found.

    A lock that was removed is taken again, and a runtime file written again. If the home itself was
    deleted or replaced, or another process is the daemon by now, this one has to end: both would
    watch the same folders.

    Parameters
    ----------
    home
        Of the daemon.
    runtime
        What its runtime file says.
    lock
        That by which it is the daemon.
    look
        Looks at the other files; called each time.
    """

    def __init__(
        self, home: Home, runtime: Runtime, lock: HeldLock, look: Callable[[], None]
    ) -> None:
        self._home = home
        self._runtime = runtime
        self._lock = lock
        self._look = look
        self._folder = home.root.stat()
        write_runtime(home, runtime)

    def run(self) -> None:
        """Look again and again, until the daemon has to end."""
        since = time.monotonic()
        while (patience := self._patience()) is None or time.monotonic() - since < patience:
            if patience is None:
                since = time.monotonic()
                self._look()
            time.sleep(LOOK_SECONDS)
        _log.warning(
            "this daemon ends: %s was deleted or replaced, or has another daemon", self._home.root
        )

    def _patience(self) -> float | None:
        """Return how long the daemon may stay as it is, in seconds; None for ever."""
        try:
            if not os.path.samestat(self._home.root.stat(), self._folder):
                return AWAY_SECONDS
            if not self._lock.keep():
                return OTHER_SECONDS
            if not self._is_found_by(read_runtime(self._home)):
                _log.warning("the runtime file was removed or changed; it is written again")
                write_runtime(self._home, self._runtime)
        except (OSError, LibraryError) as error:
            _log.warning("the daemon's files cannot be kept: %s", error)
            return AWAY_SECONDS
        return None

    def _is_found_by(self, runtime: Runtime | None) -> bool:
        """Return whether clients that read this runtime file find the daemon."""
        # A file that says another version or time of start does lead here.
        own = self._runtime
        return runtime is not None and own == runtime._replace(
            version=own.version, started=own.started
        )
