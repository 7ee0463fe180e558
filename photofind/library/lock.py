"""One process writes to a home at a time, and one builds graphs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

from photofind.errors import LockedError
from photofind.paths import Home, private_folder
from photofind.system.disk import explain_disk_errors
from photofind.system.held_lock import HeldLock

__all__ = ["building_graph", "is_building_graph", "is_written", "writing_to"]


def writing_to(home: Home, library: str = "") -> HeldLock:
    """Lock a home for writing, until the lock is released.

    Parameters
    ----------
    library
        The address of a library elsewhere, where the home's own is not meant: a copy writes to
        both.

    Raises
    ------
    LockedError
        Another process is writing to it.
    LibraryError
        The lock cannot be made.
    """
    from filelock import Timeout  # Takes long to import, and readers do without.

    lock = home.lock
    if library:
        lock = home.root / f"writing-{blake2b(library.encode(), digest_size=8).hexdigest()}.lock"
    with explain_disk_errors(lock):
        private_folder(home.root)
        try:
            return HeldLock(lock)
        except Timeout:
            raise is_written(home) from None


def is_written(home: Home) -> LockedError:
    """Return the error of who cannot write to a home because another process does."""
    return LockedError(
        f"another photofind is writing to the library in {home.root}",
        "wait until it is done, or end it, and run the same again",
    )


@contextmanager
def building_graph(home: Home) -> Iterator[None]:
    """Keep other processes from building graphs, until the end of the context.

    Raises
    ------
    LockedError
        Another one is building a graph.
    LibraryError
        The lock cannot be made.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(home.graph_lock, mode=0o600, thread_local=False)
    with explain_disk_errors(home.graph_lock):
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise LockedError(
                f"another photofind is building a graph for the library in {home.root}",
                "wait until it is done",
            ) from None
    try:
        yield
    finally:
        lock.release()


def is_building_graph(home: Home) -> bool:
    """Return whether a graph is being built now, by whatever process."""
    if not home.graph_lock.exists():
        return False
    from filelock import FileLock, Timeout

    try:
        with FileLock(home.graph_lock, mode=0o600).acquire(blocking=False):
            return False
    except Timeout:
        return True
    except OSError:  # This process may not write here, so it cannot tell.
        return False
