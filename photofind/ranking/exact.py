"""Exact nearest neighbours, by comparing with everything: the answer that graphs approximate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from photofind.ranking.projection import Vectors32

__all__ = ["best", "nearest_exactly", "neighbours_exactly"]

# So many similarities are computed at a time. With their order they take 100 MB; four times as
# many are no faster.
BLOCK = 1 << 23

Positions = npt.NDArray[np.int64]
Similarities = npt.NDArray[np.float32]


def best(similarities: Similarities, count: int) -> tuple[Positions, Similarities]:
    """Return the positions of the ``count`` highest in each row of (m, n), best first."""
    width = similarities.shape[1]
    count = min(count, width)
    if count < width:
        top = np.argpartition(similarities, width - count - 1, axis=1)[:, width - count :]
    else:
        top = np.broadcast_to(np.arange(width), similarities.shape)
    rows = np.arange(len(similarities))[:, np.newaxis]
    values = similarities[rows, top]
    order = np.argsort(-values, axis=1, kind="stable")
    return top[rows, order], values[rows, order]


def nearest_exactly(
    points: Vectors32, queries: Vectors32, count: int, exclude: Positions | None = None
) -> tuple[Positions, Similarities]:
    """Find the nearest points of each query, best first.

    Parameters
    ----------
    points, queries
        float32 of shapes (n, d) and (m, d), unit length.
    count
        How many points to return for each.
    exclude
        A point for each query that is not to be found, (m,).

    Returns
    -------
    positions, similarities
        Both (m, count).
    """
    count = min(count, len(points))
    positions = np.empty((len(queries), count), np.int64)
    similarities = np.empty((len(queries), count), np.float32)
    # Many queries against many points do not fit in memory at once.
    step = max(1, BLOCK // max(1, len(points)))
    for start in range(0, len(queries), step):
        block = queries[start : start + step] @ points.T
        if exclude is not None:
            block[np.arange(len(block)), exclude[start : start + step]] = -np.inf
        positions[start : start + step], similarities[start : start + step] = best(block, count)
    return positions, similarities


def neighbours_exactly(points: Vectors32, count: int) -> tuple[Positions, Similarities]:
    """Find the nearest other points of every point (n, d): both (n, count), best first."""
    return nearest_exactly(points, points, count, exclude=np.arange(len(points)))
