"""The nearest rows of queries: by the graph, by all points, or by all embeddings."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from photofind.errors import WorkerError
from photofind.library.embedded.asked import GraphNearest
from photofind.library.embedded.index import CACHED, CANDIDATES, Index
from photofind.library.embedded.spaces import Snapshot
from photofind.library.embedded.wanted import Wanted
from photofind.ranking.exact import Positions, Similarities, best
from photofind.ranking.projection import Vectors32, normalised

__all__ = [
    "FoundRows",
    "graph_pays_for",
    "nearest_embeddings",
    "nearest_points",
    "pictures_by_graph",
]

BLOCK = 8192
# Up to so many queries, one multiplication for each is faster than one for all, for which BLAS
# copies the block first.
FEW = 8

# From such shares of all points on, and of so many at the least, the graph is asked for the nearest
# of those that are wanted.
NEARLY_ALL, SHARE, MANY = 0.9, 0.15, 100_000
# Of what is asked for then, so many more than the mean are outside of what is wanted.
SPREAD = 1.3
# So many points are looked for in one call of the graph's process; then others may ask.
AT_A_TIME = 64

Rows = npt.NDArray[np.int64]
_NO_ROWS: Rows = np.empty(0, np.int64)

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class FoundRows:
    """The nearest rows of queries, best first.

    ``rows`` and ``similarities`` are (m, k); ``-inf`` where fewer were found. ``vectors``, float32
    (m, k, d), are the points or embeddings that were compared; d is 0 where they are not wanted.
    """

    rows: Rows
    similarities: Similarities
    vectors: Vectors32
    searched_by: str


def graph_pays_for(index: Index, wanted: Wanted) -> bool:
    """Return whether a graph finds the nearest of some rows.

    It finds the nearest of all rows; where few are wanted it may find none of them. Where half of
    very many are wanted, asking it for twice as many is faster than comparing with all of these.
    """
    count = wanted.count
    return count > NEARLY_ALL * len(index) or count > max(SHARE * len(index), MANY)


def nearest_points(
    index: Index,
    graph: GraphNearest | None,
    queries: Vectors32,
    count: int,
    wanted: Wanted,
    without: Rows = _NO_ROWS,
    *,
    vectors: bool,
) -> FoundRows:
    """Find the nearest points of queries (m, d), by the graph where there is one.

    Parameters
    ----------
    wanted
        The rows that may be found.
    without
        A few of them that may not, (e,).
    vectors
        Whether the points are wanted.
    """
    if graph is not None:
        positions, similarities = _nearest_by_graph(index, graph, queries, count, wanted, without)
        # All that it finds may be takes of one picture, of which none is wanted.
        if not np.isfinite(similarities).all():
            graph = None
    if graph is None:
        positions, similarities = _nearest_of_all(index, queries, count, wanted, without)
    points = index.points(positions) if vectors else _no_vectors(positions)
    by = "exact" if graph is None else "graph"
    return FoundRows(index.rows[positions], similarities, points, by)


def nearest_embeddings(
    snapshot: Snapshot,
    queries: Vectors32,
    count: int,
    wanted: Wanted,
    without: Rows = _NO_ROWS,
    *,
    vectors: bool,
) -> FoundRows:
    """Find the nearest embeddings of queries (m, D) at unit length, by comparing with all.

    Parameters
    ----------
    wanted, without, vectors
        As for :func:`nearest_points`.
    """
    rows = wanted.rows[~_are_among(wanted.rows, without)] if len(without) else wanted.rows
    similarities = np.empty((len(queries), len(rows)), np.float32)
    for start in range(0, len(rows), BLOCK):
        block = normalised(snapshot.vectors.rows(rows[start : start + BLOCK]))
        if len(queries) > FEW:
            similarities[:, start : start + BLOCK] = queries @ block.T
            continue
        for query, compared in zip(queries, similarities, strict=True):
            compared[start : start + BLOCK] = block @ query
    places, similarities = best(similarities, count)
    found = rows[places]
    full = _no_vectors(found)
    if vectors:
        full = normalised(snapshot.vectors.rows(found.ravel())).reshape(
            *found.shape, snapshot.space.dimension
        )
    return FoundRows(found, similarities, full, "plain")


def pictures_by_graph(
    index: Index, graph: GraphNearest, points: Vectors32, count: int
) -> tuple[Vectors32, Similarities]:
    """Return what `Index.nearest_pictures` does, found by a graph where that finds so many."""
    is_picture = np.ones(index.facts.photos, np.bool_)
    is_picture[index.repeats] = False
    found = np.empty((len(points), count), np.int64)
    similarities = np.empty((len(points), count), np.float32)
    for start in range(0, len(points), AT_A_TIME):
        part = slice(start, start + AT_A_TIME)
        try:
            numbers, cosines, _ = graph(points[part], min(CANDIDATES, index.facts.graph_points))
        except WorkerError as error:
            log.warning("the graph failed, and all points are compared: %s", error)
            return index.nearest_pictures(points, count)
        # Fresh ones have higher numbers.
        is_there = numbers < index.facts.graph_points
        is_there &= is_picture[np.where(is_there, numbers, 0)]
        places, similarities[part] = best(np.where(is_there, cosines, -np.inf), count)
        found[part] = np.take_along_axis(numbers, places, axis=1)
    if not np.isfinite(similarities).all():
        return index.nearest_pictures(points, count)
    return index.points(found), similarities


def _nearest_by_graph(
    index: Index,
    graph: GraphNearest,
    queries: Vectors32,
    count: int,
    wanted: Wanted,
    without: Rows,
) -> tuple[Positions, Similarities]:
    number = wanted.count - int(np.count_nonzero(wanted.mask[without]))
    dead = len(index) - number
    # The more it is asked for, the better a graph searches: five neighbours may be wrong ones.
    enough = max(CANDIDATES, count)
    spread = int(SPREAD * enough * len(index) / max(number, 1))
    asked = min(max(enough + min(dead, enough), spread), index.facts.graph_points)
    numbers, similarities, held = graph(queries, asked)
    positions = index.positions_in_graph(numbers, held)
    outside = index.positions_outside_graph(held)
    if len(outside):
        positions = np.concatenate(
            [positions, np.broadcast_to(outside, (len(queries), len(outside)))], axis=1
        )
        scanned = index.similarities_outside_graph(queries, held)
        similarities = np.concatenate([similarities, scanned], axis=1)
    rows = index.rows[positions]
    may_be = (positions >= 0) & wanted.mask[rows] & ~_are_among(rows, without)
    similarities = np.where(may_be, similarities, -np.inf)
    top, values = best(similarities, count)
    return positions[np.arange(len(top))[:, np.newaxis], top], values


def _nearest_of_all(
    index: Index, queries: Vectors32, count: int, wanted: Wanted, without: Rows
) -> tuple[Positions, Similarities]:
    """Compare with all points that may be found; only those are read where they are few."""
    if not wanted.are_few:
        allowed = wanted.mask[index.rows] & ~_are_among(index.rows, without)
        return best(np.where(allowed, index.similarities(queries), -np.inf), count)
    positions, kept = wanted.positions, wanted.points
    found = np.empty((len(queries), len(positions)), np.float32)
    for start in range(0, len(positions), CACHED):
        part = slice(start, start + CACHED)
        points = index.points(positions[part]) if kept is None else kept[part]
        for query, compared in zip(queries, found, strict=True):
            np.matmul(points, query, out=compared[part])
    if len(without):
        found[:, _are_among(index.rows[positions], without)] = -np.inf
    places, similarities = best(found, count)
    return positions[places], similarities


def _are_among(rows: Rows, few: Rows) -> npt.NDArray[np.bool_]:
    """Return which of some rows (...) are among a few (e,), (...)."""
    among = np.zeros(rows.shape, np.bool_)
    for one in few.tolist():
        among |= rows == one
    return among


def _no_vectors(places: npt.NDArray[np.int64]) -> Vectors32:
    return np.empty((*places.shape, 0), np.float32)
