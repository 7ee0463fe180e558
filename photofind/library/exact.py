"""Exact nearest neighbours, by comparing with everything: the answer that graphs approximate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from photofind.library.projection import Vectors32

__all__ = ["best", "nearest_exactly", "neighbours_exactly"]

BLOCK = 1024

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
    values = np.take_along_axis(similarities, top, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(top, order, axis=1), np.take_along_axis(values, order, axis=1)


def nearest_exactly(
    points: Vectors32, queries: Vectors32, count: int
) -> tuple[Positions, Similarities]:
    """Find the nearest points (n, d) of each query (m, d), all of unit length, best first."""
    return best(queries @ points.T, count)


def neighbours_exactly(points: Vectors32, count: int) -> tuple[Positions, Similarities]:
    """Find the nearest other points of every point (n, d): both (n, count), best first."""
    positions = np.empty((len(points), count), np.int64)
    similarities = np.empty((len(points), count), np.float32)
    for start in range(0, len(points), BLOCK):
        block = points[start : start + BLOCK] @ points.T
        block[np.arange(len(block)), np.arange(start, start + len(block))] = -np.inf
        positions[start : start + BLOCK], similarities[start : start + BLOCK] = best(block, count)
    return positions, similarities
