"""A new index of a space, while it is built: points here, the graph on the server."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import numpy as np
import numpy.typing as npt
import psycopg

from photofind.errors import LibraryError
from photofind.library.store import Array32, IndexInfo, Neighbours
from photofind.ranking.calibration import Background
from photofind.ranking.exact import nearest_exactly
from photofind.ranking.neighbours import nearest_others
from photofind.ranking.projection import Projection
from photofind.ranking.smoothing import SMOOTHING
from photofind_postgres.points import POINTS
from photofind_postgres.searching import by_graph
from photofind_postgres.sessions import Connection, rows_of
from photofind_postgres.spaces import Index
from photofind_postgres.vectors import copy_vectors, literal

__all__ = ["PostgresIndexWriter"]

log = logging.getLogger(__name__)

Places = npt.NDArray[np.int64]

# A graph that finds less than this of the true ten nearest is not used.
_ENOUGH_RECALL = 0.9
_NEIGHBOURS = 10
_PROBES = 128
_CANDIDATES = 200
_BLOCK = 8192
_MOST_MEGABYTES = 2048


class PostgresIndexWriter:
    """Collects the points of an index in memory, and swaps them in; see the protocol.

    Parameters
    ----------
    connection
        Nobody else's; it holds the lock of those that build.
    number, space
        Of the new index, and of its space.
    graph
        Whether to build a graph.
    publish
        Makes an index that is on the server that of its space.
    """

    def __init__(
        self,
        connection: Connection,
        number: int,
        space: int,
        *,
        graph: bool,
        publish: Callable[[Index], None],
    ) -> None:
        self._connection = connection
        self._table = f"points_{space}_{number}"
        self._number = number
        self._space = space
        self._wants_graph = graph
        self._publish = publish
        self._pieces: list[Array32] = []
        self._contents: list[str] = []
        self._places: dict[str, int] = {}
        self._points: Array32 = np.empty((0, 0), np.float32)
        self._smoothed = self._points
        self._repeats: Sequence[str] = ()
        self._neighbours: tuple[Places, Array32] | None = None
        self._recall: float | None = None
        self._has_graph = False
        self.is_published = False

    def put(self, contents: Sequence[str], points: Array32) -> None:
        """Add projected points, float32 (n, d), at unit length."""
        self._contents += contents
        self._pieces.append(points)

    def neighbours(self, count: int) -> Iterator[Neighbours]:
        """Yield all points in batches, each with its ``count`` nearest others."""
        positions, similarities = self._all_neighbours()
        for start in range(0, len(self._contents), _BLOCK):
            some = slice(start, start + _BLOCK)
            yield Neighbours(
                self._contents[some],
                positions[some, :count],
                self._points[some],
                similarities[some, :count],
            )

    def repeats(self, contents: Sequence[str]) -> None:
        """Take note of contents that are nearly the same as another one."""
        self._repeats = contents

    def replace(self, contents: Sequence[str], points: Array32) -> None:
        """Replace points by smoothed ones."""
        self._smoothed[[self._places[content] for content in contents]] = points

    def finish(self) -> None:
        """Bring the points to the server, and build the graph; it is kept if it finds enough."""
        neighbours, _ = self._all_neighbours()
        repeats = frozenset(self._repeats)
        rows = [
            (content, place, near, content in repeats, True)
            for place, (content, near) in enumerate(
                zip(self._contents, neighbours[:, :_NEIGHBOURS].tolist(), strict=True)
            )
        ]
        width = self._points.shape[1]
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(
                f'CREATE TABLE {self._table} (content text COLLATE "C" NOT NULL,'
                " place int NOT NULL, neighbours int[] NOT NULL, is_repeat boolean NOT NULL,"
                f" is_there boolean NOT NULL, vector halfvec({width}) NOT NULL)"
                " WITH (fillfactor = 80)"
            )
            copy_vectors(cursor, self._table, POINTS, rows, self._smoothed)
            cursor.execute(f"ALTER TABLE {self._table} ADD PRIMARY KEY (content)")
        self._connection.execute(f"ANALYZE {self._table}")
        if self._wants_graph:
            self._build_graph(width)
            self._recall = self._measure_recall()
            self._has_graph = self._recall >= _ENOUGH_RECALL
            if not self._has_graph:
                log.warning("the graph of %s finds %.2f only", self._table, self._recall)
                self._connection.execute(f"DROP INDEX {self._table}_graph")

    def nearest(
        self, queries: Array32, count: int, *, exclude: Sequence[str] = ()
    ) -> tuple[Array32, Array32]:
        """Return the nearest smoothed points of queries (m, d): (m, k, d), cosines (m, k)."""
        is_picture = np.ones(len(self._contents), np.bool_)
        is_picture[[self._places[content] for content in self._repeats]] = False
        without = None
        if len(exclude):
            own = [self._places[content] for content in exclude]
            without = (np.cumsum(is_picture) - 1)[own]
        pictures = self._smoothed[is_picture]
        positions, similarities = nearest_exactly(pictures, queries, count, without)
        return pictures[positions], similarities

    def points(self, contents: Sequence[str]) -> Array32:
        """Return the smoothed points of some contents, (n, d)."""
        return self._smoothed[[self._places[content] for content in contents]]

    def publish(self, projection: Projection, ranked: Background, plain: Background) -> IndexInfo:
        """Make this the index of the space, in one transaction."""
        index = Index(
            self._number,
            self._space,
            projection,
            ranked,
            plain,
            photos=len(self._contents),
            repeats=len(self._repeats),
            graph=self._has_graph,
            recall=self._recall,
            built=time.time(),
        )
        self._publish(index)
        self.is_published = True
        return IndexInfo(
            projection,
            ranked,
            plain,
            photos=index.photos,
            fresh=0,
            gone=0,
            graph=index.graph,
            ready=index.graph,
            recall=index.recall,
            built=index.built,
            repeats=index.repeats,
        )

    def _all_neighbours(self) -> tuple[Places, Array32]:
        """Return the nearest others of each point, before smoothing, once all points are there."""
        if self._neighbours is None:
            self._points = np.concatenate(self._pieces)
            self._pieces.clear()
            self._smoothed = self._points.copy()
            self._places = {content: place for place, content in enumerate(self._contents)}
            count = min(SMOOTHING, len(self._points) - 1)
            self._neighbours = nearest_others(self._points, count)
        return self._neighbours

    def _build_graph(self, width: int) -> None:
        """Build the HNSW index, in memory if the server gives it so much."""
        needed = len(self._contents) * (2 * width + 500) * 1.3 / 1e6
        megabytes = int(min(max(needed, 64), _MOST_MEGABYTES))
        self._connection.execute(f"SET maintenance_work_mem = '{megabytes}MB'")
        create = (
            f"CREATE INDEX {self._table}_graph ON {self._table}"
            " USING hnsw (vector halfvec_ip_ops) WITH (m = 24, ef_construction = 200)"
        )
        try:
            self._connection.execute(create)
        except (psycopg.errors.OutOfMemory, psycopg.errors.DiskFull):
            # Workers share memory, of which a container often has little.
            self._connection.execute("SET max_parallel_maintenance_workers = 0")
            self._connection.execute(create)

    def _measure_recall(self) -> float:
        """Return recall@10 of the candidates that the graph finds, for queries like real ones."""
        probes = np.sort(np.random.default_rng(2).permutation(len(self._points))[:_PROBES])
        queries = self._points[probes]
        truth, _ = nearest_exactly(self._smoothed, queries, 10)
        found = []
        with self._connection.transaction():
            for query in queries:
                rows = rows_of(
                    self._connection,
                    f"SELECT place FROM {self._table} ORDER BY"
                    f" vector <#> %s::halfvec({len(query)}) LIMIT %s",
                    [literal(query), _CANDIDATES],
                    by_graph(len(self._points)),
                )
                found.append([place for (place,) in rows])
        return float(np.mean([np.isin(t, f).mean() for t, f in zip(truth, found, strict=True)]))

    def discard(self) -> None:
        """Remove what was brought to the server, where it was not published."""
        with suppress(psycopg.Error, LibraryError):
            self._connection.execute(f"DROP TABLE IF EXISTS {self._table}")
