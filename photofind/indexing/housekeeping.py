"""What waits for a quiet moment: keeping the index fitting, building its graph, giving memory back.

It goes on in a thread of its own and in child processes of low priority, so that neither answers
nor new photos wait for it.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from filelock import FileLock, Timeout

from photofind.errors import PhotofindError, WorkerStoppedError
from photofind.indexing.indexer import Indexer
from photofind.indexing.upkeep import build_graph, builder, keep_index, wants_graph
from photofind.library.embedded.index import Index
from photofind.library.embedded.library import Library
from photofind.model import Event, Progress
from photofind.system.memory import trim_heap
from photofind.system.power import on_battery
from photofind.workers import Worker

__all__ = ["Housekeeper"]

log = logging.getLogger(__name__)

# A moment is quiet when there has been nothing to index for so long ...
QUIET_SECONDS = 2.0
# ... and, for what takes minutes of processor time, no query either.
CALM_SECONDS = 10.0
# Fewer new vectors than this can wait so long to be written to the index: queries take them in.
FEW = 64
LATEST_SECONDS = 15 * 60.0
# A builder that was killed or failed is tried again after so long, so many times.
RETRY_SECONDS, MOST_FAILURES = 5.0, 6
# A library that grows for hours is fitted in between whenever it has grown by half.
GROWTH = 1.5


@dataclass
class _Tended:
    """How a space was when its index was last looked after, and where it needs no graph."""

    rows: int = 0
    photos: int = 0
    time: float = -math.inf
    graphless: tuple[object, int] | None = None


class Housekeeper:
    """Keeps the index of a library fitting, and memory free, in quiet moments.

    Parameters
    ----------
    library
        Open for writing.
    indexer
        Does the indexing; what it does comes first.
    rest
        Lets go of the memory that answering takes.
    idle_seconds
        Tells after how long without a query ``rest`` is called.
    tell
        Told of what it does.
    """

    def __init__(
        self,
        library: Library,
        indexer: Indexer,
        rest: Callable[[], None],
        idle_seconds: Callable[[], float],
        tell: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self._library = library
        self._indexer = indexer
        self._rest = rest
        self._idle_seconds = idle_seconds
        self._tell = tell
        self._changed = threading.Condition()
        self._stopping = False
        self._touched = True  # The library changed since it was last looked after.
        self._tended: dict[str, _Tended] = {}
        self._asked = time.monotonic()  # When the last query came.
        self._resting = False
        self._worker: Worker | None = None
        self._failures, self._retry = 0, 0.0
        self._tending = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="housekeeper", daemon=True)
        self.activity: Progress | None = None
        self.problems: list[str] = []

    def start(self) -> None:
        """Begin to wait for quiet moments."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, in the middle of a build too; an index is swapped in whole or not at all."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self.interrupt()
        if self._thread.is_alive():
            self._thread.join()

    def interrupt(self) -> None:
        """End a build that is under way; it begins anew at the next quiet moment."""
        if (worker := self._worker) is not None:
            worker.stop()

    def touched(self, *, again: bool = False) -> None:
        """Note that the library changed; with ``again``, that its index may have to be built."""
        with self._changed:
            self._touched = True
            if again:
                self._tended.clear()
            self._changed.notify_all()

    def asked(self) -> None:
        """Note that a query came."""
        self._asked = time.monotonic()
        self.opened()

    def opened(self) -> None:
        """Note that what answering takes was opened; it is let go of when nobody asks."""
        if self._resting:
            with self._changed:
                self._resting = False
                self._changed.notify_all()

    @property
    def processes(self) -> list[int]:
        """The process ids of children that build now."""
        worker = self._worker
        return [pid] if worker is not None and (pid := worker.pid) is not None else []

    def tend(self, *, graph: bool) -> list[str]:
        """Bring the index up to date now, with its graph if wanted; return the problems met.

        Raises
        ------
        PhotofindError
            Where the disk refuses, or the build was interrupted.
        """
        problems: list[str] = []
        with self._tending:
            for space in self._indexer.spaces:
                problems += self._keep_index(space)
                while graph and wants_graph(self._library, space):
                    problems += self._build_graph(space)
        return problems

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._stopping:
                    self._changed.wait(self._patience())
                if self._stopping:
                    return
            try:
                if time.monotonic() >= self._retry:
                    self._take_a_moment()
                    self.problems, self._failures = [], 0
            except (WorkerStoppedError, Timeout):
                continue  # Interrupted, or another process builds; there will be another moment.
            except PhotofindError as error:
                self._fail(error)
            except Exception as error:
                log.exception("the index could not be looked after")
                self._fail(PhotofindError(f"the index could not be looked after: {error}"))

    def _fail(self, error: PhotofindError) -> None:
        log.error("%s", error)
        self.problems = [str(error)]
        self._failures += 1
        self._retry = time.monotonic() + RETRY_SECONDS * self._failures
        # What fails again and again is not tried again before something changes.
        self._touched = self._failures < MOST_FAILURES

    def _patience(self) -> float | None:
        """Return the seconds until there may be something to do; None for ever."""
        waits = []
        if self._touched:
            waits.append(max(QUIET_SECONDS, self._retry - time.monotonic()))
        if not self._resting:
            waits.append(max(QUIET_SECONDS, self._asked + self._idle_seconds() - time.monotonic()))
        return min(waits, default=None)

    def _take_a_moment(self) -> None:
        if not self._resting and time.monotonic() - self._asked >= self._idle_seconds():
            self._resting = True
            self._rest()
            self._give_back()
        if not self._touched or self._indexer.paused:
            return
        revision, is_idle = self._library.revision, self._indexer.idle
        done = [self._look_after(space, is_idle=is_idle) for space in self._indexer.spaces]
        if is_idle and all(done) and revision == self._library.revision:
            self._touched = False
            self._give_back()

    def _look_after(self, space: str, *, is_idle: bool) -> bool:
        """Do what the index of a space needs and the moment allows; return whether that is all."""
        library = self._library
        rows, photos = library.space(space).rows, len(library)
        last = self._tended.get(space, _Tended())
        if is_idle or rows > max(GROWTH * last.rows, last.rows + 1000):
            changed = abs(rows - last.rows) + max(0, last.photos - photos)
            late = time.monotonic() - last.time > LATEST_SECONDS
            if changed >= FEW or (changed and late) or space not in self._tended:
                if is_idle:
                    self._indexer.reclaim()
                with self._tending:
                    self._keep_index(space)
        if not is_idle or not self._wants_graph(space):
            return is_idle
        if time.monotonic() - self._asked > CALM_SECONDS and not on_battery():
            with self._tending:
                self._build_graph(space)
            return not self._wants_graph(space)
        return False

    def _wants_graph(self, space: str) -> bool:
        last = self._tended.setdefault(space, _Tended())
        state = (Index.stamp(self._library.space_folder(space)), self._library.revision)
        if last.graphless != state and not wants_graph(self._library, space):
            last.graphless = state
        return last.graphless != state

    def _keep_index(self, space: str) -> list[str]:
        rows, photos = self._library.space(space).rows, len(self._library)
        with builder(self._library.home) as self._worker:
            try:
                return keep_index(self._library, space, self._worker, self._say)
            finally:
                self._worker = None
                self._say(None)
                self._tended[space] = _Tended(rows, photos, time.monotonic())

    def _build_graph(self, space: str) -> list[str]:
        self._say("building the graph")
        with (
            FileLock(self._library.home.graph_lock, mode=0o600).acquire(blocking=False),
            builder(self._library.home) as self._worker,
        ):
            try:
                return build_graph(self._library, space, self._worker)
            finally:
                self._worker = None
                self._say(None)

    def _give_back(self) -> None:
        self._library.rest()
        trim_heap()

    def _say(self, phase: str | None) -> None:
        self.activity = None if phase is None else Progress(phase, 0)
        self._tell(Event("activity", self.activity))
