"""The fingerprint of a picture: 256 bits that edits hardly change, and a quality.

It is made as PDQ is (Facebook, "Hashing used in ThreatExchange", 2019): the signs of the 16 x 16
lowest frequencies of the luminance, and a quality that says how much there is to tell pictures
apart by. Where PDQ compares with the median, this compares with zero. The median is nearly that,
and so the bits of a mirrored or turned picture follow from those of the picture itself.
``photofind.ranking.fingerprints`` compares them.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from photofind.model.fingerprints import fingerprint_texts

__all__ = ["fingerprint_of"]

_SIDE, _KEPT = 64, 16


def fingerprint_of(picture: Image.Image) -> str:
    """Return the fingerprint of a picture, as text.

    Parameters
    ----------
    picture
        The whole picture in RGB, squashed to any size.
    """
    grey = picture.convert("L")
    luminance = np.asarray(grey, np.float32)
    height, width = luminance.shape
    # Of all pixels, not of 64 x 64 as in PDQ: lines of text would be sampled there too coarsely.
    signs = (_cosines(height) @ luminance @ _cosines(width).T) > 0
    packed = np.append(np.packbits(signs), np.uint8(_quality(grey)))
    return fingerprint_texts(packed)[0]


@lru_cache(8)
def _cosines(side: int) -> npt.NDArray[np.float32]:
    """Return the lowest rows of the cosine transform, but for the mean, (16, side)."""
    frequencies, places = np.arange(1, _KEPT + 1)[:, None], 2 * np.arange(side) + 1
    cosines: npt.NDArray[np.float64] = np.cos(np.pi / 2 / side * frequencies * places)
    return cosines.astype(np.float32)


def _quality(grey: Image.Image) -> int:
    """Return PDQ's measure of how much detail there is, 0 to 100."""
    small = np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float32)
    steps = sum(np.trunc(np.abs(np.diff(small, axis=axis)) * (100 / 255)).sum() for axis in (0, 1))
    return int(min(100, steps // 90))
