"""A child process and its supervision, on the parent's side."""

from __future__ import annotations

import logging
import math
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from photofind.errors import (
    WorkerCrashedError,
    WorkerError,
    WorkerKilledError,
    WorkerMemoryError,
    WorkerOverdueError,
    WorkerStoppedError,
    WorkerTimeoutError,
)
from photofind.paths import open_private, private_folder
from photofind.system.effort import OVERDUE
from photofind.workers import frames

if TYPE_CHECKING:
    from io import FileIO

__all__ = ["Process"]

_PATIENCE = 1.0  # Seconds between closing a process's input, terminating it, and killing it.
_LONGEST_LOG = 2**20  # Bytes after which a log is rotated.
_LONGEST_DETAILS = 4096  # Bytes of a process's last output that are attached to an error.
_NICENESS = 10
_LOOK = 0.5  # Seconds between two looks, during an exchange, whether the process was abandoned.
_MEMORY_INTERVAL = 0.25  # Seconds between two checks of the memory of a process with a limit.

# A process is busy that takes so much of the time for which it shows no progress.
_BUSY = 0.5

# What kills a process because of what it does itself is another signal, such as SIGSEGV. SIGBUS
# comes when a drive fails that holds a file which is mapped. Windows has no such exit codes.
_FROM_OUTSIDE = {
    int(getattr(signal, name))
    for name in ("SIGBUS", "SIGHUP", "SIGINT", "SIGKILL", "SIGTERM", "SIGXCPU")
    if hasattr(signal, name)
}

_logger = logging.getLogger(__name__)


class _Ending(Enum):
    """Why the parent ended the process."""

    OVERDUE = "showed no progress"
    TOO_LARGE = "took too much memory"
    IDLE = "had nothing to do"
    STOPPED = "was stopped"


class _BrokenPipe(Exception):
    """The pipe to the process is broken."""


