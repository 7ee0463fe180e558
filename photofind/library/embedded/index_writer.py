"""A new index of a space while it is built: points, their neighbours, the graph, the files."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from photofind.errors import LibraryError
from photofind.library.embedded.contents import RowContents
from photofind.library.embedded.index import CANDIDATES
from photofind.library.embedded.index_files import IndexFacts, write_index
from photofind.library.store import IndexInfo, Neighbours
from photofind.ranking.calibration import Background
from photofind.ranking.exact import Positions, Similarities, nearest_exactly
from photofind.ranking.neighbours import nearest_others
from photofind.ranking.projection import Projection, Vectors32
from photofind.ranking.smoothing import SMOOTHING
from photofind.system.disk import explain_disk_errors

if TYPE_CHECKING:
    from photofind.library.embedded.graph import Graph

__all__ = ["EmbeddedIndexWriter"]

# A graph that finds less than this of the true ten nearest is not used.
ENOUGH_RECALL = 0.9

# So many neighbours of each point are kept.
NEIGHBOURS = 10
PROBES = 256
BLOCK = 8192

Places = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]


class EmbeddedIndexWriter:
    """Builds an index in memory and swaps it in; `photofind.library.store.IndexWriter`.

    Parameters
    ----------
    folder
        The folder of the space.
    generation
        The generation of its vectors.
    contents
        The content of each row of that generation; must not change any more.
    graph
        Whether to build a graph.
    """

    def __init__(
        self, folder: Path, generation: int, contents: RowContents, *, graph: bool
    ) -> None:
        self._folder = folder
        self._generation = generation
        self._contents = contents
        self._wants_graph = graph
        self._rows: Rows = np.empty(0, np.int64)
        # As they were put, in pieces, until all of them are there.
        self._pieces: list[tuple[Rows, Vectors32]] = []
        self._points: Vectors32 = np.empty((0, 0), np.float32)
        self._smoothed: Vectors32 = self._points
        self._repeats: Rows = self._rows
        self._unique = 0  # So many come first, no two the same.
        self._order: Positions | None = None  # Of the rows, once it is needed.
        self._neighbours: tuple[Positions, Similarities] | None = None
        self._kept_neighbours: Places = np.empty((0, 0), np.int32)  # The first of them, in the end.
        self._recall: float | None = None
        self._graph_values: dict[str, Any] | None = None
        self._graph_arrays: dict[str, npt.NDArray[Any]] = {}

    def put(self, contents: Sequence[str], points: Vectors32) -> None:
        """Add projected points, float32 (n, d), at unit length."""
        rows = self._contents.rows(contents)
        known = rows >= 0  # What came since the beginning is taken in as fresh.
        self._pieces.append((rows[known], points[known]))

    def neighbours(self, count: int) -> Iterator[Neighbours]:
        """Yield all points in batches, each with its ``count`` nearest others."""
        positions, similarities = self._all_neighbours()
        for start in range(0, len(self._rows), BLOCK):
            some = slice(start, start + BLOCK)
            yield Neighbours(
                self._contents.contents(self._rows[some]),
                positions[some, :count],
                self._points[some],
                similarities[some, :count],
            )

    def repeats(self, contents: Sequence[str]) -> None:
        """Take note of contents that are nearly the same as another one."""
        self._repeats = self._contents.rows(contents)

    def replace(self, contents: Sequence[str], points: Vectors32) -> None:
        """Replace points by smoothed ones."""
        if self._smoothed is self._points:
            self._smoothed = self._points.copy()
        self._smoothed[self._positions(contents)] = points

    def finish(self) -> None:
        """Build the graph if one is wanted; it is kept if it finds enough."""
        neighbours = self._all_neighbours()[0][:, :NEIGHBOURS].astype(np.int32)
        self._neighbours = None
        if self._wants_graph:
            neighbours = self._build_graph(neighbours)
        self._kept_neighbours = neighbours

    def nearest(
        self, queries: Vectors32, count: int, *, exclude: Sequence[str] = ()
    ) -> tuple[Vectors32, Similarities]:
        """Return the nearest smoothed points of queries (m, d): (m, k, d), cosines (m, k)."""
        is_picture = ~np.isin(self._rows, self._repeats)
        without = None
        if len(exclude):
            without = (np.cumsum(is_picture) - 1)[self._positions(exclude)]
        pictures = self._smoothed[is_picture]
        positions, similarities = nearest_exactly(pictures, queries, count, without)
        return pictures[positions], similarities

    def points(self, contents: Sequence[str]) -> Vectors32:
        """Return the smoothed points of some contents, (n, d)."""
        points: Vectors32 = self._smoothed[self._positions(contents)]
        return points

    def publish(self, projection: Projection, ranked: Background, plain: Background) -> IndexInfo:
        """Write the index and swap it in for the one that was there."""
        has_graph = self._graph_values is not None
        facts = IndexFacts(
            folder=f"index-{time.time_ns()}",
            generation=self._generation,
            photos=len(self._rows),
            ranked=ranked,
            plain=plain,
            graph_points=self._unique if has_graph else 0,
            recall=self._recall,
            graph=self._graph_values,
            built=time.time(),
        )
        arrays: dict[str, npt.NDArray[Any]] = {
            "mean": projection.mean,
            "components": projection.components,
            "points": self._smoothed,
            "rows": self._rows,
            "contents": self._contents.digests(self._rows),
            "neighbours": self._kept_neighbours,
        }
        if len(self._repeats):
            arrays["repeats"] = np.sort(self._positions_of(self._repeats))
        arrays |= {f"graph_{name}": array for name, array in self._graph_arrays.items()}
        write_index(self._folder, facts, arrays)
        return IndexInfo(
            projection=projection,
            ranked=ranked,
            plain=plain,
            photos=facts.photos,
            fresh=0,
            gone=0,
            graph=has_graph,
            ready=False,
            recall=facts.recall,
            built=facts.built,
            repeats=len(self._repeats),
        )

    def _build_graph(self, neighbours: Places) -> Places:
        """Build the graph, which is kept if it finds enough; all that is kept comes in its order.

        Returned are the neighbours, by their places in that order.
        """
        probes = np.random.default_rng(2).permutation(self._unique)[:PROBES]
        queries = self._points[np.sort(probes)]  # As real ones are: not smoothed.
        self._points = self._smoothed  # There is room for the graph now.
        with explain_disk_errors(self._folder):  # Numba writes what it compiles to the same disk.
            from photofind.library.embedded.graph import Graph, build_graph

            graph_order, arrays, values = build_graph(self._smoothed[: self._unique])
            order = np.concatenate([graph_order, np.arange(self._unique, len(self._rows))])
            self._points = self._smoothed = self._smoothed[order]
            self._rows, self._order = self._rows[order], None
            smoothed = self._smoothed[: self._unique]
            graph = Graph(smoothed, arrays, values)
            self._recall = _measure_recall(graph, smoothed, queries)
        if self._recall >= ENOUGH_RECALL:
            self._graph_arrays, self._graph_values = arrays, values
        back = np.empty(len(order), np.int32)
        back[order] = np.arange(len(order))
        renumbered: Places = back[neighbours[order]]
        return renumbered

    def _all_neighbours(self) -> tuple[Positions, Similarities]:
        """Return the nearest others of each point, before smoothing, once all points are there."""
        if self._neighbours is None:
            self._arrange()
            count = min(SMOOTHING, len(self._points) - 1)
            with explain_disk_errors(self._folder):
                self._neighbours = nearest_others(self._points, count)
        return self._neighbours

    def _arrange(self) -> None:
        """Put one of each of the points first: the same ones would come apart in the graph."""
        rows = np.concatenate([rows for rows, _ in self._pieces])
        points = np.concatenate([points for _, points in self._pieces])
        self._pieces.clear()
        as_bytes = points.view(np.dtype((np.void, points[0].nbytes))).ravel()
        first = np.sort(np.unique(as_bytes, return_index=True)[1])
        order = np.concatenate([first, np.setdiff1d(np.arange(len(points)), first)])
        self._rows, self._points, self._unique = rows[order], points[order], len(first)
        self._smoothed = self._points  # Until the first are replaced: they take much memory.

    def _positions(self, contents: Sequence[str]) -> Positions:
        return self._positions_of(self._contents.rows(contents))

    def _positions_of(self, rows: Rows) -> Positions:
        if self._order is None:
            self._order = np.argsort(self._rows)
        places = np.searchsorted(self._rows, rows, sorter=self._order)
        positions = self._order[np.minimum(places, len(self._rows) - 1)]
        if not np.array_equal(self._rows[positions], rows):
            raise LibraryError("the index that is built does not hold all of these contents")
        return positions


def _measure_recall(graph: Graph, smoothed: Vectors32, queries: Vectors32) -> float:
    """Return recall@10 of the candidates that the graph finds."""
    truth, _ = nearest_exactly(smoothed, queries, 10)
    found, _ = graph.nearest(queries, min(CANDIDATES, len(smoothed)))
    return float(np.mean([np.isin(t, f).mean() for t, f in zip(truth, found, strict=True)]))
