"""One daemon a home: whoever holds its lock is it.

The system gives the lock back when a process ends, however it ends; so a lock that is free means
that there is no daemon, whatever the runtime file says. Nobody is told apart by process id alone.
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

if TYPE_CHECKING:
    import psutil
    from filelock import BaseFileLock

__all__ = ["claim", "forget_ended", "is_running", "running_process"]

# Who asks whether a daemon runs holds the lock for a moment.
_PATIENCE = 1.0
# The system's clock may be set right between two looks at the time at which a process began.
_SAME_TIME = 1.0

_claimed: list[BaseFileLock] = []


def claim(home: Home) -> None:
    """Make this process the daemon of ``home``, until it ends.

    Raises
    ------
    DaemonRunsError
        Another process is.
    LibraryError
        The disk refuses.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(home.daemon_lock, mode=0o600, thread_local=False)
    with explained(home.daemon_lock):
        private_folder(home.root)
        try:
            lock.acquire(timeout=_PATIENCE, poll_interval=0.02)
        except Timeout:
            runtime = read_runtime(home)
            known = f", process {runtime.pid}" if runtime else ""
            raise DaemonRunsError(
                f"a daemon runs already for {home.root}{known}", "`photofind daemon stop` ends it"
            ) from None
    # Never let go of: a process that cannot end, for a thread that hangs, is still the daemon.
    _claimed.append(lock)
    remove_runtime(home)  # Of one that ended without time to.


def is_running(home: Home) -> bool:
    """Return whether there is a daemon for ``home``, be it one that hangs."""
    from filelock import FileLock, Timeout

    if not home.daemon_lock.exists():
        return False
    try:
        with FileLock(home.daemon_lock, mode=0o600).acquire(blocking=False):
            return False
    except Timeout:
        return True
    except OSError:  # Nobody can write here.
        return False


def forget_ended(home: Home) -> None:
    """Remove the runtime file of a daemon that ended without time to; not that of a new one."""
    from filelock import FileLock, Timeout

    if not home.daemon_lock.exists():
        return
    with (
        suppress(Timeout, OSError),
        FileLock(home.daemon_lock, mode=0o600).acquire(blocking=False),
    ):
        remove_runtime(home)


def running_process(home: Home) -> psutil.Process | None:
    """Return the process of the daemon that runs; None where it cannot be told which it is.

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