class Process:
    """A process that runs ``photofind.workers.child``, and the pipes to it.

    One thread at a time uses the process: it takes it with :meth:`claim`, calls :meth:`exchange`,
    and returns it with :meth:`release`. Any thread may :meth:`end` it. A watcher thread ends the
    process if an exchange, or the idle time after it, is too long.

    Parameters
    ----------
    name
        The name of the process in messages, such as "extraction".
    environment
        Environment variables to add to, or replace in, those of this process.
    low_priority
        Whether it runs at low priority for CPU and disk.
    log
        The file to which its standard error is appended; a temporary file by default.
    most_bytes
        The process is ended if its resident memory exceeds this during an exchange.
    """

    def __init__(
        self,
        *,
        name: str,
        environment: Mapping[str, str],
        low_priority: bool,
        log: Path | None,
        most_bytes: float = math.inf,
    ) -> None:
        self._name = name
        self._most_bytes = most_bytes
        self._log = _open_log(log)
        self._log_start = self._log.seek(0, os.SEEK_END)
        # -P: no module is imported from the current folder, which may be one of photos.
        # utf8: both sides decode file names in the same way.
        command = "from photofind.workers.child import main; main()"
        self._popen = subprocess.Popen(
            [sys.executable, "-P", "-u", "-X", f"utf8={sys.flags.utf8_mode}", "-c", command],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, **environment},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # Windows only.
        )
        self._requests = cast("FileIO", self._popen.stdin)
        self._replies = cast("FileIO", self._popen.stdout)
        self._abandoned = False
        self._changed = threading.Condition()
        self._claimed = False
        self._deadline = math.inf
        self._awake = math.inf  # When the watcher checks the deadline again.
        self._ending: _Ending | None = None
        self._spent = 0.0  # Its processor time in seconds, as it told itself with its last frame.
        self._spent_since = 0.0  # What it took after that, once it is overdue.
        self._last_words = ""
        if low_priority:
            # Before the first message, so that all threads of the service inherit it.
            _lower_priority(self._popen.pid, name)
        watch = threading.Thread(target=self._watch, name=f"{name} worker watch", daemon=True)
        try:
            watch.start()
        except RuntimeError:  # There is no thread to be had.
            self._popen.kill()
            self.end()
            raise

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether the process is running; an ended process is reaped."""
        return self._popen.poll() is None

    def memory(self) -> int:
        """Return the resident memory of the process in bytes; 0 if it has ended."""
        import psutil

        try:
            return int(psutil.Process(self.pid).memory_info().rss) if self.running else 0
        except psutil.Error:
            return 0

    def _processor_time(self) -> float:
        """Return the processor time that it has taken, in seconds; 0 if it has ended."""
        import psutil

        try:
            times = psutil.Process(self.pid).cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)

    def claim(self) -> bool:
        """Take the process for an exchange; return False if it has ended or is ending."""
        with self._changed:
            if self._ending is not None or not self.running:
                return False
            self._claimed = True
            self._deadline = math.inf
            if self._most_bytes < math.inf:
                self._changed.notify()  # Starts the memory checks.
            return True

    def release(self, idle_seconds: float | None) -> None:
        """Return the process; it is ended if not claimed again within ``idle_seconds``."""
        with self._changed:
            self._claimed = False
            self._set_deadline(idle_seconds)

    def exchange(
        self,
        request: Sequence[memoryview],
        timeout: float,
        note: Callable[[Any], None] | None = None,
    ) -> frames.Frame:
        """Send an encoded frame and return the answer; pass notes on as they come.

        The process is ended if the exchange fails for any reason, since the two sides may be out of
        step.

        Raises
        ------
        WorkerTimeoutError
            After ``timeout`` seconds without a note or the answer.
        WorkerCrashedError
            If the process ended.
        WorkerOverdueError
            Likewise, if it was busy for most of that time; or if it ended itself, see
            :class:`photofind.system.effort.Efforts`.
        WorkerMemoryError
            If it exceeded its memory limit.
        WorkerStoppedError
            If another thread ended it.
        """
        try:
            self._expect_within(timeout)
            self._send(request)
            while "note" in (answer := self._receive()).message:
                self._spent = answer.message["spent"]
                if note is not None:
                    self._expect_within(None)  # The parent's own time does not count.
                    note(answer.message["note"])
                self._expect_within(timeout)
        except BaseException as error:
            ending = self._ending
            self.discard()
            if isinstance(error, _BrokenPipe):
                raise self._failure(ending, timeout) from error
            raise
        self._expect_within(None)
        self._spent = answer.message.get("spent", self._spent)
        return answer

    def end(self) -> None:
        """End the process: close its input if it is not in use, then terminate, then kill.

        One that waits for a drive that does not answer cannot be killed: it is abandoned.
        """
        with self._changed:
            self._ending = self._ending or _Ending.STOPPED
            self._changed.notify()
            claimed = self._claimed
        steps = [self._popen.terminate, self._popen.kill]
        if not claimed:
            steps.insert(0, self._requests.close)
        if not self._abandoned:
            for step in steps:
                step()
                with suppress(subprocess.TimeoutExpired):
                    self._popen.wait(_PATIENCE)
                    break
            else:
                _logger.warning("process %d, a %s worker, cannot be ended", self.pid, self._name)
                self._abandoned = True
        if not claimed:
            with self._changed:
                self._requests.close()
                self._replies.close()
                if not self._log.closed:
                    self._last_words = _tail(self._log, self._log_start)
                    self._log.close()

    def discard(self) -> None:
        """Return the process and end it."""
        self.release(None)
        self.end()

    def _expect_within(self, seconds: float | None) -> None:
        with self._changed:
            self._set_deadline(seconds)

    def _set_deadline(self, seconds: float | None) -> None:
        self._deadline = math.inf if seconds is None else time.monotonic() + seconds
        if self._deadline < self._awake:  # Later ones are seen on waking.
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while self._ending is None:
                remaining = self._deadline - time.monotonic()
                if remaining <= 0:
                    self._ending = _Ending.OVERDUE if self._claimed else _Ending.IDLE
                    self._spent_since = self._processor_time() - self._spent
                    break
                longest = threading.TIMEOUT_MAX
                if self._claimed and self._most_bytes < math.inf:
                    if self.memory() > self._most_bytes:
                        self._ending = _Ending.TOO_LARGE
                        break
                    longest = _MEMORY_INTERVAL
                self._awake = self._deadline
                self._changed.wait(min(remaining, longest))
            else:
                return
        self.end()

    def _send(self, request: Sequence[memoryview]) -> None:
        try:
            frames.send(self._requests, request)
        except OSError as error:
            raise _BrokenPipe from error

    def _receive(self) -> frames.Frame:
        try:
            self._await_answer()
            return frames.receive(self._replies)
        except (EOFError, OSError, ValueError) as error:
            raise _BrokenPipe from error

    def _await_answer(self) -> None:
        """Wait for the beginning of an answer, or for the end of the pipe.

        Raises
        ------
        EOFError
            The process was abandoned: its end of the pipe may stay open for ever.
        """
        if (
            sys.platform == "win32"
        ):  # There, pipes cannot be waited for, and processes can be ended.
            return
        poll = select.poll()
        poll.register(self._replies, select.POLLIN)
        while not poll.poll(_LOOK * 1000):
            if self._abandoned:
                raise EOFError

    def _failure(self, ending: _Ending | None, timeout: float) -> WorkerError:
        """Return the error for a broken exchange, after the process has ended."""
        subject = f"the {self._name} worker"
        if ending is _Ending.STOPPED:
            return WorkerStoppedError(f"{subject} was stopped")
        if ending is _Ending.OVERDUE:
            message = f"{subject} showed no progress for {timeout:g} s and was ended"
            is_busy = self._spent_since >= _BUSY * timeout
            overdue = WorkerOverdueError if is_busy else WorkerTimeoutError
            return overdue(message, details=self._last_words)
        if ending is _Ending.TOO_LARGE:
            message = f"{subject} took more than {self._most_bytes / 1e6:,.0f} MB and was ended"
            return WorkerMemoryError(message, details=self._last_words)
        if self._popen.returncode is None:
            return WorkerCrashedError(f"{subject} closed its pipe and cannot be ended")
        if self._popen.returncode == OVERDUE:
            message = f"{subject} gave up what took too much processor time"
            return WorkerOverdueError(message, details=self._last_words)
        fate, hint = _exit_reason(self._popen.returncode)
        kind = WorkerKilledError if -self._popen.returncode in _FROM_OUTSIDE else WorkerCrashedError
        return kind(f"{subject} {fate}", hint, self._last_words)


def _exit_reason(code: int) -> tuple[str, str]:
    """Return how a process with this exit code ended, and a hint."""
    if code >= 0:
        return f"ended with exit code {code}", ""
    try:
        name = signal.Signals(-code).name
    except ValueError:  # Real-time signals have no name.
        name = f"signal {-code}"
    if name == "SIGKILL":
        return "was killed by SIGKILL", "the computer may have run out of memory"
    return f"was killed by {name}", ""


def _open_log(path: Path | None) -> IO[bytes]:
    if path is not None:
        try:
            private_folder(path.parent)
            if path.exists() and path.stat().st_size > _LONGEST_LOG:
                path.replace(path.with_name(f"{path.name}.old"))
            descriptor = open_private(path, os.O_RDWR | os.O_APPEND)
            return os.fdopen(descriptor, "r+b", buffering=0)
        except OSError as error:  # A read-only library can still be searched.
            _logger.info("%s cannot be written, so the worker has no log: %s", path, error)
    import tempfile

    return tempfile.TemporaryFile(buffering=0)


def _tail(file: IO[bytes], start: int) -> str:
    """Return the end of ``file``, at most from ``start``."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(start, end - _LONGEST_DETAILS))
    return file.read().decode(errors="replace").strip()


def _lower_priority(pid: int, name: str) -> None:
    import psutil  # Slow to import.

    try:
        process = psutil.Process(pid)
        if sys.platform == "win32":
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
            process.ionice(psutil.IOPRIO_LOW)
        else:
            process.nice(max(process.nice(), _NICENESS))  # Never above the parent's priority.
            if sys.platform == "linux":
                # The lowest best-effort level: the idle class may starve.
                process.ionice(psutil.IOPRIO_CLASS_BE, 7)
    except (psutil.Error, OSError) as error:
        _logger.warning("the %s worker runs at normal priority: %s", name, error)
