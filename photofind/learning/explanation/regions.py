"""The part of a photo that carries most of a similarity, and where it lies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from photofind.learning.explanation.cells import Weights
from photofind.model import Region

__all__ = ["NAMED", "named_cells", "regions", "where"]

NAMED = 0.25
"""The share of the cells of a photo that are named."""

_MOST = 3
_THIRDS = (("upper left", "top", "upper right"), ("left", "middle", "right"),
           ("lower left", "bottom", "lower right"))  # fmt: skip


def named_cells(weights: Weights, share: float = NAMED) -> npt.NDArray[np.bool_]:
    """Return which cells carry the most, (h, w): so large a share of all cells."""
    count = max(round(share * weights.size), 1)
    order = np.argsort(-weights, axis=None, kind="stable")
    named = np.zeros(weights.size, np.bool_)
    named[order[:count]] = True
    return named.reshape(weights.shape)


def regions(weights: Weights, named: npt.NDArray[np.bool_]) -> tuple[Region, ...]:
    """Return the connected parts of the named cells that carry the most, the first one the most.

    Parameters
    ----------
    weights
        What each cell adds to the similarity, (h, w).
    named
        Which cells are named, (h, w).
    """
    from scipy.ndimage import find_objects, label

    total = float(np.clip(weights, 0, None).sum())
    labels, _ = label(named, structure=np.ones((3, 3)))
    height, width = weights.shape
    found = []
    for number, (rows, columns) in enumerate(find_objects(labels), 1):
        inside = labels == number
        box = (
            columns.start / width,
            rows.start / height,
            (columns.stop - columns.start) / width,
            (rows.stop - rows.start) / height,
        )
        carried = float(weights[inside].sum())
        found.append(Region(box, carried / total if total > 0 else 0.0, where(inside)))
    return tuple(sorted(found, key=lambda region: -region.share)[:_MOST])


def where(inside: npt.NDArray[np.bool_]) -> str:
    """Return in words where some cells lie in a photo, (h, w): "upper left", "middle" ..."""
    rows, columns = np.nonzero(inside)
    down = (rows.mean() + 0.5) / inside.shape[0]
    across = (columns.mean() + 0.5) / inside.shape[1]
    return _THIRDS[min(int(3 * down), 2)][min(int(3 * across), 2)]
