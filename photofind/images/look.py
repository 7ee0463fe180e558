"""How a picture looks, in a few numbers: its colours and how sharp it is.

They tell a retouched copy (brighter, grey, blurred, sharpened) from one that was saved again or
rescaled, which looks the same.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["LOOK", "is_retouched", "look_of"]

_SIDE, _CELLS = 384, 8
_LEVELS = 3
_COLOURS = _CELLS * _CELLS * 3
LOOK = _COLOURS + _LEVELS + 1
"""How many numbers a look has."""

# Saving a photo again in JPEG quality 20 changes its colours by 2 of 255 on average at most, and
# its detail by a fifth; brightness times 1.1 and a blur of one pixel change them by more.
_SAME_COLOURS, _SAME_DETAIL = 4.0, 1.35
_LEAST_DETAIL = 0.5

Look = npt.NDArray[np.float32]


def look_of(pixels: npt.NDArray[np.uint8], longer_side: int) -> Look:
    """Return how a picture looks, float32 (LOOK,).

    Parameters
    ----------
    pixels
        uint8 (384, 384, 3), RGB, the whole picture squashed.
    longer_side
        The longer side of the whole photo in pixels.
    """
    image = Image.fromarray(pixels)
    colours = np.asarray(image.resize((_CELLS, _CELLS), Image.Resampling.BOX), np.float32)
    grey, detail = np.asarray(image.convert("L"), np.float32), []
    for _ in range(_LEVELS):
        height, width = grey.shape
        fourths = grey.reshape(height // 2, 2, width // 2, 2)
        smaller = fourths.mean(axis=(1, 3))
        detail.append(float((fourths - smaller[:, None, :, None]).std()))
        grey = smaller
    return np.array([*colours.ravel(), *detail, longer_side], np.float32)


def is_retouched(one: Look, other: Look) -> bool:
    """Return whether two copies of one picture, turned or mirrored too, look different."""
    colours, turned = one[:_COLOURS].reshape(_CELLS, _CELLS, 3), other[:_COLOURS]
    grid = turned.reshape(_CELLS, _CELLS, 3)
    ways = [np.rot90(way, turn) for way in (grid, grid[:, ::-1]) for turn in range(4)]
    if min(float(np.abs(colours - way).mean()) for way in ways) > _SAME_COLOURS:
        return True
    smaller = min(float(one[-1]), float(other[-1]))
    for level in range(_LEVELS):
        # The finest detail that both can show is lost by rescaling already.
        if smaller < 2 * _SIDE / 2**level and one[-1] != other[-1]:
            continue
        left, right = (float(look[_COLOURS + level]) + _LEAST_DETAIL for look in (one, other))
        if max(left, right) > _SAME_DETAIL * min(left, right):
            return True
    return False
