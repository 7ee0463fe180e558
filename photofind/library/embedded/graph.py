"""The PyNNDescent graph: built over points, kept as plain arrays, and searched.

PyNNDescent persists itself by pickle only. Here a graph is named arrays and a JSON object, so that
nothing on disk can run code. Imports PyNNDescent, hence numba, which is slow and large: only child
processes import this module.

References
----------
Dong, Moses and Li, "Efficient k-nearest neighbor graph construction for generic similarity
measures", WWW 2011; McInnes, PyNNDescent.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from pynndescent import NNDescent
from pynndescent.kernels import KERNEL_ALT_DOT
from pynndescent.search import _new_search_index, deheap_sort_serial, search_dense_alternative_dot
from pynndescent.utils import make_heap
from scipy.sparse import csr_array

from photofind.ranking.projection import Vectors32

__all__ = ["NEIGHBOURS", "Graph", "build_graph", "entries_of"]

Arrays = dict[str, npt.NDArray[Any]]

NEIGHBOURS = 30
"""So many neighbours of each point a graph is made of."""

ENTRIES = 30
"""A search may enter the graph at so many points, times the root of their number.

Clusters hang together loosely, so entering in the wrong one finds nothing. Of a million points
30,000 are looked at, and recall is 0.999; by 256 leaves of PyNNDescent's tree it is 0.935.
"""
LEAST_ENTERED = 64
"""It enters at so many of them at the least, the nearest, and at as many as are wanted."""
EPSILON = 0.2


class Graph:
    """A graph over points that answers nearest-neighbour queries, from one thread at a time.

    Parameters
    ----------
    points, arrays, values
        As :func:`build_graph` gives them: the points in the graph's own order, float32 and
        C-contiguous. All are read where they are.
    entries
        The points at which a search may enter; None is the first ones, as in a graph that was
        built.

    Notes
    -----
    PyNNDescent enters a graph at all points of a leaf of its trees. It is given a tree of one leaf,
    into which the nearest entries are written before each search: those are told by one product
    of matrices, in a fifth of the time that PyNNDescent takes to look at them one by one.
    """

    def __init__(
        self,
        points: Vectors32,
        arrays: Arrays,
        values: dict[str, Any],
        entries: slice | None = None,
    ) -> None:
        count, dimension = points.shape
        entries = entries or slice(values["entries"])
        self._entries = points[entries]
        self._step = entries.step or 1
        self._leaf = np.zeros((1, 1, 2), np.int32)  # From where it goes, and to where, negated.
        self._entered = np.zeros((1, len(self._entries)), np.int32)
        self._visited = np.zeros(count // 8 + 1, np.uint8)
        self._no_norms = np.ones(1, np.float32)
        self._random_state = np.zeros(3, np.int64)  # Nothing is drawn.
        self._index = _new_search_index(
            *map(_read_only, (points, arrays["indptr"], arrays["indices"])),
            _read_only(np.zeros((1, 1, dimension), np.float32)),  # The tree's planes,
            _read_only(np.zeros((1, 1), np.float32)),  # offsets,
            _read_only(self._leaf),  # children,
            _read_only(self._entered),  # and points.
            np.int64(1),  # Trees.
            np.int64(1),  # Leaves.
            np.int64(0),  # At the least so many points to enter at; others are drawn.
            np.float32(values["min_distance"]),
            True,  # Queries have unit length,
            True,  # also in front of the tree.
            np.int64(KERNEL_ALT_DOT),
        )

    def nearest(
        self, queries: Vectors32, count: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Find the nearest points of each query.

        Parameters
        ----------
        queries
            float32 of shape (m, d), unit length.
        count
            How many points to return for each.

        Returns
        -------
        points, similarities
            Both (m, count), best first. Where the graph found fewer, the point is 0 and its
            similarity ``-inf``.
        """
        points = np.empty((len(queries), count), np.int64)
        similarities = np.empty((len(queries), count), np.float32)
        entered = min(max(LEAST_ENTERED, count), len(self._entries))
        self._leaf[..., 1] = -entered
        for row, query in enumerate(np.ascontiguousarray(queries, np.float32)):
            nearest = np.argpartition(self._entries @ query, -entered)
            self._entered[0, :entered] = self._step * nearest[-entered:]
            found, distances = self._search(query[np.newaxis], count)
            is_there = (found >= 0) & np.isfinite(distances)
            points[row] = np.where(is_there, found, 0)
            # It ranks by -log2 of the cosine.
            similarities[row] = np.where(is_there, np.exp2(-distances), -np.inf)
        return points, similarities

    def _search(
        self, query: Vectors32, count: int
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Return the nearest points of one query (1, d) and their distances, (count,)."""
        heap = search_dense_alternative_dot(
            self._index,
            query,
            query,
            self._no_norms,
            make_heap(1, count),
            count,
            np.float32(EPSILON),
            self._visited,
            True,  # The query has unit length.
            self._random_state,
        )
        points, distances = deheap_sort_serial(*heap[:2])
        return points[0], distances[0]


def build_graph(
    points: Vectors32, *, seed: int = 0
) -> tuple[npt.NDArray[np.int32], Arrays, dict[str, Any]]:
    """Build a graph over points, and return it in parts that make a :class:`Graph`.

    Parameters
    ----------
    points
        float32 of shape (n, d), unit length, no two the same.

    Returns
    -------
    order, arrays, values
        The graph's order of the points, its arrays and its plain values. Point ``i`` of the graph
        is point ``order[i]`` of those given.
    """
    index = NNDescent(points, metric="cosine", n_neighbors=NEIGHBOURS, random_state=seed)
    index.prepare()
    state = index.__getstate__()
    count = len(points)
    entries = entries_of(count)
    # PyNNDescent's order is that of a tree, so these lie all over. They come first, together.
    first = np.linspace(0, count - 1, entries).astype(np.int64)
    order = np.concatenate([first, np.setdiff1d(np.arange(count), first, assume_unique=True)])
    back = np.empty(count, np.int32)
    back[order] = np.arange(count)
    links = state["_search_graph"][order]
    links = csr_array((links.data, back[links.indices], links.indptr), shape=links.shape)
    links.sort_indices()
    values = {"min_distance": float(state["_min_distance"]), "entries": entries}
    arrays = {
        "indptr": links.indptr.astype(np.int32),
        "indices": links.indices.astype(np.int32),
    }
    return state["_vertex_order"][order], arrays, values


def entries_of(count: int) -> int:
    """Return at how many of its points a search may enter a graph."""
    return min(count, round(ENTRIES * math.sqrt(count)))


def _read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a view that cannot be written to, as numba compiled the search for."""
    view = array.view()
    view.flags.writeable = False
    return view
