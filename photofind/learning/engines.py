"""Ways to find the nearest photos: exact search, and indexes of kept libraries, side by side.

All search the same points: the embeddings centred on the gallery and reduced to its principal
components, which is what photofind searches.

References
----------
Dong, Moses and Li, "Efficient k-nearest neighbor graph construction for generic similarity
measures", WWW 2011 (PyNNDescent). Bentley, "Multidimensional binary search trees used for
associative searching", 1975 (k-d tree). Charikar, "Similarity estimation techniques from rounding
algorithms", STOC 2002 (LSH by random hyperplanes).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from photofind.ranking.projection import Vectors32

__all__ = ["ENGINES", "INSTALL_LSH", "EngineFigures", "measure_engines"]

INSTALL_LSH = 'pip install "photofind[lsh]"'

_TIMED = 200
_BITS = 256

Places = npt.NDArray[np.intp]
Search = Callable[[Vectors32, int], Places]
"""Gives the places of the nearest points of one query (1, d), (k,)."""


@dataclass(frozen=True)
class EngineFigures:
    """How fast and how exact one engine is.

    Parameters
    ----------
    engine
        Its name.
    build_seconds
        How long it took to build, with what is compiled for that the first time.
    milliseconds
        The median time of one query; None where the engine is missing.
    recall
        The share of the ten nearest that it finds.
    note
        What is missing, and how to get it.
    """

    engine: str
    build_seconds: float | None
    milliseconds: float | None
    recall: float | None
    note: str = ""


def measure_engines(
    points: Vectors32, queries: Vectors32, own: Places | None = None, depth: int = 10
) -> Iterator[EngineFigures]:
    """Measure each engine on the same points.

    Parameters
    ----------
    points
        Of the gallery, float32 (n, d), at unit length.
    queries
        Points of queries, (q, d); up to 200 of them are asked, one at a time.
    own
        The place of each query in the gallery, which is not counted as found, (q,).
    depth
        How many nearest are asked for.
    """
    points, queries = np.ascontiguousarray(points), np.ascontiguousarray(queries[:_TIMED])
    asked = min(depth + (own is not None), len(points))
    exact = _exact(points)
    truth = [_without(exact(query[np.newaxis], asked), own, row, depth)
             for row, query in enumerate(queries)]  # fmt: skip
    for name, build in ENGINES.items():
        began = time.perf_counter()
        try:
            search = build(points)
        except ImportError:
            yield EngineFigures(name, None, None, None, f"not installed; {INSTALL_LSH}")
            continue
        built = time.perf_counter() - began
        search(queries[:1], asked)  # What is compiled or loaded at the first query is not timed.
        seconds, found = [], 0
        for row, query in enumerate(queries):
            began = time.perf_counter()
            places = search(query[np.newaxis], asked)
            seconds.append(time.perf_counter() - began)
            found += len(np.intersect1d(_without(places, own, row, depth), truth[row]))
        recall = found / max(sum(map(len, truth)), 1)
        yield EngineFigures(name, built, float(np.median(seconds)) * 1e3, recall)


def _without(places: Places, own: Places | None, row: int, depth: int) -> Places:
    return places[:depth] if own is None else places[places != own[row]][:depth]


def _exact(points: Vectors32) -> Search:
    def search(query: Vectors32, count: int) -> Places:
        similarities = points @ query[0]
        best = np.argpartition(-similarities, count - 1)[:count]
        places: Places = best[np.argsort(-similarities[best])]
        return places

    return search


def _graph(points: Vectors32) -> Search:
    # The engine's own parameters; the room of the engine keeps its import of numba to itself.
    from pynndescent import NNDescent

    neighbours = min(_GRAPH_NEIGHBOURS, len(points) - 1)
    index = NNDescent(
        points,
        metric="cosine",
        n_neighbors=neighbours,
        search_tree_leaf_budget=_GRAPH_LEAVES,
        random_state=0,
    )
    index.prepare()

    def search(query: Vectors32, count: int) -> Places:
        places: Places = index.query(query, k=count, epsilon=_GRAPH_EPSILON)[0][0].astype(np.intp)
        return places

    return search


def _tree(points: Vectors32) -> Search:
    from sklearn.neighbors import KDTree

    tree = KDTree(points)  # At unit length the Euclidean distance ranks as the cosine does.

    def search(query: Vectors32, count: int) -> Places:
        places: Places = tree.query(query, k=count, return_distance=False)[0].astype(np.intp)
        return places

    return search


def _hashes(points: Vectors32) -> Search:
    import faiss

    with suppress(AttributeError):  # One query at a time gains nothing from threads.
        faiss.omp_set_num_threads(1)
    index = faiss.IndexLSH(points.shape[1], _BITS)
    index.add(points)

    def search(query: Vectors32, count: int) -> Places:
        places: Places = index.search(query, count)[1][0].astype(np.intp)
        return places

    return search


# Those of photofind's own graph (photofind.library.embedded.graph).
_GRAPH_NEIGHBOURS, _GRAPH_LEAVES, _GRAPH_EPSILON = 30, 256, 0.2

ENGINES: dict[str, Callable[[Vectors32], Search]] = {
    "exact": _exact,
    "PyNNDescent": _graph,
    "k-d tree": _tree,
    "LSH": _hashes,
}
"""By their names, in the order in which they are shown."""
