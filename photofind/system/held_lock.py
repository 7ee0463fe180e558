"""A lock on a file that stays held when others remove the file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

__all__ = ["HeldLock"]

_LOOK = 0.02  # Seconds between two tries.


class HeldLock:
    """A lock of this process on a file, for all its threads, from its making on.

    Parameters
    ----------
    path
        The file; its folder exists.
    timeout
        How long to wait for another process to release it, in seconds.

    Raises
    ------
    filelock.Timeout
        Another process holds it.
    OSError
        It cannot be made.
    """

    def __init__(self, path: Path, timeout: float = 0.0) -> None:
        self._path = path
        # Those on files that were removed are kept: who opened one before must not get it.
        self._locks: list[BaseFileLock] = []
        self._take(timeout)

    def keep(self) -> bool:
        """Return whether it is held; taken again if its file was removed or replaced.

        Raises
        ------
        OSError
            Its folder is gone, or it cannot be made.
        """
        from filelock import Timeout

        try:
            if os.path.samestat(self._path.stat(), self._file):
                return True
        except FileNotFoundError:
            self._path.parent.stat()
        try:
            self._take(0.0)
        except Timeout:
            return False
        return True

    def release(self) -> None:
        """Let others have it."""
        for lock in self._locks:
            lock.release()
        self._locks.clear()

    def _take(self, timeout: float) -> None:
        from filelock import FileLock  # Takes long to import, and readers do without.

        lock = FileLock(self._path, mode=0o600, thread_local=False)
        lock.acquire(timeout=timeout, poll_interval=_LOOK)
        self._locks.append(lock)
        self._file = self._path.stat()
