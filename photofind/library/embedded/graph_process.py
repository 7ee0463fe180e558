"""The graph of one index, kept warm in a child process for callers that ask more than once.

Loading PyNNDescent takes seconds and the exact scan milliseconds, so no query waits for it: until
the child has loaded the graph, and whenever it fails, searches scan. After an installation numba
compiles for a minute what answers: that is done first, by a child of low priority.

What came after the build is taken into the graph in the background, a little at a time, so that
queries that come meanwhile are answered in between. It is not kept: a new child takes it in again.
"""

from __future__ import annotations

import logging
import platform
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np

from photofind.errors import DamagedError, PhotofindError, WorkerError, WorkerStoppedError
from photofind.library.embedded.index import Index
from photofind.paths import write_atomically
from photofind.ranking.exact import Positions, Similarities
from photofind.ranking.projection import Vectors32
from photofind.workers import Worker

__all__ = ["GraphProcess"]

LOAD_SECONDS = 300.0
# At low priority, on a machine that is busy with other things.
COMPILE_SECONDS = 3600.0
QUERY_SECONDS = 5.0
# So many points are taken in at a time, in about 10 ms; then queries may come.
BATCH = 32
PAUSE_SECONDS = 0.005
# Where that failed so often, what came since is scanned.
MOST_FAILURES = 3

log = logging.getLogger(__name__)


