"""One child process, from its start to its end, seen from the parent."""

from __future__ import annotations

import logging
import math
import os
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
    WorkerMemoryError,
    WorkerStoppedError,
    WorkerTimeoutError,
)
from photofind.paths import private_folder
from photofind.workers import frames

if TYPE_CHECKING:
    from io import FileIO

__all__ = ["Process"]

_PATIENCE = 1.0  # Seconds between asking a process to leave, telling it to, and killing it.
_LONGEST_LOG = 2**20  # Bytes after which a log is set aside for a new one.
_LONGEST_DETAILS = 4096  # Bytes of a process's last words that go with an error.
_NICENESS = 10
_LOOK_AT_MEMORY = 0.25  # Seconds between two looks at the memory of a process that has a bound.

_logger = logging.getLogger(__name__)


class _Ending(Enum):
    """Why this side ended the process."""

    OVERDUE = "showed no progress"
    GREEDY = "took too much memory"
    IDLE = "had nothing to do"
    STOPPED = "was stopped"


class _BrokenPipe(Exception):
    """The process can no longer be spoken to."""


class Process:
    """A running ``photofind.workers.child`` and the pipes to it.

    One thread at a time speaks to the process: it takes it with :meth:`claim`, calls
    :meth:`exchange`, and gives it back with :meth:`release`. Any thread may :meth:`end` it. A
    thread of its own ends the process when an exchange, or the idleness after it, lasts too long.

    Parameters
    ----------
    name
        What the process is called in messages: "extraction", say.
    environment
        Variables beside, or instead of, those of this process.
    low_priority
        Whether other programs go first, for processor and disk.
    log
        Where its standard error is appended; a temporary file by default.
    most_bytes
        It is ended when it holds more memory than this (resident) in an exchange.
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
        # -P: a module in the current folder, which may be one of photos, is never imported.
        # utf8: names of files stand for the same bytes on both sides.
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
        self._changed = threading.Condition()
        self._claimed = False
        self._deadline = math.inf
        self._awake = math.inf  # When the watch looks at the deadline again.
        self._ending: _Ending | None = None
        self._last_words = ""
        if low_priority:
            # Before the first message, so that all threads that the service starts inherit it.
            _lower_priority(self._popen.pid, name)
        threading.Thread(target=self._watch, name=f"{name} worker watch", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended; one that has is reaped by looking."""
        return self._popen.poll() is None

    def memory(self) -> int:
        """Return the bytes that the process holds in memory (resident), 0 where it has ended."""
        import psutil

        try:
            return int(psutil.Process(self.pid).memory_info().rss) if self.running else 0
        except psutil.Error:
            return 0

    def claim(self) -> bool:
        """Take the process for an exchange; False where it has ended or is being ended."""
        with self._changed:
            if self._ending is not None or not self.running:
                return False
            self._claimed = True
            self._deadline = math.inf
            if self._most_bytes < math.inf:
                self._changed.notify()  # To look at its memory from now on.
            return True

    def release(self, idle_seconds: float | None) -> None:
        """Give the process back; without another claim in ``idle_seconds`` it is ended."""
        with self._changed:
            self._claimed = False
            self._set_deadline(idle_seconds)

    def exchange(
        self,
        request: Sequence[memoryview],
        timeout: float,
        note: Callable[[Any], None] | None = None,
    ) -> frames.Frame:
        """Send an encoded frame and return the answer to it; pass the notes in between on.

        The process does not outlive an exchange that fails, whatever the reason: it might be out
        of step.

        Raises
        ------
        WorkerTimeoutError
            After ``timeout`` seconds without a note or the answer.
        WorkerCrashedError
            If the process ended.
        WorkerMemoryError
            If it held more memory than it may.
        WorkerStoppedError
            If another thread ended it.
        """
        try:
            self._expect_within(timeout)
            self._send(request)
            while "note" in (answer := self._receive()).message:
                if note is not None:
                    self._expect_within(None)  # The time that the parent takes is its own.
                    note(answer.message["note"])
                self._expect_within(timeout)
        except BaseException as error:
            ending = self._ending
            self.discard()
            if isinstance(error, _BrokenPipe):
                raise self._failure(ending, timeout) from error
            raise
        self._expect_within(None)
        return answer

    def end(self) -> None:
        """End the process: close its input if nobody is using it, then terminate, then kill."""
        with self._changed:
            self._ending = self._ending or _Ending.STOPPED
            self._changed.notify()
            claimed = self._claimed
        steps = [self._popen.terminate, self._popen.kill]
        if not claimed:
            steps.insert(0, self._requests.close)
        for step in steps:
            step()
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(_PATIENCE)
                break
        if not claimed:
            with self._changed:
                self._replies.close()
                if not self._log.closed:
                    self._last_words = _tail(self._log, self._log_start)
                    self._log.close()

    def discard(self) -> None:
        """Give the process back and end it."""
        self.release(None)
        self.end()

    def _expect_within(self, seconds: float | None) -> None:
        with self._changed:
            self._set_deadline(seconds)

    def _set_deadline(self, seconds: float | None) -> None:
        self._deadline = math.inf if seconds is None else time.monotonic() + seconds
        if self._deadline < self._awake:  # Later ones are seen then; waking costs each call.
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while self._ending is None:
                remaining = self._deadline - time.monotonic()
                if remaining <= 0:
                    self._ending = _Ending.OVERDUE if self._claimed else _Ending.IDLE
                    break
                longest = threading.TIMEOUT_MAX
                if self._claimed and self._most_bytes < math.inf:
                    if self.memory() > self._most_bytes:
                        self._ending = _Ending.GREEDY
                        break
                    longest = _LOOK_AT_MEMORY
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
            return frames.receive(self._replies)
        except (EOFError, OSError, ValueError) as error:
            raise _BrokenPipe from error

    def _failure(self, ending: _Ending | None, timeout: float) -> WorkerError:
        """Return the error for an exchange that broke off, now that the process has ended."""
        subject = f"the {self._name} worker"
        if ending is _Ending.STOPPED:
            return WorkerStoppedError(f"{subject} was stopped")
        if ending is _Ending.OVERDUE:
            message = f"{subject} showed no progress for {timeout:g} s and was ended"
            return WorkerTimeoutError(message, details=self._last_words)
        if ending is _Ending.GREEDY:
            message = f"{subject} took more than {self._most_bytes / 1e6:,.0f} MB and was ended"
            return WorkerMemoryError(message, details=self._last_words)
        fate, hint = _describe_exit(self._popen.returncode)
        return WorkerCrashedError(f"{subject} {fate}", hint, self._last_words)


def _describe_exit(code: int) -> tuple[str, str]:
    """Return what became of a process that ended with ``code``, and a hint."""
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
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            return os.fdopen(descriptor, "r+b", buffering=0)
        except OSError as error:  # A library that can only be read can still be searched.
            _logger.info("%s cannot be written, so its worker keeps no log: %s", path, error)
    import tempfile

    return tempfile.TemporaryFile(buffering=0)


def _tail(file: IO[bytes], start: int) -> str:
    """Return the last lines of ``file``, from ``start`` at the earliest."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(start, end - _LONGEST_DETAILS))
    return file.read().decode(errors="replace").strip()


def _lower_priority(pid: int, name: str) -> None:
    import psutil  # Takes longer to import than all of this room.

    try:
        process = psutil.Process(pid)
        if sys.platform == "win32":
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
            process.ionice(psutil.IOPRIO_LOW)
        else:
            process.nice(max(process.nice(), _NICENESS))  # Never ahead of its parent.
            if sys.platform == "linux":
                # The lowest of the ordinary class: the idle class may never get its turn.
                process.ionice(psutil.IOPRIO_CLASS_BE, 7)
    except (psutil.Error, OSError) as error:
        _logger.warning("the %s worker keeps its normal priority: %s", name, error)
