"""The nearest other points of every point, for any engine that builds an index.

References
----------
Dong, Moses and Li, "Efficient k-nearest neighbor graph construction for generic similarity
measures", WWW 2011.
"""

from __future__ import annotations

import numpy as np

from photofind.ranking.exact import Positions, Similarities, neighbours_exactly
from photofind.ranking.projection import Vectors32

__all__ = ["nearest_others"]

_FOUND = 30
# Up to here exact neighbours cost less than compiling what finds them approximately.
_EXACT_PAYS = 30_000


def nearest_others(points: Vectors32, count: int) -> tuple[Positions, Similarities]:
    """Find the nearest other points of every point: exactly where they are few.

    Many are compared by the construction of a graph alone. That imports numba, which is slow and
    large, so only child processes and those that build an index call this.

    Parameters
    ----------
    points
        float32 of shape (n, d), unit length.
    count
        How many others of each, below 30.

    Returns
    -------
    neighbours, similarities
        Both (n, count), best first; unfound neighbours are 0 with similarity ``-inf``.
    """
    if len(points) <= _EXACT_PAYS:
        return neighbours_exactly(points, count)
    from pynndescent import NNDescent

    index = NNDescent(points, metric="cosine", n_neighbors=_FOUND, random_state=0)
    neighbours, distances = index.neighbor_graph
    neighbours, distances = neighbours[:, 1 : count + 1], distances[:, 1 : count + 1]
    similarities = np.where(neighbours < 0, -np.inf, 1.0 - distances).astype(np.float32)
    return np.maximum(neighbours, 0).astype(np.int64), similarities
