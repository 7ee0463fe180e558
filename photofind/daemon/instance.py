"""One daemon for each home: the process that holds its lock.

The system releases the lock when a process ends, however it ends. So a free lock means that there
is no daemon, whatever the runtime file says. A process is never identified by its id alone.
"""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING

from photofind.daemon.runtime import read_runtime, remove_runtime
from photofind.errors import DaemonRunsError
from photofind.paths import Home, private_folder
from photofind.system.disk import explained
from photofind.system.held_lock import HeldLock, is_held

if TYPE_CHECKING:
    import psutil

__all__ = ["claim", "forget_ended", "is_running", "resign", "running_process"]

# A process that checks whether a daemon runs holds the lock for a moment.
_PATIENCE = 1.0
# The system's clock may be set right between two looks at the time at which a process began.
_SAME_TIME = 1.0

_claimed: list[HeldLock] = []


def claim(home: Home) -> HeldLock:
    """Make this process the daemon of ``home``, until it ends; return the lock that says so.

    Raises
    ------
    DaemonRunsError
        Another process is.
    LibraryError
        The disk refuses.
    """
    from filelock import Timeout

    with explained(home.daemon_lock):
        private_folder(home.root)
        try:
            lock = HeldLock(home.daemon_lock, timeout=_PATIENCE)
        except Timeout:
            runtime = read_runtime(home)
            known = f", process {runtime.pid}" if runtime else ""
            raise DaemonRunsError(
                f"a daemon runs already for {home.root}{known}", "`photofind daemon stop` ends it"
            ) from None
    # Not released by an error: a process that cannot end, because a thread hangs, is still the
    # daemon unless it has closed everything.
    _claimed.append(lock)
    remove_runtime(home)  # That of a daemon which was killed.
    return lock


def resign() -> None:
    """Let another process be the daemon: this one has closed everything and ends.

    The system would release the lock at its end, which may be late: a thread that waits for a
    drive that does not answer keeps the process.
    """
    while _claimed:
        _claimed.pop().release()


def is_running(home: Home) -> bool:
    """Return whether there is a daemon for ``home``, even one that hangs."""
    try:
        return is_held(home.daemon_lock)
    except OSError:  # There is no lock, or no process can write here.
        return False


def forget_ended(home: Home) -> None:
    """Remove the runtime file of a daemon that was killed; not that of a running one."""
    from filelock import FileLock, Timeout

    if not home.daemon_lock.exists():
        return
    with (
        suppress(Timeout, OSError),
        FileLock(home.daemon_lock, mode=0o600).acquire(blocking=False),
    ):
        remove_runtime(home)


def running_process(home: Home) -> psutil.Process | None:
    """Return the process of the running daemon; None if it cannot be found.

    It is the one in the runtime file, provided that it was created when that says; otherwise the
    one of this user that runs a daemon and has the lock open.
    """
    import psutil

    runtime = read_runtime(home)
    if runtime is not None:
        with suppress(psutil.Error, ValueError, OverflowError):
            process = psutil.Process(runtime.pid)
            if abs(process.create_time() - runtime.created) < _SAME_TIME:
                return process
    lock = os.path.realpath(home.daemon_lock)
    holders = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if _runs_daemon(process.cmdline()) and process.pid != os.getpid():
                opened = {os.path.realpath(file.path) for file in process.open_files()}
                if lock in opened:
                    holders.append((process.create_time(), process))
    # Any younger one is about to find out that there is a daemon.
    return min(holders, key=itemgetter(0))[1] if holders else None


def _runs_daemon(command: list[str]) -> bool:
    """Return whether a command line is that of a daemon, not of one who asks whether it runs."""
    return ("daemon", "run") in pairwise(command)
