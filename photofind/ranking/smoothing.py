"""A vector is improved by its neighbours: for photos of the library, and for queries.

Each becomes the mean of itself and its nearest neighbours, weighted by similarity cubed. Done to
the library beforehand this is database-side augmentation, done to a query it is average query
expansion; together they are worth six points of mAP on Corel-1K.

References
----------
Turcot and Lowe, "Better matching with fewer features: the selection of useful features in large
database recognition problems", ICCV workshops 2009.
Arandjelovic and Zisserman, "Three things everyone should know to improve object retrieval",
CVPR 2012.
Radenovic, Tolias and Chum, "Fine-tuning CNN image retrieval with no human annotation", PAMI 2019
(the weights).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from photofind.ranking.exact import best, nearest_exactly
from photofind.ranking.pictures import PERHAPS_THE_SAME
from photofind.ranking.projection import Vectors32, normalised

__all__ = [
    "SMOOTHING",
    "Nearest",
    "expand",
    "expansion_neighbours",
    "expansion_weights",
    "smooth",
    "smooth_new",
    "smooth_rounds",
    "smoothing_neighbours",
]

Similarities = npt.NDArray[np.float32]
Nearest = Callable[[Vectors32, int], tuple[Vectors32, Similarities]]
"""Gives the ``k`` nearest points of queries (m, d) and their cosines: (m, k, d) and (m, k)."""

POWER = 3
SMOOTHING = 25
ROUNDS = 2
EXPANSION = 60
BLOCK = 4096
# So many new photos are smoothed together.
TOGETHER = 1024
# With fewer pictures than this, neighbours that far away are strangers.
ENOUGH = 400


def smoothing_neighbours(photos: int) -> int:
    """Return how many neighbours smooth a photo of a library of so many different pictures.

    Up to 25; fewer in a small library, where the farther ones are strangers.
    """
    return min(SMOOTHING, SMOOTHING * photos // ENOUGH)


def expansion_neighbours(photos: int) -> int:
    """Return how many neighbours expand a query, in a library of so many different pictures.

    Up to 60, of which the farther ones weigh less: none of those that come and go as a library
    grows changes much.
    """
    return min(EXPANSION, EXPANSION * photos // ENOUGH)


def smooth(vectors: Vectors32, neighbours: Vectors32, similarities: Similarities) -> Vectors32:
    """Return each vector averaged with its neighbours, at unit length.

    Parameters
    ----------
    vectors
        float32 of shape (n, d), unit length.
    neighbours
        The nearest neighbours of each, float32 of shape (n, k, d).
    similarities
        The cosine of each neighbour, (n, k); those below zero, ``-inf`` included, weigh nothing.
    """
    weights = np.clip(similarities, 0, None) ** POWER
    return normalised(vectors + np.einsum("nk,nkd->nd", weights, neighbours))


def smooth_rounds(
    points: Vectors32, neighbours: npt.NDArray[np.int32], similarities: Similarities
) -> Vectors32:
    """Return points smoothed in rounds, each by what the round before made of the same neighbours.

    Parameters
    ----------
    points
        float32 of shape (n, d), unit length.
    neighbours
        The places of the nearest neighbours of each, (n, k).
    similarities
        The cosine of each neighbour, (n, k).
    """
    for number in range(ROUNDS):
        smoothed = np.empty_like(points)
        for start in range(0, len(points), BLOCK):
            part = slice(start, start + BLOCK)
            near = points[neighbours[part]]
            cosines = similarities[part]
            if number:
                cosines = np.einsum("nd,nkd->nk", points[part], near)
            smoothed[part] = smooth(points[part], near, cosines)
        points = smoothed
    return points


def smooth_new(points: Vectors32, nearest: Nearest, photos: int) -> Vectors32:
    """Return projected embeddings (n, d) that came after an index was built, smoothed.

    Each by its nearest among the points that there are and among those that it came with: what is
    new may be like nothing that was there. They are taken in parts, whose photos are smoothed in
    rounds together. Of takes of one picture that came together the first counts.

    Parameters
    ----------
    nearest
        Gives the nearest of the points that there are, of different pictures.
    photos
        How many different pictures the index was built on.
    """
    count = smoothing_neighbours(photos)
    smoothed = np.empty_like(points)
    for start in range(0, len(points) if count else 0, TOGETHER):
        part, before = points[start : start + TOGETHER], smoothed[:start]
        vectors, cosines = nearest(part, count)
        earlier, cosines_earlier = nearest_exactly(before, part, count)
        mates, cosines_mates = best(_between(part), count)
        cosines = np.concatenate([cosines, cosines_earlier, cosines_mates], axis=1)
        places, cosines = best(cosines, count)
        now = part
        for number in range(ROUNDS):
            near = np.concatenate([vectors, before[earlier], now[mates]], axis=1)
            near = np.take_along_axis(near, places[..., np.newaxis], axis=1)
            if number:
                again = np.einsum("nd,nkd->nk", now, near)
                cosines = np.where(np.isfinite(cosines), again, -np.inf)
            now = smooth(now, near, cosines)
        smoothed[start : start + TOGETHER] = now
    return smoothed if count else points


def _between(points: Vectors32) -> Similarities:
    """Return the cosines of points (n, d) with each other, (n, n); ``-inf`` of what is a take."""
    cosines = points @ points.T
    alike = cosines >= PERHAPS_THE_SAME
    cosines[alike] = -np.inf  # Itself too.
    cosines[:, np.tril(alike, -1).any(axis=1)] = -np.inf
    return cosines


def expand(queries: Vectors32, nearest: Nearest, photos: int) -> Vectors32:
    """Return queries (m, d) expanded by their nearest neighbours, the nearer the more.

    Parameters
    ----------
    nearest
        Gives the nearest points of the library, of different pictures, best first.
    photos
        How many different pictures the library has.
    """
    count = expansion_neighbours(photos)
    if not count:
        return queries
    neighbours, similarities = nearest(queries, count)
    weights = expansion_weights(similarities, count)
    return normalised(queries + np.einsum("nk,nkd->nd", weights, neighbours))


def expansion_weights(similarities: Similarities, count: int) -> Similarities:
    """Return how much each neighbour of expanded queries counts beside them, (m, k).

    Parameters
    ----------
    similarities
        The cosines of the nearest neighbours, best first, (m, k), k at most ``count``.
    count
        How many neighbours expand a query.
    """
    shares = np.linspace(1, 0, count, endpoint=False, dtype=np.float32)
    weights = shares[: similarities.shape[1]] * np.clip(similarities, 0, None) ** POWER
    return np.asarray(weights, np.float32)
