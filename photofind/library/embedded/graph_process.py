"""The graph of one index, kept warm in a child process for callers that ask more than once.

Loading PyNNDescent takes seconds and the exact scan milliseconds, so no query waits for it: until
the child has loaded the graph, and whenever it fails, searches scan. After an installation numba
compiles for a minute what answers: that is done first, by a child of low priority.
"""

from __future__ import annotations

import logging
import platform
import sys
import threading
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from photofind.errors import DamagedError, PhotofindError, WorkerError, WorkerStoppedError
from photofind.paths import write_atomically
from photofind.ranking.exact import Positions, Similarities
from photofind.ranking.projection import Vectors32
from photofind.workers import Worker

__all__ = ["GraphProcess"]

LOAD_SECONDS = 300.0
# At low priority, on a machine that is busy with other things.
COMPILE_SECONDS = 3600.0
QUERY_SECONDS = 5.0

log = logging.getLogger(__name__)


class GraphProcess:
    """Loads a graph in the background, and answers from it once it is there.

    Parameters
    ----------
    space
        The folder of the space whose index holds the graph.
    folder
        The name of the folder of that index.
    points
        A few points of it, (m, d), for the first query, which warms everything up.
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
        folder: str,
        points: Vectors32,
        cache: Path,
        log_file: Path,
        idle_seconds: float | None = None,
    ) -> None:
        self._points = points
        self._cache = cache

        def new_worker(*, low_priority: bool) -> Worker:
            return Worker(
                "photofind.library.embedded.graph_service:GraphService",
                name="graph",
                options={"space": str(space), "folder": folder},
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
        self._starting = threading.Lock()
        self._loading = self._load()

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

    def wake(self) -> bool:
        """Return whether the graph answers; where its process has ended, it is loaded again."""
        with self._starting:
            if not self._loading.is_alive() and self._ready.is_set() and not self._worker.running:
                self._ready.clear()
                self._loading = self._load()
        return self.ready

    def wait(self, seconds: float) -> bool:
        """Wait until the graph is loaded or failed, at most so long; return whether it answers."""
        self._loading.join(seconds)
        return self.ready

    def nearest(self, queries: Vectors32, count: int) -> tuple[Positions, Similarities]:
        """Find the nearest points of queries (m, d): positions and similarities, (m, count).

        Raises
        ------
        WorkerError
            Where the child failed; it is loaded again in the background.
        """
        positions, similarities = self._worker.call(
            "nearest", queries, timeout=QUERY_SECONDS, count=count
        ).arrays
        return positions, similarities

    def stop(self) -> None:
        """End the child process."""
        self._ready.clear()
        self._stopped = True
        self._compiling.stop()
        self._worker.stop()

    def _load(self) -> threading.Thread:
        loading = threading.Thread(target=self._warm_up, name="graph", daemon=True)
        loading.start()
        return loading

    def _warm_up(self) -> None:
        try:
            self._compile()
            self._worker.call("nearest", self._points, timeout=LOAD_SECONDS, count=1)
        except PhotofindError as error:
            self._damaged = isinstance(error, DamagedError)
            log.warning("the graph is not used: %s", error)
        else:
            self._ready.set()

    def _compile(self) -> None:
        """Have what answers compiled at low priority, where it was not, as after an upgrade."""
        note, wanted = self._cache / "compiled", _compilers()
        with suppress(OSError):
            if note.read_text("utf-8") == wanted:
                return
        if self._stopped:
            raise WorkerStoppedError("the graph worker was stopped")
        try:
            self._compiling.call("nearest", self._points, timeout=COMPILE_SECONDS, count=1)
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
