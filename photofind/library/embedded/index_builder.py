"""Building an index, in a child process of low priority.

:class:`IndexBuilder` is the service that the child runs; :func:`graph_pays` says when a graph is
worth its build.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from photofind.library.embedded.index import CANDIDATES, IndexFacts, write_index
from photofind.library.embedded.vectors import Vectors
from photofind.ranking.calibration import Background, blend, measure_background
from photofind.ranking.exact import (
    Positions,
    Similarities,
    nearest_exactly,
    neighbours_exactly,
)
from photofind.ranking.projection import SAMPLE, Projection, Vectors32, fit_projection, normalised
from photofind.ranking.smoothing import expand, smooth, smoothing_neighbours
from photofind.system.disk import explained

if TYPE_CHECKING:
    from photofind.library.embedded.graph import Graph

__all__ = ["EXACT_PAYS", "INDEX_PAYS", "IndexBuilder", "graph_pays"]

# Fewer photos cannot fix a projection or a background; they are compared as they are.
INDEX_PAYS = 32
GRAPH_PAYS = 500
# Up to here exact neighbours cost less than compiling what finds them approximately.
EXACT_PAYS = 30_000
# A graph that finds less than this of the true ten nearest is not used.
ENOUGH_RECALL = 0.9

NEIGHBOURS = 10
PROBES = 256
OTHERS = 2048
BLOCK = 8192


def graph_pays(photos: int) -> bool:
    """Return whether a library of this many photos is worth a graph."""
    return photos >= GRAPH_PAYS


class IndexBuilder:
    """Builds indexes; runs in a worker, since it takes all the memory and time there is."""

    def build(
        self,
        rows: npt.NDArray[np.int64],
        *,
        space: str,
        vectors: str,
        dimension: int,
        generation: int,
        committed: int,
        graph: bool,
    ) -> dict[str, Any]:
        """Build the index of a space and swap it in.

        Parameters
        ----------
        rows
            The rows of the vectors that photos refer to, (n,), n at least ``INDEX_PAYS``.
        space
            The folder of the space.
        vectors, dimension, generation, committed
            The file of the vectors, and what the catalog says of it.
        graph
            Whether to build the graph too.

        Returns
        -------
        dict
            ``photos``; ``recall`` of the graph (None without one), ``seconds`` taken.

        Raises
        ------
        LibraryError
            Where the disk refuses; the index that was there stands.
        """
        started = time.monotonic()
        source = Vectors(Path(vectors), dimension, committed)
        projection = fit_projection(_sample(source, rows))
        points = np.concatenate(
            [
                projection.project(source.rows(rows[start : start + BLOCK]))
                for start in range(0, len(rows), BLOCK)
            ]
        )
        # Points that are the same would come apart in the graph, so it gets one of each.
        first, twins = _unique(points)
        unique = len(first)
        positions = np.concatenate([first, twins])
        points, rows = points[positions], rows[positions]

        neighbours, similarities = _neighbours(points)
        count = smoothing_neighbours(len(points))
        smoothed = np.concatenate(
            [
                smooth(
                    points[start : start + BLOCK],
                    points[neighbours[start : start + BLOCK, :count]],
                    similarities[start : start + BLOCK, :count],
                )
                for start in range(0, len(points), BLOCK)
            ]
        )

        recall, graph_values = None, None
        graph_arrays: dict[str, npt.NDArray[Any]] = {}
        if graph:
            with explained(Path(space)):  # Numba writes what it compiles to the same disk.
                from photofind.library.embedded.graph import build_graph

                built = build_graph(smoothed[:unique])
                recall = _measure_recall(built, smoothed[:unique], points)
            if recall >= ENOUGH_RECALL:
                graph_order, graph_arrays, graph_values = built.take_apart()
                positions = np.concatenate([graph_order, np.arange(unique, len(points))])
                back = np.empty(len(positions), np.int32)
                back[positions] = np.arange(len(positions))
                smoothed, rows = smoothed[positions], rows[positions]
                neighbours = back[neighbours[positions]]

        ranked, plain = _measure_backgrounds(projection, smoothed, source, rows)
        facts = IndexFacts(
            folder=f"index-{time.time_ns()}",
            generation=generation,
            photos=len(rows),
            ranked=ranked,
            plain=plain,
            graph_points=unique if graph_values else 0,
            recall=recall,
            graph=graph_values,
            built=time.time(),
        )
        arrays = {
            "mean": projection.mean,
            "components": projection.components,
            "points": smoothed,
            "rows": rows,
            "neighbours": neighbours.astype(np.int32),
        }
        arrays |= {f"graph_{name}": array for name, array in graph_arrays.items()}
        write_index(Path(space), facts, arrays)
        return {"photos": len(rows), "recall": recall, "seconds": time.monotonic() - started}


def _sample(source: Vectors, rows: npt.NDArray[np.int64]) -> Vectors32:
    if len(rows) > SAMPLE:
        rows = np.sort(np.random.default_rng(0).choice(rows, SAMPLE, replace=False))
    return source.rows(rows)


def _unique(points: Vectors32) -> tuple[Positions, Positions]:
    """Return the positions of one of each of the points, and of all others."""
    as_bytes = np.ascontiguousarray(points).view(np.dtype((np.void, points[0].nbytes))).ravel()
    first = np.sort(np.unique(as_bytes, return_index=True)[1])
    return first, np.setdiff1d(np.arange(len(points)), first)


def _neighbours(points: Vectors32) -> tuple[Positions, Similarities]:
    count = min(NEIGHBOURS, len(points) - 1)
    if len(points) <= EXACT_PAYS:
        return neighbours_exactly(points, count)
    from photofind.library.embedded.graph import nearest_by_graph

    return nearest_by_graph(points, count)


def _measure_recall(graph: Graph, smoothed: Vectors32, points: Vectors32) -> float:
    """Return recall@10 of the candidates that the graph finds, for queries like real ones."""
    queries = points[_probes(len(smoothed))]
    truth, _ = nearest_exactly(smoothed, queries, 10)
    found, _ = graph.nearest(queries, min(CANDIDATES, len(smoothed)))
    return float(np.mean([np.isin(t, f).mean() for t, f in zip(truth, found, strict=True)]))


def _measure_backgrounds(
    projection: Projection, smoothed: Vectors32, source: Vectors, rows: npt.NDArray[np.int64]
) -> tuple[Background, Background]:
    """Measure what random pairs of photos look like to the ranking, and to the plain cosine."""
    probes = _probes(len(rows))
    others = np.sort(np.random.default_rng(1).permutation(len(rows))[:OTHERS])
    pairs = probes[:, None] != others
    queries, gallery = source.rows(rows[probes]), source.rows(rows[others])

    def nearest(points: Vectors32, count: int) -> tuple[Vectors32, Similarities]:
        positions, similarities = nearest_exactly(smoothed, points, count, exclude=probes)
        return smoothed[positions], similarities

    expanded = expand(projection.project(queries), nearest, len(smoothed))
    full = projection.centre(queries) @ projection.centre(gallery).T
    ranked = blend(expanded @ smoothed[others].T, full)
    plain = normalised(queries) @ normalised(gallery).T
    return measure_background(ranked[pairs]), measure_background(plain[pairs])


def _probes(count: int) -> Positions:
    return np.sort(np.random.default_rng(2).permutation(count)[:PROBES])
