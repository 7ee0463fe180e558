"""Views of a photo: a part of it, and it turned and mirrored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["crop", "orientations", "size_to_crop"]

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


def orientations(pixels: Pixels) -> Pixels:
    """Return a picture laid in all ways, uint8 (8, height, width, 3), as it is first.

    Its sides stay as they are, as they are for all pictures that are squashed to one size.
    """
    height, width = pixels.shape[:2]
    picture = Image.fromarray(pixels)
    laid = [picture, *map(picture.transpose, Image.Transpose)]
    return np.stack([np.asarray(one.resize((width, height))) for one in laid])
