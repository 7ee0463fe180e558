"""What the daemon does in quiet moments: keep the index fitting, build its graph, free memory.

It does so in a thread of its own and in child processes of low priority, so that neither answers
nor new photos wait for it.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from photofind.errors import LockedError, PhotofindError, WorkerStoppedError
from photofind.indexing.index_maintenance.builder import builder
from photofind.indexing.index_maintenance.maintenance import (
    build_graph,
    keep_index,
    space_wants_graph,
)
from photofind.indexing.indexer import Indexer
from photofind.library.store import Store
from photofind.model import Event, Progress
from photofind.paths import Home
from photofind.system.memory import trim_heap
from photofind.system.power import on_battery
from photofind.workers import Worker

__all__ = ["IndexMaintainer"]

log = logging.getLogger(__name__)

# A moment is quiet when there has been nothing to index for so long ...
QUIET_SECONDS = 2.0
# ... and, for what takes minutes of processor time, no query either.
CALM_SECONDS = 10.0
# Fewer changes than this can wait so long to be written to the index: queries take them in.
FEW = 64
LATEST_SECONDS = 15 * 60.0
# A builder that was killed or failed is tried again after so long, so many times.
RETRY_SECONDS, MOST_FAILURES = 5.0, 6
# A library that grows for hours gets an index in between whenever it has grown by half.
GROWTH = 1.5


@dataclass(frozen=True)
class _Maintained:
    """How a space was when its index was last maintained, and when that was."""

    contents: int = 0
    fresh: int = 0
    gone: int = 0
    time: float = -math.inf


class IndexMaintainer:
    """Keeps the indexes of a library fitting, and memory free, in quiet moments.

    Parameters
    ----------
    store
        Open for writing.
    home
        Where the library is.
    indexer
        Does the indexing, which comes first.
    release
        Releases the memory that answering takes.
    idle_seconds
        Returns after how long without a query ``release`` is called.
    tell
        Called with every event.
    spare
        Called in calm moments, again and again, with which nothing else is to be done; does a
        little of what was left, and returns whether that is all.

    Notes
    -----
    Any thread may call any method. One at a time maintains an index; what tells the thread that
    there is something to do is kept under a condition.
    """

    def __init__(
        self,
        store: Store,
        home: Home,
        indexer: Indexer,
        release: Callable[[], None],
        idle_seconds: Callable[[], float],
        tell: Callable[[Event], None] = lambda event: None,
        spare: Callable[[], bool] = lambda: True,
    ) -> None:
        self._store = store
        self._home = home
        self._indexer = indexer
        self._release = release
        self._idle_seconds = idle_seconds
        self._tell = tell
        self._spare = spare
        self._has_spare = False
        self._changed = threading.Condition()
        self._stopping = False
        self._library_changed = True  # Since it was last maintained.
        self._maintained: dict[str, _Maintained] = {}
        self._verified = False  # Whether all embeddings were, once.
        self._queried = time.monotonic()  # When the last query came.
        self._released = False
        self._worker: Worker | None = None
        self._failures, self._retry = 0, 0.0
        self._maintaining = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="index maintainer", daemon=True)
        self.activity: Progress | None = None
        self.problems: list[str] = []

    def start(self) -> None:
        """Begin to wait for quiet moments."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, in the middle of a build too; an index is published whole or not at all."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self.interrupt()
        if self._thread.is_alive():
            self._thread.join()

    def interrupt(self) -> None:
        """End a build that is under way; it starts again in the next quiet moment."""
        if (worker := self._worker) is not None:
            worker.stop()

    def library_changed(self, *, rebuild: bool = False) -> None:
        """Note that the library changed; with ``rebuild``, that its indexes did too."""
        with self._changed:
            self._library_changed = True
            if rebuild:
                self._maintained.clear()
            self._changed.notify_all()

    def queried(self) -> None:
        """Note that a query came."""
        self._queried = time.monotonic()
        self.opened()

    def left_something(self) -> None:
        """Note that there is something to be done in calm moments."""
        with self._changed:
            self._has_spare = True
            self._changed.notify_all()

    def opened(self) -> None:
        """Note that what answering takes was opened; it is released when no queries come."""
        if self._released:
            with self._changed:
                self._released = False
                self._changed.notify_all()

    @property
    def processes(self) -> list[int]:
        """The process ids of children that build now."""
        worker = self._worker
        return [pid] if worker is not None and (pid := worker.pid) is not None else []

    def maintain(self, *, graph: bool) -> list[str]:
        """Bring the indexes up to date now, with their graphs if wanted; return the problems met.

        Raises
        ------
        PhotofindError
            The disk refused, or the build was interrupted.
        """
        problems: list[str] = []
        with self._maintaining:
            for space in self._indexer.spaces:
                problems += self._keep_index(space)
                while graph and space_wants_graph(self._store, space):
                    problems += self._build_graph(space)
        return problems

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._stopping:
                    self._changed.wait(self._seconds_to_wait())
                if self._stopping:
                    return
            try:
                if time.monotonic() >= self._retry:
                    self._use_quiet_moment()
                    self.problems, self._failures = [], 0
            except (WorkerStoppedError, LockedError):
                continue  # Interrupted, or another process builds; there will be another moment.
            except PhotofindError as error:
                self._note_failure(error)
            except Exception as error:
                log.exception("the index could not be maintained")
                self._note_failure(PhotofindError(f"the index could not be maintained: {error}"))

    def _note_failure(self, error: PhotofindError) -> None:
        log.error("%s", error)
        self.problems = [str(error)]
        self._failures += 1
        self._retry = time.monotonic() + RETRY_SECONDS * self._failures
        # What fails again and again is not tried again before something changes.
        self._library_changed = self._failures < MOST_FAILURES

    def _seconds_to_wait(self) -> float | None:
        """Return the seconds until there may be something to do; None for ever."""
        now = time.monotonic()
        waits = []
        if self._library_changed:
            waits.append(max(QUIET_SECONDS, self._retry - now))
        if self._has_spare:
            calm = self._queried + CALM_SECONDS - now
            waits.append(max(calm, 0.1 if self._is_calm() else CALM_SECONDS))
        if not self._released:
            waits.append(max(QUIET_SECONDS, self._queried + self._idle_seconds() - now))
        return min(waits, default=None)

    def _use_quiet_moment(self) -> None:
        if not self._released and time.monotonic() - self._queried >= self._idle_seconds():
            self._released = True
            self._release()
            self._release_memory()
        if self._indexer.paused:
            return
        if not self._library_changed:
            if self._has_spare and self._is_calm():
                self._has_spare = not self._spare()
            return
        if not self._verified and self._indexer.idle:
            self._verified = True
            if self._store.verify():
                self._indexer.scan(folder.path for folder in self._store.folders())
        version, is_idle = self._store.version, self._indexer.idle
        done = [self._use_moment_for(space, is_idle=is_idle) for space in self._indexer.spaces]
        if is_idle and all(done) and version == self._store.version:
            self._library_changed = False
            self._release_memory()

    def _use_moment_for(self, space: str, *, is_idle: bool) -> bool:
        """Do what the index of a space needs and the moment allows; return whether that is all."""
        last, now = self._maintained.get(space, _Maintained()), self._measure(space)
        if is_idle or now.contents > max(GROWTH * last.contents, last.contents + 1000):
            changed = max(
                abs(now.contents - last.contents),
                abs(now.fresh - last.fresh) + abs(now.gone - last.gone),
            )
            is_late = now.time - last.time > LATEST_SECONDS
            if changed >= FEW or (changed and is_late) or space not in self._maintained:
                if is_idle:
                    self._indexer.reclaim()
                with self._maintaining:
                    self._keep_index(space)
        if not is_idle or not space_wants_graph(self._store, space):
            return is_idle
        if self._is_calm():
            with self._maintaining:
                self._build_graph(space)
            return not space_wants_graph(self._store, space)
        return False

    def _is_calm(self) -> bool:
        is_calm = time.monotonic() - self._queried > CALM_SECONDS
        is_free = self._indexer.idle and not self._indexer.paused
        return is_calm and is_free and not on_battery()

    def _measure(self, space: str) -> _Maintained:
        contents, index = self._store.space_counts(space).contents, self._store.index(space)
        if index is None:
            return _Maintained(contents, time=time.monotonic())
        return _Maintained(contents, index.fresh, index.gone, time.monotonic())

    def _keep_index(self, space: str) -> list[str]:
        with self._builder() as worker:
            try:
                return keep_index(self._store, space, worker, self._say)
            finally:
                self._maintained[space] = self._measure(space)

    def _build_graph(self, space: str) -> list[str]:
        with self._builder() as worker:
            self._say("building the graph")
            return build_graph(self._store, space, worker)

    @contextmanager
    def _builder(self) -> Iterator[Worker]:
        with builder(self._home) as worker:
            self._worker = worker
            try:
                yield worker
            finally:
                self._worker = None
                self._say(None)

    def _release_memory(self) -> None:
        self._store.release_memory()
        trim_heap()

    def _say(self, phase: str | None) -> None:
        self.activity = None if phase is None else Progress(phase, 0)
        self._tell(Event("activity", self.activity))
