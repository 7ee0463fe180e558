"""Views of a photo: a part of it, it turned and mirrored, and the crops beside the whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = [
    "CROPPED",
    "CROPS",
    "LAID",
    "WHOLE_WEIGHT",
    "crop",
    "letterboxed",
    "orientations",
    "resized",
    "size_to_crop",
]

_SIDEWAYS = (
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.TRANSVERSE,
)

CROPS = ((0.16, 0.16, 0.68, 0.68),)
"""The parts of a photo that are embedded beside the whole: its centre.

With the four corners too it ranked no better, at three times the work (``benchmarks/README.md``).
"""

LAID = (1, *(-1 if name in _SIDEWAYS else 1 for name in Image.Transpose))
"""For each of :func:`orientations`: -1 where height and width are swapped, otherwise 1."""

CROPPED = "+crops"
"""What the version of a space ends with whose photos are embedded so."""

WHOLE_WEIGHT = 1.4
"""How much the whole counts, where the mean of the crops counts 1."""

MOST_TIMES = 8
"""A part is cut out of pixels of at most so many times the size that is wanted of it."""

Pixels = npt.NDArray[np.uint8]


def size_to_crop(size: tuple[int, int], box: Sequence[float]) -> tuple[int, int]:
    """Return the height and width of a picture whose part in a box has this height and width.

    Parameters
    ----------
    size
        Height and width that are wanted of the part.
    box
        x, y, width and height of the part, as fractions of the picture's sides.
    """
    (height, width), (_, _, across, down) = size, box
    return (
        round(height * min(1 / down, MOST_TIMES)),
        round(width * min(1 / across, MOST_TIMES)),
    )


def crop(pixels: Pixels, size: tuple[int, int], box: Sequence[float]) -> Pixels:
    """Return the part of a picture in a box, uint8 (height, width, 3), in this size."""
    height, width = pixels.shape[:2]
    left, top, across, down = box
    rows = slice(round(top * height), round((top + down) * height))
    columns = slice(round(left * width), round((left + across) * width))
    part = Image.fromarray(np.ascontiguousarray(pixels[rows, columns]))
    return np.asarray(part.resize(size[::-1], Image.Resampling.BILINEAR))


def resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Return a picture in another height and width."""
    if pixels.shape[:2] == size:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BILINEAR))


def letterboxed(pixels: Pixels, whole: Sequence[int]) -> Pixels:
    """Return a squashed picture in its own proportions, in the upper left of the same size.

    What is left is black.

    Parameters
    ----------
    pixels
        The picture, uint8 (height, width, 3).
    whole
        Height and width before it was squashed.
    """
    height, width = pixels.shape[:2]
    scale = min(height / whole[0], width / whole[1])
    rows, columns = (max(round(side * scale), 1) for side in whole)
    if (rows, columns) == (height, width):
        return pixels
    box = np.zeros_like(pixels)
    box[:rows, :columns] = resized(pixels, (rows, columns))
    return box


def orientations(pixels: Pixels) -> Pixels:
    """Return a picture laid in all ways, uint8 (8, height, width, 3), as it is first.

    Its sides stay as they are, as they are for all pictures that are squashed to one size.
    """
    height, width = pixels.shape[:2]
    picture = Image.fromarray(pixels)
    laid = [picture, *map(picture.transpose, Image.Transpose)]
    return np.stack([np.asarray(one.resize((width, height))) for one in laid])
