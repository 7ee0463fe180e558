"""What each cell of two feature maps adds to the similarity of two photos, exactly.

Where an embedding is the mean over a feature map, the cosine of two embeddings is a sum over all
pairs of cells, one of each map. The same holds for embeddings relative to the mean of a library,
and for embeddings of several extractors laid end to end: only the vectors of the cells change.

References
----------
Stylianou, Souvenir and Pless, "Visualizing deep similarity networks", WACV 2019.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Map", "Vectors", "Weights", "contributions", "matches", "pooled", "relative_cells"]

Map = npt.NDArray[np.float32]
"""A feature map, (h, w, D)."""

Vectors = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float64]
"""A number for each cell, (h, w)."""


def pooled(feature_map: Map) -> Vectors:
    """Return the mean over a feature map (h, w, D), at unit length: (D,)."""
    mean = feature_map.mean(axis=(0, 1), dtype=np.float64)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12))


def relative_cells(feature_map: Map, centre: npt.NDArray[np.float32], scale: float = 1) -> Vectors:
    """Return the vectors of the cells whose mean is the embedding relative to a centre.

    Parameters
    ----------
    feature_map
        float32 of shape (h, w, D).
    centre
        What is taken from each embedding, (D,): the mean embedding of a library.
    scale
        The length that embeddings have before the centre is taken from them: less than 1 where
        those of several extractors are laid end to end.

    Returns
    -------
    float64, (h, w, D)
        Their mean is ``scale * pooled(feature_map) - centre``.
    """
    cells = np.asarray(feature_map, np.float64)
    length = float(np.linalg.norm(cells.mean(axis=(0, 1))))
    return np.asarray(cells * (scale / max(length, 1e-12)) - centre)


def contributions(first: Vectors, second: Vectors, lengths: float) -> tuple[Weights, Weights]:
    """Return what each cell of two maps adds to the similarity of the two.

    Parameters
    ----------
    first, second
        As :func:`relative_cells` returns them, (h, w, D) and (k, l, D).
    lengths
        The product of the lengths of both whole embeddings relative to the centre.

    Returns
    -------
    of_first, of_second
        (h, w) and (k, l). The sum of either is the similarity: the cosine of the means of the
        cells, or the part of it that one of several extractors adds.
    """
    divisor = max(lengths, 1e-12)
    of_first = first @ second.mean(axis=(0, 1)) / (first[..., 0].size * divisor)
    of_second = second @ first.mean(axis=(0, 1)) / (second[..., 0].size * divisor)
    return of_first, of_second


def matches(first: Vectors, second: Vectors) -> Weights:
    """Return the cosine of each cell of a map with each of another, (h * w, k * l).

    Cells come row by row.
    """
    left, right = (cells.reshape(-1, cells.shape[-1]) for cells in (first, second))
    lengths = np.outer(np.linalg.norm(left, axis=1), np.linalg.norm(right, axis=1))
    return np.asarray(left @ right.T / np.maximum(lengths, 1e-12))
