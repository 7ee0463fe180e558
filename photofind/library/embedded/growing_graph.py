"""A graph that takes in points which come after it was built, a few at a time.

Each new point is linked to its nearest, of which those are left out that lie behind another one:
nearer to a neighbour that is kept than to the point itself. They are linked back. So PyNNDescent
links the points that it is built of too. All links are in one array with room, which PyNNDescent's
search reads as a sparse matrix whose rows are equally long: nothing is compiled or built anew.

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

from photofind.library.embedded.graph import NEIGHBOURS, Arrays, Graph, entries_of
from photofind.ranking.exact import Positions, Similarities, best
from photofind.ranking.projection import Vectors32

__all__ = ["GrowingGraph", "LinkedPoints"]

# There is room for so many links of a point.
LINKS = 32
# With less between them, two points are the same.
SAME = 1e-6

Links = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


class GrowingGraph:
    """A graph over points that answers, and takes in more, from one thread at a time.

    What it was built of stays as it is, read where it is; those that are taken in make a graph of
    their own, and both are searched.

    Parameters
    ----------
    points, arrays, values
        As :class:`~photofind.library.embedded.graph.Graph` takes them.
    """

    def __init__(self, points: Vectors32, arrays: Arrays, values: dict[str, Any]) -> None:
        self._built, self._first = Graph(points, arrays, values), len(points)
        self._since = LinkedPoints(points.shape[1], values)

    def __len__(self) -> int:
        return self._first + len(self._since)

    def nearest(self, queries: Vectors32, count: int) -> tuple[Positions, Similarities]:
        """Find the nearest points of queries; see `Graph.nearest`."""
        numbers, similarities = self._built.nearest(queries, count)
        if not len(self._since):
            return numbers, similarities
        others, more = self._since.nearest(queries, min(count, len(self._since)))
        numbers = np.concatenate([numbers, self._first + others], axis=1)
        places, similarities = best(np.concatenate([similarities, more], axis=1), count)
        return np.take_along_axis(numbers, places, axis=1), similarities

    def extend(self, points: Vectors32) -> None:
        """Take in points, (n, d), at unit length, under the next numbers."""
        self._since.extend(points)


class LinkedPoints:
    """Points that come a few at a time, each linked to its nearest when it comes.

    Parameters
    ----------
    dimension
        Of the points.
    values
        As :class:`~photofind.library.embedded.graph.Graph` takes them.
    """

    def __init__(self, dimension: int, values: dict[str, Any]) -> None:
        self._values = values
        self._count = 0
        self._points: Vectors32 = np.empty((0, dimension), np.float32)
        self._links: Links = np.empty((0, LINKS), np.int32)
        self._graph: Graph | None = None

    def __len__(self) -> int:
        return self._count

    def nearest(self, queries: Vectors32, count: int) -> tuple[Positions, Similarities]:
        """Find the nearest points of queries, where there are any; see `Graph.nearest`."""
        assert self._graph is not None
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
        self._graph = self._as_graph()

    def _as_graph(self) -> Graph:
        """Return what searches the points that there are."""
        links = self._links[: self._count]
        arrays = {
            "indptr": np.arange(0, links.size + 1, LINKS, dtype=np.int32),
            "indices": links.reshape(-1),
        }
        # They come as life goes on, so the first ones would lie in few places.
        step = max(1, round(self._count / entries_of(self._count)))
        entries = slice(0, self._count, step)
        return Graph(self._points[: self._count], arrays, self._values, entries)

    def _candidates(self, points: Vectors32, numbers: Positions) -> tuple[Positions, Similarities]:
        """Return what each new point may be linked to, of those before it: (n, k).

        As if they came one by one: where all that is near comes with them, the first ones still
        link them to the others.
        """
        similarities = points @ points.T
        similarities[np.triu_indices(len(points))] = -np.inf
        neighbours = np.broadcast_to(numbers, similarities.shape)
        if self._count:
            before, more = self.nearest(points, min(NEIGHBOURS, self._count))
            neighbours = np.concatenate([before, neighbours], axis=1)
            similarities = np.concatenate([more, similarities], axis=1)
        return neighbours, similarities

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
        return [row[keep][:LINKS] for row, keep in zip(neighbours, kept, strict=True)]

    def _make_room(self, more: int) -> None:
        """Have room for more points: the arrays move where it lacks."""
        needed = self._count + more
        if len(self._links) < needed:
            capacity = needed + needed // 2
            self._points = _with_room(self._points, capacity)
            self._links = _with_room(self._links, capacity)


def _with_room(array: npt.NDArray[Any], capacity: int) -> npt.NDArray[Any]:
    # Pages that nothing is written to take no memory.
    larger = np.zeros((capacity, *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


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
