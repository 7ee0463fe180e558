"""The extractor ``colour``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from photofind_descriptors.base import Descriptor, square_rooted

__all__ = ["Colour"]

_HUES, _SATURATIONS, _VALUES = 16, 4, 4
_REGIONS = ((0, 1, 0, 1), (0, 0.5, 0, 1), (0.5, 1, 0, 1), (0.25, 0.75, 0.25, 0.75))


class Colour(Descriptor):
    """Histograms of hue, saturation and value: which colours a picture has, and how much of each.

    Image retrieval began with colour histograms [1]_; these are in HSV [2]_, whose axes match how
    people name colours. There is one histogram of the whole, the upper half, the lower half and
    the middle, so that a blue sky differs from a blue sea.

    References
    ----------
    .. [1] M. J. Swain, D. H. Ballard, "Color Indexing", IJCV 7(1), 1991
    .. [2] A. R. Smith, "Color Gamut Transform Pairs", SIGGRAPH 1978
    """

    name = "colour"
    dimension = len(_REGIONS) * _HUES * _SATURATIONS * _VALUES

    def embed_one(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Return the embedding of one picture."""
        from skimage.color import rgb2hsv

        hsv = rgb2hsv(image)
        height, width = image.shape[:2]
        histograms = []
        for top, bottom, left, right in _REGIONS:
            region = hsv[
                round(top * height) : round(bottom * height),
                round(left * width) : round(right * width),
            ]
            histogram, _ = np.histogramdd(
                region.reshape(-1, 3), (_HUES, _SATURATIONS, _VALUES), ((0, 1),) * 3
            )
            histograms.append(square_rooted(histogram.ravel()))
        return np.concatenate(histograms)
