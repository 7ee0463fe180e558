"""Locks on files: one that stays held when others remove the file, and whether one is held."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

__all__ = ["HeldLock", "is_held"]

_LOOK = 0.02  # Seconds between two tries.


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock on a file; processes that ask do not see each other.

    Raises
    ------
    OSError
        There is no such file, or it cannot be opened.
    """
    if sys.platform == "win32":
        from filelock import FileLock, Timeout

        path.stat()
        try:
            with FileLock(path).acquire(blocking=False):
                return False
        except Timeout:
            return True
    import fcntl  # As filelock does, which takes long to import.

    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


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
