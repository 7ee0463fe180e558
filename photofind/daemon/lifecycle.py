"""Starting and stopping the daemon from another process."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import Enum
from typing import TYPE_CHECKING

import h11

from photofind.daemon.first_words import Starting
from photofind.daemon.handshake import connect
from photofind.daemon.instance import forget_ended, is_running, running_process
from photofind.daemon.runtime import Runtime, read_runtime
from photofind.daemon.service import command, start_service, stop_service
from photofind.errors import DaemonError, LibraryError
from photofind.paths import Home, private_folder
from photofind.system.disk import explain_disk_errors

if TYPE_CHECKING:
    import psutil

__all__ = ["REFUSED", "RUNS_ALREADY", "Start", "Stop", "is_running", "reachable", "start", "stop"]

RUNS_ALREADY = 75
"""The exit code of ``photofind daemon run`` if a daemon runs already: EX_TEMPFAIL of sysexits.h."""

REFUSED = 74
"""Its exit code if the disk does not take the daemon's files: EX_IOERR."""

_LOOK = 0.05  # Seconds between two looks whether something has happened.
_FOR_ANSWER = 5.0  # Seconds that the API may take.
_FOR_KILL = 10.0  # Seconds that the system may take to end a process that is killed.


class Start(Enum):
    """The outcome of :func:`start`; the value says it in words."""

    STARTED = "the daemon is running"
    ALREADY_RUNNING = "the daemon was running already"


class Stop(Enum):
    """The outcome of :func:`stop`; the value says it in words."""

    STOPPED = "the daemon has stopped"
    KILLED = "the daemon did not react and was killed; what it had indexed is kept"
    NOT_RUNNING = "the daemon was not running"


def reachable(home: Home) -> Runtime | None:
    """Return the runtime of the daemon if it proves to be the one; otherwise None."""
    runtime = read_runtime(home)
    if runtime is None:
        return None
    try:
        connect(home, runtime, _FOR_ANSWER).close()
    except DaemonError:
        return None
    return runtime


def start(home: Home, *, wait_seconds: float = 30.0) -> Start:
    """Start the daemon if none runs, and wait until it answers.

    If several processes do so at once, one daemon is started, and all of them wait for it.

    Raises
    ------
    DaemonError
        It cannot start, with the reason, or does not answer in time.
    """
    if reachable(home):
        return Start.ALREADY_RUNNING
    deadline = time.monotonic() + wait_seconds
    result, child = Start.ALREADY_RUNNING, None
    with _starting(home, wait_seconds):
        while not reachable(home):
            if time.monotonic() > deadline:
                raise _silent(wait_seconds)
            if is_running(home) or (child and child.runs):
                time.sleep(_LOOK)
            elif child and child.failed:
                raise child.failure()
            else:
                result = Start.STARTED
                # Half of the time: if the service manager hangs, the daemon is started without it.
                if not start_service(home, (deadline - time.monotonic()) / 2):
                    child = _Child(home)
    return result


def stop(home: Home, *, wait_seconds: float = 10.0) -> Stop:
    """Stop the daemon: through its API, then with SIGTERM, then with SIGKILL.

    Parameters
    ----------
    wait_seconds
        How long to wait after the request, and again after the signal, in seconds.

    Raises
    ------
    DaemonError
        It belongs to another user, or its process cannot be found.
    """
    if not is_running(home):
        stop_service(home)  # It may be about to start one that has crashed.
        forget_ended(home)
        return Stop.NOT_RUNNING
    process = running_process(home)
    try:
        asked = _is_asked_to_stop(home)
        # The service manager would restart a daemon that is killed without its knowledge. Told
        # later, it might stop one that was started in between.
        stop_service(home)
        if asked and _has_ended(home, process, wait_seconds):
            return Stop.STOPPED
        process = process or running_process(home)
        if process is None:
            if _has_ended(home, process, wait_seconds):
                return Stop.STOPPED
            raise DaemonError(
                f"a process holds {home.daemon_lock}, and it is not known which",
                "end the process that has it open",
            )
        with _signalling(process):
            process.terminate()
            if sys.platform != "win32":
                process.resume()  # It may have been suspended.
        if _has_ended(home, process, wait_seconds):
            return Stop.STOPPED
        with _signalling(process):
            process.kill()
        if _has_ended(home, process, _FOR_KILL):
            return Stop.KILLED
        raise DaemonError(f"process {process.pid}, the daemon, does not end, not even when killed")
    finally:
        forget_ended(home)


