"""Thumbnails of photos for the page: made in a worker, and cached on disk."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from queue import LifoQueue
from typing import TYPE_CHECKING

from photofind.app.file_cache import FileCache
from photofind.errors import (
    ImageError,
    VeryLargeError,
    WorkerError,
    WorkerKilledError,
    WorkerStoppedError,
)
from photofind.images.limits import DEFAULT_LIMITS, SPARE_BYTES, Limits
from photofind.system.reach import Reach, read_through
from photofind.workers import Reply, Worker, isolate

if TYPE_CHECKING:
    from typing import Any, Self

__all__ = ["FULL_SIZE", "Thumbnails"]

FULL_SIZE = 2048
"""The longer side of what `Thumbnails.full` returns, in pixels, at most."""

_WORKERS = min(max(os.cpu_count() or 1, 2), 4)
"""Processes that make thumbnails at once at most; each is started when all others are busy."""

_VERSION = 1
"""Of how thumbnails are made: those that were made otherwise are not found any more."""

_FATAL_SECONDS, _MOST_FATAL = 600.0, 1000
"""How long it is remembered which photos take their worker down, and how many of them."""

_VERY_LARGE = "very large"
"""What an ordinary worker answers for a photo that waits for its turn."""

_MOST_VERY_LARGE = 10_000
"""How many photos are remembered to be very large."""

_logger = logging.getLogger(__name__)


class Thumbnails:
    """Makes JPEGs of photos and keeps them.

    Threads may share it. Photos are decoded in workers alone: if one crashes or hangs its worker,
    that is an error of the one call.

    Parameters
    ----------
    folder
        Where they are kept; it can be removed at any time.
    limits
        The largest photo that is read.
    seconds
        A photo that takes longer is given up.
    idle_seconds
        The workers end after so long without work; None is never.
    log
        Where the workers' messages are appended.
    largest_bytes
        What is kept on disk at most: the least recently used go first.
    reach
        Knows which folders do not answer: a photo in one is not waited for.
    turn
        The file by which processes take turns at very large photos; one beside the folder by
        default.
    waits
        Whether a thumbnail of a very large photo, which waits for its turn, is made at once.
        Otherwise it is made when it is asked for again, after a :class:`VeryLargeError`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limits: Limits = DEFAULT_LIMITS,
        seconds: float = 60.0,
        idle_seconds: float | None = 60.0,
        log: Path | None = None,
        largest_bytes: int = 500_000_000,
        reach: Reach | None = None,
        turn: Path | None = None,
        waits: bool = True,
    ) -> None:
        self._reach = reach or Reach()
        self._cache = FileCache(folder, largest_bytes)
        self._seconds = seconds
        self._waits = waits
        turn = turn or folder.with_name(f"{folder.name}.lock")
        self._very_large_worker, *ordinary = self._workers = [
            Worker(
                "photofind.images.thumbnails:ThumbnailService",
                name="thumbnails",
                options={**asdict(limits), "turn": str(turn) if number == 0 else None},
                idle_seconds=idle_seconds,
                low_priority=False,
                log=log,
                most_bytes=(limits.memory + SPARE_BYTES) / 2,  # Twice that during a call.
            )
            for number in range(1 + _WORKERS)
        ]
        # The one that was used last is used next, so that the others can end.
        self._free: LifoQueue[Worker] = LifoQueue()
        for worker in ordinary:
            self._free.put(worker)
        self._lock = threading.Lock()  # Held to look at, and to change, what follows.
        self._under_way: dict[str, Future[bytes]] = {}
        self._fatal: dict[str, tuple[float, str]] = {}
        self._very_large: set[str] = set()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers, and the calls that wait for them; what is kept can still be had."""
        self._closed = True
        for worker in self._workers:
            worker.stop()

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers that are running."""
        return [pid for worker in self._workers if (pid := worker.pid) is not None]

    def get(self, path: str, size: int, stamp: tuple[int, int]) -> bytes:
        """Return a JPEG of a photo: upright, in sRGB, transparency on white.

        Parameters
        ----------
        path
            The photo.
        size
            Its longer side at most, in pixels; a smaller photo is not enlarged.
        stamp
            Size, in bytes, and time of last change, in nanoseconds, of the file as it is known. One
            that is kept is returned for the same stamp though the file may be out of reach.

        Raises
        ------
        ImageError
            The photo cannot be read.
        VeryLargeError
            It has to wait for its turn: ask again, and wait.
        NotAnsweringError
            Its folder does not answer.
        WorkerError
            The worker cannot be started or was killed from outside, or :meth:`close` was called.
        """
        key = _key(path, size, stamp)
        with self._lock:
            coming = self._under_way.get(key)
            if coming is None:
                mine = self._under_way[key] = Future[bytes]()
        if coming is not None:  # Another thread is at it.
            return coming.result()
        try:
            made = self._cache.get(key)
            if made is None:
                made, found = self._make(key, path, size)
                if found == stamp:
                    self._cache.put(key, made)
            mine.set_result(made)
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._under_way[key]
        return made

    def kept(self, path: str, size: int, stamp: tuple[int, int]) -> bytes:
        """Return a JPEG that was made before, of a photo that is away; as :meth:`get`."""
        made = self._cache.get(_key(path, size, stamp))
        if made is None:
            raise ImageError("its drive is not connected")
        return made

    def full(self, path: str) -> bytes:
        """Return a large JPEG of a photo in a format that browsers do not show; as :meth:`get`."""
        try:
            status = self._reach.call(path, os.stat, path)
        except (OSError, ValueError) as error:
            raise ImageError("there is no such file, or not at the moment") from error
        return self.get(path, FULL_SIZE, (status.st_size, status.st_mtime_ns))

    def _make(self, key: str, path: str, size: int) -> tuple[bytes, Any]:
        """Make a JPEG in a worker; return it and the stamp of the file, if it has one."""
        failed, reason = self._fatal.get(key, (-math.inf, ""))
        if time.monotonic() - failed < _FATAL_SECONDS:  # It would take as long, and fail, again.
            raise ImageError(reason)

        def run(paths: list[str], note: Any) -> Reply:
            (path,) = paths
            return worker.call(
                "make", timeout=self._seconds, note=note, suspect=suspect, path=path, size=size
            )

        def suspect() -> None:
            with suppress(OSError):
                self._reach.read(path, partial(read_through, path))

        self._reach.check(path)
        self._reach.call(path, os.path.lexists, path)  # Occupies no worker with a silent folder.
        outcome: Reply | WorkerError | None = None
        if key not in self._very_large:
            with self._borrowed() as worker:
                ((_, outcome),) = isolate([path], run)  # Tries again if a worker was killed.
            if isinstance(outcome, Reply) and outcome.value == _VERY_LARGE:
                self._remember(key)
                if not self._waits:
                    raise VeryLargeError("a very large photo, which waits for its turn")
                outcome = None
        if outcome is None:
            worker = self._very_large_worker
            ((_, outcome),) = isolate([path], run)
        if not isinstance(outcome, WorkerError):
            return outcome.arrays[0].tobytes(), outcome.value and tuple(outcome.value)
        _logger.warning("%s: %s\n%s", path, outcome, outcome.details)
        if isinstance(outcome, WorkerKilledError):  # The photo is not to blame.
            raise outcome
        reason = f"cannot be shown: {outcome.message}"
        with self._lock:
            if len(self._fatal) == _MOST_FATAL:
                self._fatal.clear()
            self._fatal[key] = time.monotonic(), reason
        raise ImageError(reason) from outcome

    def _remember(self, key: str) -> None:
        with self._lock:
            if len(self._very_large) == _MOST_VERY_LARGE:
                self._very_large.clear()
            self._very_large.add(key)

    @contextmanager
    def _borrowed(self) -> Iterator[Worker]:
        worker = self._free.get()
        try:
            if self._closed:
                raise WorkerStoppedError("the thumbnails worker was stopped", "try again")
            yield worker
        finally:
            self._free.put(worker)
            if self._closed:
                worker.stop()


def _key(path: str, size: int, stamp: tuple[int, int]) -> str:
    """Return the name of the file that keeps a thumbnail."""
    photo = f"{_VERSION} {size} {stamp[0]} {stamp[1]} ".encode() + os.fsencode(path)
    return hashlib.blake2b(photo, digest_size=16).hexdigest()
