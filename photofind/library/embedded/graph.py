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

NEIGHBOURS = 45
"""So many neighbours of each point a graph is made of. Smoothing draws points together, so that the
nearest 30 may all lie on one side: with 45 recall is 0.993 in place of 0.986, at 67,000 points."""

# A search enters the graph at the nearest points of so many leaves of a tree. Clusters hang
# together loosely, so entering in the wrong one finds nothing: at a million points 16 leaves give
# a recall of 0.94, 256 give 0.9995, for 0.6 ms more.
LEAF_BUDGET = 256
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
_TREE = ("hyperplanes", "offsets", "children", "indices")


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

    def take_apart(self) -> tuple[npt.NDArray[np.int32], Arrays, dict[str, Any]]:
        """Return the graph's order of the points, its arrays and its plain values.

        The points themselves are not among the arrays. To restore the graph they must be given
        in this order: point ``i`` of the restored graph is point ``order[i]`` of this one.
        """
        state = self._index.__getstate__()
        (tree,) = state["_search_forest"]
        arrays: Arrays = {
            "indptr": state["_search_graph"].indptr,
            "indices": state["_search_graph"].indices,
            "random_state": state["search_rng_state"],
        }
        arrays |= {f"tree_{name}": part for name, part in zip(_TREE, tree[:4], strict=True)}
        values = {name: state[name] for name in _SCALARS}
        values |= {"min_distance": float(state["_min_distance"]), "leaf_size": int(tree[4])}
        return state["_vertex_order"], arrays, values


def build_graph(points: Vectors32, *, seed: int = 0) -> Graph:
    """Build a graph over points: float32 of shape (n, d), unit length, no two the same."""
    index = NNDescent(
        points,
        metric="cosine",
        n_neighbors=NEIGHBOURS,
        search_tree_leaf_budget=LEAF_BUDGET,
        random_state=seed,
    )
    index.prepare()
    return Graph(index)


def restore_graph(points: Vectors32, arrays: Arrays, values: dict[str, Any]) -> Graph:
    """Put a graph together again from what :meth:`Graph.take_apart` gave.

    Parameters
    ----------
    points
        The points in the graph's own order, float32, C-contiguous and writable in memory (a
        copy-on-write memory map is): numba compiles anew for anything else.
    """
    count = len(points)
    edges = np.ones(len(arrays["indices"]), np.uint8)
    search_graph = csr_array((edges, arrays["indices"], arrays["indptr"]), shape=(count, count))
    search_graph.has_sorted_indices = True
    state = {name: values[name] for name in _SCALARS}
    tree = (*(arrays[f"tree_{name}"] for name in _TREE), values["leaf_size"])
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
