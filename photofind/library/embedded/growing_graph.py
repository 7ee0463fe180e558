"""A graph that takes in points which come after it was built, a few at a time.

Each new point is linked to its nearest, of which those are left out that lie behind another one:
nearer to a neighbour that is kept than to the point itself. They are linked back. So PyNNDescent
links the points that it is built of too. All links are in one array with room, which PyNNDescent's
search reads as a sparse matrix whose rows are equally long: what is written to it counts at once,
and nothing is compiled or built anew.

References
----------
Jaromczyk and Toussaint, "Relative neighborhood graphs and their relatives", Proc. IEEE 1992.
Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using hierarchical
navigable small world graphs", PAMI 2020 (inserting, and links back).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from photofind.library.embedded.graph import NEIGHBOURS, Arrays, Graph
from photofind.ranking.exact import Positions, Similarities
from photofind.ranking.projection import Vectors32

__all__ = ["GrowingGraph"]

# There is room for so many links of a point, at the least.
LINKS = 32
# With less between them, two points are the same.
SAME = 1e-6
BLOCK = 1 << 16

Links = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


class GrowingGraph:
    """A graph over points that answers, and takes in more, from one thread at a time.

    Parameters
    ----------
    points, arrays, values
        As :class:`~photofind.library.embedded.graph.Graph` takes them. They are read where they
        are until the first points are taken in.
    """

    def __init__(self, points: Vectors32, arrays: Arrays, values: dict[str, Any]) -> None:
        self._graph = Graph(points, arrays, values)
        self._arrays, self._values = arrays, values
        self._count = len(points)
        self._points = points
        self._links: Links = np.empty((0, 0), np.int32)

    def __len__(self) -> int:
        return self._count

    def nearest(self, queries: Vectors32, count: int) -> tuple[Positions, Similarities]:
        """Find the nearest points of queries; see `Graph.nearest`."""
        return self._graph.nearest(queries, count)

    def extend(self, points: Vectors32) -> None:
        """Take in points, (n, d), at unit length, under the next numbers."""
        self._make_room(len(points))
        numbers = np.arange(self._count, self._count + len(points))
        neighbours, similarities = self._candidates(points, numbers)
        self._points[numbers] = points
        self._links[numbers] = numbers[:, np.newaxis]
        for number, others in zip(numbers, self._in_front(neighbours, similarities), strict=True):
            self._links[number, : len(others)] = others
            for other in others:
                self._link(other, number)
        self._count += len(points)

    def _candidates(self, points: Vectors32, numbers: Positions) -> tuple[Positions, Similarities]:
        """Return what each new point may be linked to, of those before it: (n, k).

        As if they came one by one: where all that is near comes with them, the first ones still
        link them to the others.
        """
        neighbours, similarities = self._graph.nearest(points, NEIGHBOURS)
        between = points @ points.T
        between[np.triu_indices(len(points))] = -np.inf
        neighbours = np.concatenate(
            [neighbours, np.broadcast_to(numbers, between.shape)], axis=1, dtype=np.int64
        )
        return neighbours, np.concatenate([similarities, between], axis=1)

    def _link(self, number: np.int64, other: np.int64) -> None:
        """Link a point to another one; of more than there is room for, the nearest take some over.

        Nothing else may lead to a point.
        """
        row = self._links[number]
        if (row == other).any():
            return
        free = np.flatnonzero(row == number)
        if len(free):
            row[free[0]] = other
            return
        all_others = np.append(row, other)[np.newaxis]
        similarities = self._points[all_others] @ self._points[number]
        (others,) = self._in_front(all_others, similarities)
        row[:] = number
        row[: len(others)] = others
        for dropped in np.setdiff1d(all_others, others):
            has_room = (self._links[others] == others[:, np.newaxis]).any(axis=1)
            takers = others[has_room]
            if len(takers):
                nearest = (self._points[takers] @ self._points[dropped]).argmax()
                self._link(takers[nearest], dropped)

    def _in_front(self, neighbours: Positions, similarities: Similarities) -> list[Positions]:
        """Return the neighbours that each of n points is linked to, the nearest first.

        Parameters
        ----------
        neighbours, similarities
            Of each point, in any order, (n, k); ``-inf`` for those that are none.
        """
        # Of those that are the same as a point it is linked to the latest alone, so that many that
        # are the same hang together without all being linked to one.
        similarities = np.where(similarities > 1 - SAME, np.float32(1), similarities)
        order = np.lexsort((-neighbours, -similarities), axis=1)[:, :NEIGHBOURS]
        neighbours = np.take_along_axis(neighbours, order, axis=1)
        similarities = np.take_along_axis(similarities, order, axis=1)
        vectors = self._points[neighbours]
        kept = _in_front(similarities, vectors @ vectors.transpose(0, 2, 1))
        width = self._links.shape[1]
        return [row[keep][:width] for row, keep in zip(neighbours, kept, strict=True)]

    def _make_room(self, more: int) -> None:
        """Have room for more points: the arrays move where it lacks."""
        needed = self._count + more
        if len(self._links) >= needed:
            return
        capacity = needed + needed // 2
        old = self._links
        if not len(old):
            old = _links(self._arrays["indptr"], self._arrays["indices"])
        # Pages that nothing was written to take no memory.
        points = np.zeros((capacity, self._points.shape[1]), np.float32)
        points[: self._count] = self._points[: self._count]
        links = np.zeros((capacity, old.shape[1]), np.int32)
        links[: self._count] = old[: self._count]
        arrays = self._arrays | {
            "indptr": np.arange(capacity + 1, dtype=np.int32) * np.int32(links.shape[1]),
            "indices": links.ravel(),
        }
        self._graph = Graph(points, arrays, self._values)
        self._arrays, self._points, self._links = arrays, points, links


def _links(indptr: Links, indices: Links) -> Links:
    """Return the rows of a sparse matrix as links, (n, k), each filled up by its own number."""
    counts = np.diff(indptr)
    links = np.empty((len(counts), max(LINKS, counts.max(initial=0))), np.int32)
    links[:] = np.arange(len(counts), dtype=np.int32)[:, np.newaxis]
    for start in range(0, len(counts), BLOCK):
        some = counts[start : start + BLOCK]
        first, last = indptr[start], indptr[start + len(some)]
        rows = np.repeat(np.arange(start, start + len(some)), some)
        places = np.arange(first, last) - indptr[rows]
        links[rows, places] = indices[first:last]
    return links


def _in_front(similarities: Similarities, between: Similarities) -> Mask:
    """Return which neighbours of points lie behind none that is kept, (n, k).

    Parameters
    ----------
    similarities
        Of the neighbours with each point, best first, (n, k); 1 of those that are the same, of
        which the first is kept, and hides no other; ``-inf`` of those that are none.
    between
        Of the neighbours of each point with each other, (n, k, k).
    """
    kept = np.isfinite(similarities)
    is_same = similarities == 1
    kept[:, 1:] &= ~is_same[:, 1:]
    for place in range(1, similarities.shape[1]):
        nearer = between[:, place, :place] > similarities[:, place, np.newaxis]
        kept[:, place] &= ~(nearer & kept[:, :place] & ~is_same[:, :place]).any(axis=1)
    return kept