class GraphProcess:
    """Loads a graph in the background, and answers from it once it is there.

    Parameters
    ----------
    space
        The folder of the space.
    index
        The index of that space that has the graph.
    cache
        Where numba keeps its compiled code.
    log_file
        Where the child's messages go.
    idle_seconds
        The child ends after so long without a query; None is never.
    """

    def __init__(
        self,
        space: Path,
        index: Index,
        cache: Path,
        log_file: Path,
        idle_seconds: float | None = None,
    ) -> None:
        self._probe = index.points(np.arange(1))  # The first query warms everything up.
        self._cache = cache
        self._held = self._built = index.facts.graph_points
        self._rows = index.saved_rows  # What the graph takes in stands for these.
        self._following: Index | None = index  # Only while it lacks something: it is large.
        self._is_extending = False

        def new_worker(*, low_priority: bool) -> Worker:
            return Worker(
                "photofind.library.embedded.graph_service:GraphService",
                name="graph",
                options={"space": str(space), "folder": index.facts.folder},
                low_priority=low_priority,
                environment={"NUMBA_CACHE_DIR": str(cache)},
                log=log_file,
                idle_seconds=idle_seconds,
            )

        self._worker = new_worker(low_priority=False)
        self._compiling = new_worker(low_priority=True)
        self._ready = threading.Event()
        self._damaged = False
        self._stopped = False
        self._failures = 0  # Of taking in.
        self._starting = threading.Lock()
        self._loading = self._start(self._warm_up)

    @property
    def pid(self) -> int | None:
        """The child's process id, None where none is running."""
        return self._worker.pid or self._compiling.pid

    @property
    def ready(self) -> bool:
        """Whether the graph answers by now."""
        return self._ready.is_set() and self._worker.running

    @property
    def damaged(self) -> bool:
        """Whether the graph could not be loaded because it is damaged."""
        return self._damaged

    @property
    def taken_in(self) -> int:
        """How many points that came after the build the graph held when it was last heard of."""
        return self._held - self._built

    def wake(self) -> bool:
        """Return whether the graph answers; where its process has ended, it is loaded again."""
        with self._starting:
            if not self._loading.is_alive() and self._ready.is_set() and not self._worker.running:
                self._ready.clear()
                self._loading = self._start(self._warm_up)
        return self.ready

    def follow(self, index: Index) -> bool:
        """Have what came after the build taken in, where it is on disk; return whether that goes.

        Not where the index does not begin as the one that was taken in: the graph would number its
        points differently.
        """
        with self._starting:
            if index.saved_rows is not self._rows:
                shared = min(index.saved, len(self._rows))
                if not np.array_equal(index.saved_rows[:shared], self._rows[:shared]):
                    return False
            if index.saved >= len(self._rows):
                self._rows = index.saved_rows
                if index.saved > self.taken_in:
                    self._following = index
            self._start_to_take_in()
        return True

    def wait(self, seconds: float) -> bool:
        """Wait until the graph is loaded or failed, at most so long; return whether it answers."""
        self._loading.join(seconds)
        return self.ready

    def nearest(self, queries: Vectors32, count: int) -> tuple[Positions, Similarities, int]:
        """Find the nearest points of queries (m, d): numbers and similarities, (m, count).

        Returned is also how many points the graph holds (`Index.positions_in_graph`).

        Raises
        ------
        WorkerError
            Where the child failed; it is loaded again in the background.
        """
        return self._nearest(queries, count, QUERY_SECONDS)

    def stop(self) -> None:
        """End the child process."""
        self._ready.clear()
        self._stopped = True
        self._compiling.stop()
        self._worker.stop()

    def _start(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, name="graph", daemon=True)
        thread.start()
        return thread

    def _nearest(
        self, queries: Vectors32, count: int, seconds: float
    ) -> tuple[Positions, Similarities, int]:
        reply = self._worker.call("nearest", queries, timeout=seconds, count=count)
        self._held = reply.value
        positions, similarities = reply.arrays
        return positions, similarities, reply.value

    def _warm_up(self) -> None:
        try:
            self._compile()
            self._nearest(self._probe, 1, LOAD_SECONDS)
        except PhotofindError as error:
            self._damaged = isinstance(error, DamagedError)
            log.warning("the graph is not used: %s", error)
        else:
            self._ready.set()
            with self._starting:
                self._start_to_take_in()

    def _start_to_take_in(self) -> None:
        is_free = self.ready and not self._is_extending and self._failures < MOST_FAILURES
        if self._following is not None and is_free:
            self._is_extending = True
            self._start(self._take_in)

    def _take_in(self) -> None:
        """Have the graph take in what it lacks; what a query finds meanwhile is scanned."""
        try:
            while (index := self._lacking()) is not None:
                done = self.taken_in
                points = index.saved_points[done : done + BATCH]
                reply = self._worker.call(
                    "extend", points, timeout=LOAD_SECONDS, first=self._built + done
                )
                self._held = reply.value
                time.sleep(PAUSE_SECONDS)  # A query that waits for its turn gets it.
        except PhotofindError as error:
            with self._starting:
                self._following, self._is_extending = None, False
                self._failures += 1
            if not self._stopped:
                log.warning("what came since is not taken into the graph: %s", error)

    def _lacking(self) -> Index | None:
        """Return the index of which the graph lacks something; None ends what takes it in."""
        with self._starting:
            index = self._following
            if index is None or self._stopped or self.taken_in >= index.saved:
                index = self._following = None
                self._is_extending = False
            return index

    def _compile(self) -> None:
        """Have what answers compiled at low priority, where it was not, as after an upgrade."""
        note, wanted = self._cache / "compiled", _compilers()
        with suppress(OSError):
            if note.read_text("utf-8") == wanted:
                return
        if self._stopped:
            raise WorkerStoppedError("the graph worker was stopped")
        try:
            self._compiling.call("nearest", self._probe, timeout=COMPILE_SECONDS, count=1)
            with suppress(OSError):
                write_atomically(note, wanted.encode())
        except WorkerStoppedError:
            raise
        except WorkerError as error:
            log.warning("what the graph needs is compiled once it is loaded: %s", error)
        finally:
            self._compiling.stop()


def _compilers() -> str:
    """Return what differs where compiled code is not used any more."""
    names = ("numba", "llvmlite", "pynndescent")
    return f"{sys.version} {platform.node()} {[version(name) for name in names]}"