class _Child:
    """The daemon as a process that this one started."""

    def __init__(self, home: Home) -> None:
        try:
            with explain_disk_errors(home.root):
                self._process = Starting(home, command(home))
        except LibraryError as error:
            raise DaemonError(f"the daemon cannot start: {error.message}", error.hint) from error

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def failed(self) -> bool:
        """Whether it ended for another reason than that there was a daemon."""
        return self._process.poll() not in (None, RUNS_ALREADY)

    def failure(self) -> DaemonError:
        """Return why it ended, by what it said last."""
        lines = self._process.last_words()
        hint = "`photofind daemon logs` may say more"
        if not lines:
            code = self._process.poll()
            return DaemonError(f"the daemon cannot start: it ended with code {code}", hint)
        # As commands tell an error: one line, and below it, indented, what can be done.
        if len(lines) > 1 and lines[-2].startswith("photofind: ") and lines[-1].startswith("  "):
            hint = lines.pop().strip()
        elif lines[-1].startswith("photofind: "):
            hint = ""
        message = lines[-1].removeprefix("photofind: ").strip()
        error = DaemonError(f"the daemon cannot start: {message}", hint)
        if self._process.poll() == REFUSED:
            error.__cause__ = LibraryError(message, hint)
        return error


@contextmanager
def _starting(home: Home, seconds: float) -> Iterator[None]:
    """Be the only one who starts the daemon of ``home``.

    Raises
    ------
    DaemonError
        Another process is at it for longer than ``seconds``, or the disk refuses.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(home.daemon_start_lock, mode=0o600)
    try:
        with explain_disk_errors(home.root):
            private_folder(home.root)
            try:
                lock.acquire(timeout=seconds)
            except Timeout:
                raise _silent(seconds) from None
    except LibraryError as error:
        raise DaemonError(f"the daemon cannot start: {error.message}", error.hint) from error
    try:
        yield
    finally:
        lock.release()


def _silent(seconds: float) -> DaemonError:
    return DaemonError(
        f"the daemon did not answer within {seconds:g} s",
        "`photofind daemon logs` says what it did, `photofind daemon restart` restarts it",
    )


def _is_asked_to_stop(home: Home) -> bool:
    """Ask the daemon to stop; return whether it has answered."""
    runtime = read_runtime(home)
    if runtime is None:
        return False
    try:
        connection = connect(home, runtime, _FOR_ANSWER)
        with closing(connection):
            headers = {"Authorization": f"Bearer {runtime.token}"}
            return connection.ask("POST", "/api/stop", headers).status < 300
    except (DaemonError, OSError, h11.ProtocolError):
        return False


def _has_ended(home: Home, process: psutil.Process | None, seconds: float) -> bool:
    """Wait until the daemon has ended; return False if it still runs after so many seconds.

    Python releases the lock shortly before its process ends, so that is waited for too.
    """
    deadline = time.monotonic() + seconds
    while (process is not None and _lives(process)) or _holds_on(home, process):
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK)
    return True


def _holds_on(home: Home, process: psutil.Process | None) -> bool:
    """Return whether the daemon still holds its lock, and not one that was started since."""
    if not is_running(home):
        return False
    runtime = read_runtime(home)
    return process is None or runtime is None or runtime.pid == process.pid


def _lives(process: psutil.Process) -> bool:
    import psutil

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@contextmanager
def _signalling(process: psutil.Process) -> Iterator[None]:
    """Ignore that a process has ended; explain that another user's cannot be ended.

    Raises
    ------
    DaemonError
        The process is not this user's.
    """
    import psutil

    try:
        yield
    except psutil.NoSuchProcess:
        pass
    except psutil.AccessDenied as error:
        message = f"process {process.pid}, the daemon, is not yours to end"
        raise DaemonError(message, "ask the one who started it") from error
