"""Ranking the rows of one space by likeness to query embeddings.

With an index, a query is projected, expanded by its neighbours and compared with the smoothed
points; the candidates so found are ranked by the blend of that and of the full vectors
(:func:`photofind.ranking.calibration.blend`). Without one, or when asked to, all full vectors are
compared by cosine.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from photofind.library.embedded.index import CANDIDATES, Index
from photofind.library.embedded.vectors import Vectors
from photofind.ranking.calibration import TYPICAL, Background, blend
from photofind.ranking.exact import Positions, Similarities, best
from photofind.ranking.projection import Vectors32, normalised
from photofind.ranking.smoothing import expand

__all__ = ["Comparison", "GraphNearest", "Ranked", "Ranker"]

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
        like, unlike, query_rows, plain
            As for :meth:`compare`.
        limit
            How many rows are wanted; more may come back.
        allowed
            Which rows may be hits, of shape (rows,); None is all.
        """
        comparison = self.compare(like, unlike, query_rows=query_rows, plain=plain)
        rows = comparison.candidates(limit, allowed)
        similarities = comparison.similarities(rows)
        # Not by their scores: of all that are no more alike than strangers, those are 0.
        order = np.argsort(-similarities, kind="stable")
        vectors = normalised(self._vectors.rows(rows[order]))
        scores = comparison.scores(similarities[order])
        return Ranked(rows[order], scores, vectors, comparison.searched_by)

    def compare(
        self, like: Vectors32, unlike: Vectors32, *, query_rows: Rows, plain: bool = False
    ) -> Comparison:
        """Return what compares rows with some embeddings, and for unlikeness with others.

        Parameters
        ----------
        like, unlike
            Embeddings, float32 of shapes (p, D), p at least 1, and (q, D).
        query_rows
            The rows that hold the ``like`` photos themselves, where they are in the library:
            they score 1, and do not expand the query.
        plain
            Compare the full vectors by cosine alone.
        """
        like, unlike = normalised(like), normalised(unlike)
        if self._index is None or plain:
            background = self._index.facts.plain if self._index else TYPICAL
            direction = _towards(like, unlike)
            return _PlainComparison(self._vectors, self._alive, query_rows, background, direction)
        return _IndexedComparison(
            self._vectors, self._alive, query_rows, self._index, self._graph, like, unlike
        )


class Comparison(ABC):
    """Compares the rows of one space with one query.

    Attributes
    ----------
    searched_by
        "graph", "exact" or "plain": how candidates are found.
    """

    searched_by: str

    def __init__(
        self, vectors: Vectors, alive: Mask, query_rows: Rows, background: Background
    ) -> None:
        self._vectors = vectors
        self._alive = alive
        self._query_rows = query_rows
        self._background = background

    @property
    def rows(self) -> int:
        """How many rows there are to compare with, dead ones included."""
        return len(self._alive)

    def candidates(self, limit: int, allowed: Mask | None = None) -> Rows:
        """Return at least ``limit`` rows, where there are so many, among them the best.

        Parameters
        ----------
        allowed
            Which rows may be among them, of shape (rows,); None is all.
        """
        return self._candidates(limit, self._alive if allowed is None else self._alive & allowed)

    def similarities(self, rows: Rows) -> Similarities:
        """Return what rows (n,) are ranked by; 1 for the same picture."""
        own = np.isin(rows, self._query_rows)
        return np.where(own, 1.0, self._similarities(rows)).astype(np.float32)

    def scores(self, similarities: Similarities) -> npt.NDArray[np.float64]:
        """Return the scores, 0 to 1, that similarities (n,) mean."""
        return self._background.scores(similarities)

    @abstractmethod
    def _candidates(self, limit: int, allowed: Mask) -> Rows: ...

    @abstractmethod
    def _similarities(self, rows: Rows) -> Similarities: ...


class _PlainComparison(Comparison):
    """By the cosine of the full vectors alone."""

    searched_by = "plain"

    def __init__(
        self,
        vectors: Vectors,
        alive: Mask,
        query_rows: Rows,
        background: Background,
        direction: Vectors32,
    ) -> None:
        super().__init__(vectors, alive, query_rows, background)
        self._direction = direction

    def _candidates(self, limit: int, allowed: Mask) -> Rows:
        rows = np.flatnonzero(allowed)
        top = best(self._similarities(rows)[None], max(CANDIDATES, limit))[0][0]
        found: Rows = rows[top]
        return found

    def _similarities(self, rows: Rows) -> Similarities:
        return np.concatenate(
            [np.empty(0, np.float32)]
            + [
                normalised(self._vectors.rows(rows[start : start + BLOCK])) @ self._direction
                for start in range(0, len(rows), BLOCK)
            ]
        )


class _IndexedComparison(Comparison):
    """By the index: points of the expanded query, and full vectors relative to the library."""

    def __init__(
        self,
        vectors: Vectors,
        alive: Mask,
        query_rows: Rows,
        index: Index,
        graph: GraphNearest | None,
        like: Vectors32,
        unlike: Vectors32,
    ) -> None:
        super().__init__(vectors, alive, query_rows, index.facts.ranked)
        self._index = index
        self._graph = graph
        self.searched_by = "exact"
        others = alive.copy()
        others[query_rows] = False

        def neighbours(queries: Vectors32, count: int) -> tuple[Vectors32, Similarities]:
            positions, similarities = self._nearest(queries, count, others)
            return index.points(positions), similarities

        projected = index.projection.project(np.concatenate([like, unlike]))
        # With the graph, where there is one: what it finds is near whatever is filtered later.
        expanded = expand(projected, neighbours, len(index))
        self._raw, self._wanted = (
            _towards(*np.split(v, [len(like)])) for v in (projected, expanded)
        )
        centre = index.projection.centre
        self._full = _towards(centre(like), centre(unlike))

    def _candidates(self, limit: int, allowed: Mask) -> Rows:
        # Copies are near the query as it came, relatives near the expanded one.
        queries = np.stack([self._raw, self._wanted])
        found, similarities = self._nearest(queries, max(CANDIDATES, 2 * limit), allowed)
        self.searched_by = "graph" if self._uses_graph(allowed) else "exact"
        rows: Rows = self._index.rows[np.unique(found[np.isfinite(similarities)])]
        return rows

    def _similarities(self, rows: Rows) -> Similarities:
        full = self._index.projection.centre(self._vectors.rows(rows)) @ self._full
        return blend(self._index.points(self._index.positions(rows)) @ self._wanted, full)

    def _uses_graph(self, allowed: Mask) -> bool:
        # A graph finds the nearest of all; where few are wanted it may find none of them.
        return self._graph is not None and bool(np.count_nonzero(allowed) > 0.9 * len(self._index))

    def _nearest(
        self, queries: Vectors32, count: int, mask: Mask
    ) -> tuple[Positions, Similarities]:
        if self._uses_graph(mask):
            return self._nearest_by_graph(queries, count, mask)
        index = self._index
        return best(np.where(mask[index.rows], index.similarities(queries), -np.inf), count)

    def _nearest_by_graph(
        self, queries: Vectors32, count: int, mask: Mask
    ) -> tuple[Positions, Similarities]:
        assert self._graph is not None
        index = self._index
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
