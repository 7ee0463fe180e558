"""A worker: a service that lives in a child process of its own, started when it is called."""

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

if TYPE_CHECKING:
    from typing import Self

    import numpy as np

__all__ = ["Reply", "Worker"]


class Reply(NamedTuple):
    """What a method of a service returned.

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
    """A service in a child process, started at the first call and after each end at the next.

    Parameters
    ----------
    service
        ``"package.module:Class"``. The child imports the module and makes one ``Class(**options)``
        whose methods are called. A method takes arrays by position and JSON by keyword, and
        returns JSON or a tuple of JSON and a list of arrays. One that has a parameter ``note``
        gets a callable there that sends JSON to the parent as a sign of progress; so does the
        constructor.
    name
        What the worker is called in messages: "extraction", say.
    options
        JSON for the service's constructor.
    idle_seconds
        The child is ended, and its memory given back, after so long without a call.
    low_priority
        Whether other programs go first, for processor and disk.
    environment
        Variables beside, or instead of, those of this process.
    log
        Where the child's standard error is appended. Set aside as ``*.old`` when over 1 MB.
    start_seconds
        How long the child may take to import and make the service, without a sign of progress.
    most_bytes
        The child is ended when it holds more memory than this (resident) after a call, or twice
        as much in a call.

    Attributes
    ----------
    memory_restarts : int
        How often a child was ended for its memory after a call.

    Notes
    -----
    Threads may share a worker: calls take turns. A worker that is collected, or left at the end
    of the program, takes its child with it.
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
        self._idle_seconds = idle_seconds
        self._low_priority = low_priority
        self._environment = dict(environment or {})
        self._log = log
        self._start_seconds = start_seconds
        self._most_bytes = most_bytes
        self._calling = threading.Lock()  # Held for a call.
        self._starting = threading.Lock()  # Held to look at, and to change, what follows.
        self._process: Process | None = None
        self._finalizer: weakref.finalize[[], Worker]
        self.memory_restarts = 0
        self._stops = 0  # How often this worker was stopped; calls made before are void.

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether there is a child process now."""
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int | None:
        """The child's process id, None where none is running."""
        process = self._process
        return process.pid if process is not None and process.running else None

    def memory(self) -> int:
        """Return the bytes that the child holds in memory (resident), 0 where none is running."""
        process = self._process
        return process.memory() if process is not None else 0

    def call(
        self,
        method: str,
        /,
        *arrays: np.ndarray,
        timeout: float,
        note: Callable[[Any], None] | None = None,
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
            Seconds without a sign of progress, which every note is, after which the child is
            ended. Waiting for other calls, and for the child to start, does not count.
        note
            Called in this thread with the JSON of each note that the method sends.
        **arguments
            JSON.

        Raises
        ------
        PhotofindError
            If the method raised one: the same class, or the nearest that ``photofind.errors``
            has.
        WorkerError
            If the method raised anything else; the traceback is in ``details``.
        WorkerCrashedError
            If the child ended, by itself or by a signal.
        WorkerMemoryError
            If the child held more memory than it may.
        WorkerTimeoutError
            If ``timeout`` passed.
        WorkerStartError
            If the child could not be started or make the service.
        WorkerStoppedError
            If :meth:`stop` was called meanwhile.
        TypeError, ValueError
            If the arguments cannot be sent.
        """
        if not 0 < timeout <= threading.TIMEOUT_MAX:
            raise ValueError(f"a time-out of {timeout} s is none")
        stops = self._stops
        message: dict[str, JSON] = {"method": method, "arguments": arguments, "timeout": timeout}
        request = frames.encode(message, arrays)
        with self._calling:
            process = self._process
            if process is None or not process.claim():
                process = self._start(stops)
            answer = process.exchange(request, timeout, note)
            if self._most_bytes < math.inf and process.memory() > self._most_bytes:
                self.memory_restarts += 1
                process.discard()
            else:
                process.release(self._idle_seconds)
        return _unwrap(answer)

    def stop(self) -> None:
        """End the child where there is one, and the calls under way or waiting with it.

        It is asked first, then told, then killed; a later call starts a new one.
        """
        with self._starting:
            self._stops += 1
            process = self._process
        if process is not None:
            process.end()

    def _start(self, stops: int) -> Process:
        """Start a child, make the service in it, and return it claimed."""
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
                self._process.end()  # It has ended already; what it held is let go.
                self._finalizer.detach()
            try:
                self._process = Process(
                    name=self._name,
                    environment=self._environment,
                    low_priority=self._low_priority,
                    log=self._log,
                    most_bytes=2 * self._most_bytes,
                )
            except OSError as error:
                raise WorkerStartError(f"the {self._name} worker did not start: {error}") from error
            self._finalizer = weakref.finalize(self, self._process.end)
            return self._process


def _unwrap(answer: frames.Frame) -> Reply:
    if "error" in answer.message:
        description = answer.message["error"]
        kind = getattr(errors, description.pop("type"))
        raise kind(**description)
    return Reply(answer.message["value"], answer.arrays)
