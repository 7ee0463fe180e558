"""Ranking the rows of one space by likeness to query embeddings.

With an index, a query is projected, expanded by its neighbours and compared with the smoothed
points; the candidates so found are ranked by the blend of that and of the full vectors
(:func:`photofind.library.calibration.blend`). Without one, or when asked to, all full vectors are
compared by cosine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from photofind.library.calibration import TYPICAL, Background, blend
from photofind.library.exact import Positions, Similarities, best
from photofind.library.index import CANDIDATES, Index
from photofind.library.projection import Vectors32, normalised
from photofind.library.smoothing import expand
from photofind.library.vectors import Vectors

__all__ = ["GraphNearest", "Ranked", "Ranker"]

# Rocchio's weight of what is not wanted; "Relevance feedback in information retrieval", 1971.
UNLIKE_WEIGHT = 0.5
BLOCK = 8192

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
GraphNearest = Callable[[Vectors32, int], tuple[Positions, Similarities]]


@dataclass(frozen=True)
class Ranked:
    """Rows, best first, with their scores (0 to 1) and their full vectors at unit length."""

    rows: Rows
    scores: npt.NDArray[np.float64]
    vectors: Vectors32
    searched_by: str


class Ranker:
    """Ranks the rows of one space.

    Parameters
    ----------
    vectors
        The full vectors of the space.
    alive
        Which rows photos refer to, of shape (rows,).
    index
        The index over them, or None while there is none.
    graph
        Finds nearest positions in the index's graph; None to scan exactly.
    """

    def __init__(
        self,
        vectors: Vectors,
        alive: Mask,
        index: Index | None = None,
        graph: GraphNearest | None = None,
    ) -> None:
        self._vectors = vectors
        self._alive = alive
        self._index = index
        self._graph = graph

    def rank(
        self,
        like: Vectors32,
        unlike: Vectors32,
        limit: int,
        *,
        query_rows: Rows,
        allowed: Mask | None = None,
        plain: bool = False,
    ) -> Ranked:
        """Rank rows by likeness to some embeddings and unlikeness to others.

        Parameters
        ----------
        like, unlike
            Embeddings, float32 of shapes (p, D), p at least 1, and (q, D).
        limit
            How many rows are wanted; more may come back.
        query_rows
            The rows that hold the ``like`` photos themselves, where they are in the library:
            they score 1, and do not expand the query.
        allowed
            Which rows may be hits, of shape (rows,); None is all.
        plain
            Compare the full vectors by cosine alone.
        """
        allowed = self._alive if allowed is None else self._alive & allowed
        like, unlike = normalised(like), normalised(unlike)
        if self._index is None or plain:
            return self._rank_plainly(like, unlike, limit, query_rows, allowed)
        return self._rank_by_index(self._index, like, unlike, limit, query_rows, allowed)

    def _rank_plainly(
        self, like: Vectors32, unlike: Vectors32, limit: int, query_rows: Rows, allowed: Mask
    ) -> Ranked:
        direction = _towards(like, unlike)
        rows = np.flatnonzero(allowed)
        similarities = np.concatenate(
            [np.empty(0, np.float32)]
            + [
                normalised(self._vectors.rows(rows[start : start + BLOCK])) @ direction
                for start in range(0, len(rows), BLOCK)
            ]
        )
        top = best(similarities[None], max(CANDIDATES, limit))[0][0]
        background = self._index.facts.plain if self._index else TYPICAL
        vectors = normalised(self._vectors.rows(rows[top]))
        return _ranked(rows[top], similarities[top], query_rows, background, vectors, "plain")

    def _rank_by_index(
        self,
        index: Index,
        like: Vectors32,
        unlike: Vectors32,
        limit: int,
        query_rows: Rows,
        allowed: Mask,
    ) -> Ranked:
        others = self._alive.copy()
        others[query_rows] = False
        # A graph finds the nearest of all; where few are wanted it may find none of them.
        use_graph = self._graph is not None and np.count_nonzero(allowed) > 0.9 * len(index)

        def nearest(queries: Vectors32, count: int, mask: Mask) -> tuple[Positions, Similarities]:
            if use_graph:
                return self._nearest_by_graph(index, queries, count, mask)
            return best(np.where(mask[index.rows], index.similarities(queries), -np.inf), count)

        def neighbours(queries: Vectors32, count: int) -> tuple[Vectors32, Similarities]:
            positions, similarities = nearest(queries, count, others)
            return index.points(positions), similarities

        projected = index.projection.project(np.concatenate([like, unlike]))
        expanded = expand(projected, neighbours, len(index))
        raw, wanted = (_towards(*np.split(v, [len(like)])) for v in (projected, expanded))
        # Copies are near the query as it came, relatives near the expanded one.
        count = max(CANDIDATES, 2 * limit)
        found, similarities = nearest(np.stack([raw, wanted]), count, allowed)
        candidates = np.unique(found[np.isfinite(similarities)])
        rows = index.rows[candidates]
        vectors = self._vectors.rows(rows)
        centre = index.projection.centre
        full = centre(vectors) @ _towards(centre(like), centre(unlike))
        ranked = blend(index.points(candidates) @ wanted, full)
        top = np.argsort(-ranked, kind="stable")
        return _ranked(
            rows[top],
            ranked[top],
            query_rows,
            index.facts.ranked,
            normalised(vectors[top]),
            "graph" if use_graph else "exact",
        )

    def _nearest_by_graph(
        self, index: Index, queries: Vectors32, count: int, mask: Mask
    ) -> tuple[Positions, Similarities]:
        assert self._graph is not None
        dead = int(len(index) - np.count_nonzero(mask))
        # The more it is asked for, the better a graph searches: five neighbours may be wrong ones.
        enough = max(CANDIDATES, count)
        asked = min(enough + min(dead, enough), index.facts.graph_points)
        positions, similarities = self._graph(queries, asked)
        outside = np.arange(index.facts.graph_points, len(index))
        positions = np.concatenate(
            [positions, np.broadcast_to(outside, (len(queries), len(outside)))], axis=1
        )
        similarities = np.concatenate(
            [similarities, index.similarities_outside_graph(queries)], axis=1
        )
        similarities = np.where(mask[index.rows[positions]], similarities, -np.inf)
        top, values = best(similarities, count)
        return np.take_along_axis(positions, top, axis=1), values


def _towards(like: Vectors32, unlike: Vectors32) -> Vectors32:
    """Return the unit direction towards the mean of some vectors and away from that of others."""
    direction = normalised(like.mean(axis=0))
    if len(unlike):
        direction = normalised(direction - UNLIKE_WEIGHT * normalised(unlike.mean(axis=0)))
    return direction


def _ranked(
    rows: Rows,
    similarities: Similarities,
    query_rows: Rows,
    background: Background,
    vectors: Vectors32,
    searched_by: str,
) -> Ranked:
    similarities = np.where(np.isin(rows, query_rows), 1.0, similarities).astype(np.float32)
    order = np.argsort(-similarities, kind="stable")
    scores = background.scores(similarities[order])
    return Ranked(rows[order], scores, vectors[order], searched_by)
