"""The PyNNDescent graph: built over points, taken apart into plain arrays, put together again.

PyNNDescent persists itself by pickle only. Here its state travels as named arrays and a JSON
object instead, so that nothing on disk can run code. Imports PyNNDescent, hence numba, which is
slow and large: only child processes import this module.

References
----------
Dong, Moses and Li, "Efficient k-nearest neighbor graph construction for generic similarity
measures", WWW 2011; McInnes, PyNNDescent.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pynndescent import NNDescent
from scipy.sparse import csr_array

from photofind.ranking.projection import Vectors32

__all__ = ["NEIGHBOURS", "Graph", "build_graph", "restore_graph"]

Arrays = dict[str, npt.NDArray[Any]]

NEIGHBOURS = 30
"""So many neighbours of each point a graph is made of."""

ENTRIES = 30
"""A search enters the graph at the nearest of so many points, times the root of their number.

Clusters hang together loosely, so entering in the wrong one finds nothing. Of a million points
30,000 are looked at, and recall is 0.999; by 256 leaves of PyNNDescent's tree it is 0.935.
"""
EPSILON = 0.2

# What NNDescent.__setstate__ needs, as of PyNNDescent 0.7, and is not an array.
_SCALARS = (
    "n_neighbors",
    "metric",
    "dim",
    "quantization",
    "search_tree_leaf_budget",
    "parallel_batch_queries",
    "tree_init",
    "verbose",
    "n_jobs",
    "compressed",
    "_angular_trees",
    "_bit_trees",
    "_is_sparse",
    "_normalized_data",
)


class Graph:
    """A graph over points that answers nearest-neighbour queries, from one thread at a time."""

    def __init__(self, index: NNDescent) -> None:
        self._index = index

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
        points, distances = self._index.query(queries, k=count, epsilon=EPSILON)
        missing = (points < 0) | ~np.isfinite(distances)
        similarities = np.where(missing, -np.inf, 1.0 - distances)
        return np.where(missing, 0, points).astype(np.int64), similarities.astype(np.float32)


def build_graph(
    points: Vectors32, *, seed: int = 0
) -> tuple[npt.NDArray[np.int32], Arrays, dict[str, Any]]:
    """Build a graph over points, and return it in parts that :func:`restore_graph` puts together.

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
    entries = min(count, round(ENTRIES * count**0.5))
    # PyNNDescent's order is that of a tree, so these lie all over. They come first, together.
    first = np.linspace(0, count - 1, entries).astype(np.int64)
    order = np.concatenate([first, np.setdiff1d(np.arange(count), first, assume_unique=True)])
    back = np.empty(count, np.int32)
    back[order] = np.arange(count)
    links = state["_search_graph"][order]
    links = csr_array((links.data, back[links.indices], links.indptr), shape=links.shape)
    links.sort_indices()
    values = {name: state[name] for name in _SCALARS}
    values |= {"min_distance": float(state["_min_distance"]), "entries": entries}
    arrays = {
        "indptr": links.indptr.astype(np.int32),
        "indices": links.indices.astype(np.int32),
        "random_state": state["search_rng_state"],
    }
    return state["_vertex_order"][order], arrays, values


def restore_graph(points: Vectors32, arrays: Arrays, values: dict[str, Any]) -> Graph:
    """Put a graph together from what :func:`build_graph` returned.

    Parameters
    ----------
    points
        The points in the graph's own order, float32, C-contiguous and writable in memory (a
        copy-on-write memory map is): numba compiles anew for anything else.
    """
    count, entries = len(points), values["entries"]
    edges = np.ones(len(arrays["indices"]), np.uint8)
    search_graph = csr_array((edges, arrays["indices"], arrays["indptr"]), shape=(count, count))
    search_graph.has_sorted_indices = True
    state = {name: values[name] for name in _SCALARS}
    # A tree of one leaf: a search looks at all that is in it.
    hyperplanes, offsets = np.zeros((1, points.shape[1]), np.float32), np.zeros(1, np.float32)
    children = np.array([[0, -entries]], np.int32)
    tree = (hyperplanes, offsets, children, np.arange(count, dtype=np.int32), entries)
    state |= {
        "_raw_data": points,
        "_dist_args": (),
        "_distance_correction": None,
        "_input_dtype": np.float32,
        "_search_forest": (tree,),
        "_search_graph": search_graph,
        "_min_distance": np.float32(values["min_distance"]),
        "_vertex_order": np.arange(count, dtype=np.int32),
        "_visited": np.zeros(count // 8 + 1, np.uint8),
        "search_rng_state": arrays["random_state"],
    }
    index = NNDescent.__new__(NNDescent)
    index.__setstate__(state)
    return Graph(index)
