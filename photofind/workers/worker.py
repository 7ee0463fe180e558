"""A worker: a service in a child process, started on demand."""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from photofind import errors
from photofind.errors import (
    PhotofindError,
    WorkerError,
    WorkerStartError,
    WorkerStoppedError,
)
from photofind.workers import frames
from photofind.workers.frames import JSON
from photofind.workers.process import Process
from photofind.workers.suspicion import Suspicion

if TYPE_CHECKING:
    from typing import Self

    import numpy as np

__all__ = ["ONE_BLAS_THREAD", "Reply", "Worker"]

ONE_BLAS_THREAD = {"OPENBLAS_NUM_THREADS": "1", "VECLIB_MAXIMUM_THREADS": "1"}
"""The environment of a worker whose own threads share the work, and multiply small matrices only.

The threads of BLAS wait for each other by spinning. Where they have little to do, as for the
fingerprint of a photo, they take the processors from the threads that read and embed photos.
"""


class Reply(NamedTuple):
    """The result of a method of a service.

    Attributes
    ----------
    value
        JSON.
    arrays
        Numeric arrays, writable.
    """

    value: Any
    arrays: list[np.ndarray]


class Worker:
    """A service in a child process, which is started, or started again, when it is called.

    Parameters
    ----------
    service
        ``"package.module:Class"``. The child imports the module and creates ``Class(**options)``,
        whose methods are called. A method takes arrays by position and JSON by keyword, and
        returns JSON or a tuple of JSON and a list of arrays. If a method or the constructor has a
        parameter ``note``, it gets a callable that sends JSON to the parent as a sign of progress.
    name
        The name of the worker in messages, such as "extraction".
    options
        JSON for the service's constructor.
    idle_seconds
        Idle time after which the child is ended to free its memory.
    low_priority
        Whether the child runs at low priority for CPU and disk.
    environment
        Environment variables to add to, or replace in, those of this process.
    log
        The file to which the child's standard error is appended; rotated to ``*.old`` above 1 MB.
    start_seconds
        Longest time to import and create the service without a sign of progress.
    most_bytes
        Limit of the child's resident memory after a call; during a call it is twice this. A child
        above the limit is ended.

    Attributes
    ----------
    idle_seconds : float or None
        As given; another value holds from the end of the next call.
    memory_restarts : int
        How often a child was ended after a call because of its memory.

    Notes
    -----
    Threads may share a worker: calls take turns. The child ends when the worker is collected or the
    program exits.
    """

    def __init__(
        self,
        service: str,
        *,
        name: str,
        options: Mapping[str, JSON] | None = None,
        idle_seconds: float | None = None,
        low_priority: bool = True,
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
        start_seconds: float = 120.0,
        most_bytes: float = math.inf,
    ) -> None:
        self._service = service
        self._name = name
        self._options = dict(options or {})
        self.idle_seconds = idle_seconds
        self._low_priority = low_priority
        self._environment = dict(environment or {})
        self._log = log
        self._start_seconds = start_seconds
        self._most_bytes = most_bytes
        self._calling = threading.Lock()  # Held during a call.
        self._starting = threading.Lock()  # Guards the attributes below.
        self._process: Process | None = None
        self._finalizer: weakref.finalize[[], Worker]
        self.memory_restarts = 0
        self._stops = 0  # Number of calls of stop(); calls made before one are cancelled.

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether a child process is running."""
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int | None:
        """The child's process id; None if none is running."""
        process = self._process
        return process.pid if process is not None and process.running else None

    def memory(self) -> int:
        """Return the resident memory of the child in bytes; 0 if none is running."""
        process = self._process
        return process.memory() if process is not None else 0

    def call(
        self,
        method: str,
        /,
        *arrays: np.ndarray,
        timeout: float,
        note: Callable[[Any], None] | None = None,
        suspect: Callable[[], None] | None = None,
        **arguments: JSON,
    ) -> Reply:
        """Call a method of the service and return what it returns.

        Parameters
        ----------
        method
            The method's name.
        *arrays
            Numeric arrays of any shape.
        timeout
            Seconds without a sign of progress (a note) after which the child is ended. Waiting for
            other calls, and for the child to start, does not count.
        note
            Called in this thread with each note that the method sends.
        suspect
            Called in another thread, now and then, while there is no sign of progress. If it
            raises a :class:`~photofind.errors.PhotofindError`, the child is ended, and the call
            raises that error.
        **arguments
            JSON.

        Raises
        ------
        PhotofindError
            If the method or ``suspect`` raised one: the same class, or its nearest base class in
            ``photofind.errors``.
        WorkerError
            If the method raised any other exception; the traceback is in ``details``.
        WorkerCrashedError
            If the child exited or was killed.
        WorkerKilledError
            If it was killed from outside.
        WorkerMemoryError
            If the child exceeded its memory limit.
        WorkerOverdueError
            If what the method worked on took more processor time than it may.
        WorkerResourceError
            If the method lacked memory, threads or descriptors.
        WorkerTimeoutError
            If there was no sign of progress for ``timeout`` seconds.
        WorkerStartError
            If the child or the service could not be started.
        WorkerStoppedError
            If :meth:`stop` was called during the call.
        TypeError, ValueError
            If the arguments cannot be encoded.
        """
        if not 0 < timeout <= threading.TIMEOUT_MAX:
            raise ValueError(f"a time-out of {timeout} s is out of range")
        stops = self._stops
        message: dict[str, JSON] = {"method": method, "arguments": arguments, "timeout": timeout}
        request = frames.encode(message, arrays)
        with self._calling:
            process = self._process
            if process is None or not process.claim():
                process = self._start(stops)
            if suspect is None:
                answer = process.exchange(request, timeout, note)
            else:
                answer = Suspicion(process, suspect).exchange(request, timeout, note)
            if self._most_bytes < math.inf and process.memory() > self._most_bytes:
                self.memory_restarts += 1
                process.discard()
            else:
                process.release(self.idle_seconds)
        return _unwrap(answer)

    def stop(self) -> None:
        """End the child if there is one, and cancel running and waiting calls.

        A later call starts a new child.
        """
        with self._starting:
            self._stops += 1
            process = self._process
        if process is not None:
            process.end()

    def _start(self, stops: int) -> Process:
        """Start a child, create the service in it, and return it claimed."""
        request = frames.encode(
            {
                "name": self._name,
                "service": self._service,
                "options": self._options,
                "timeout": self._start_seconds,
            }
        )
        process = self._spawn(stops)
        process.claim()
        try:
            _unwrap(process.exchange(request, self._start_seconds))
        except PhotofindError as error:
            process.discard()
            if isinstance(error, WorkerError) and not isinstance(error, WorkerStoppedError):
                raise WorkerStartError(
                    f"the {self._name} worker did not start: {error.message}",
                    error.hint,
                    error.details,
                ) from error
            raise
        return process

    def _spawn(self, stops: int) -> Process:
        with self._starting:
            if self._stops != stops:
                raise WorkerStoppedError(f"the {self._name} worker was stopped")
            if self._process is not None:
                self._process.end()  # It has ended already; this frees its pipes and log.
                self._finalizer.detach()
            try:
                self._process = Process(
                    name=self._name,
                    environment=self._environment,
                    low_priority=self._low_priority,
                    log=self._log,
                    most_bytes=2 * self._most_bytes,
                )
            except (OSError, RuntimeError) as error:  # RuntimeError: there is no thread to be had.
                raise WorkerStartError(f"the {self._name} worker did not start: {error}") from error
            self._finalizer = weakref.finalize(self, self._process.end)
            return self._process


def _unwrap(answer: frames.Frame) -> Reply:
    if "error" in answer.message:
        description = answer.message["error"]
        kind = getattr(errors, description.pop("type"))
        raise kind(**description)
    return Reply(answer.message["value"], answer.arrays)
