"""The extractor ``shape``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from photofind_descriptors.base import Descriptor, as_grey

__all__ = ["Shape"]

_CELL = 16
_DIRECTIONS = 9
_BLOCKS = 128 // _CELL - 1


class Shape(Descriptor):
    """A histogram of oriented gradients: where outlines are, and in which direction they run.

    It was made for detecting pedestrians [1]_. It depends on positions in the picture, so it finds
    pictures of the same composition.

    References
    ----------
    .. [1] N. Dalal, B. Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005
    """

    name = "shape"
    dimension = _BLOCKS * _BLOCKS * 2 * 2 * _DIRECTIONS

    def embed_one(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Return the embedding of one picture."""
        from skimage.feature import hog

        outlines: npt.NDArray[np.float64] = hog(
            as_grey(image),
            orientations=_DIRECTIONS,
            pixels_per_cell=(_CELL, _CELL),
            cells_per_block=(2, 2),
            block_norm="L2-Hys",
            transform_sqrt=True,
        )
        return outlines
