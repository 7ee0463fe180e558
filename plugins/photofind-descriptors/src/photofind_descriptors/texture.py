"""The extractor ``texture``."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from photofind_descriptors.base import Descriptor, as_grey, square_rooted

__all__ = ["Texture"]

_CIRCLES = ((8, 1), (16, 2), (24, 3))
_FREQUENCIES = (0.05, 0.1, 0.2, 0.35)
_ORIENTATIONS = 6


class Texture(Descriptor):
    """Local binary patterns and Gabor energies: what surfaces look like, regardless of colour.

    Local binary patterns [1]_ compare each pixel with those on a circle around it, here on three
    circles. Gabor filters [2]_ measure the strength of stripes of four widths in six directions:
    the mean and the standard deviation of their response. Both parts have the same weight.

    References
    ----------
    .. [1] T. Ojala, M. Pietikainen, T. Maenpaa, "Multiresolution Gray-Scale and Rotation Invariant
       Texture Classification with Local Binary Patterns", PAMI 24(7), 2002
    .. [2] B. S. Manjunath, W. Y. Ma, "Texture Features for Browsing and Retrieval of Image Data",
       PAMI 18(8), 1996
    """

    name = "texture"
    dimension = sum(points + 2 for points, _ in _CIRCLES) + 2 * len(_FREQUENCIES) * _ORIENTATIONS

    def embed_one(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Return the embedding of one picture."""
        return np.concatenate([*self._patterns(image), self._energies(as_grey(image))])

    def _patterns(self, image: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.float64]]:
        from skimage.feature import local_binary_pattern

        # Integers, so that equal neighbours compare as equal despite rounding.
        grey = np.round(255 * as_grey(image)).astype(np.uint8)
        histograms = []
        for points, radius in _CIRCLES:
            codes = local_binary_pattern(grey, points, radius, "uniform").astype(np.intp)
            counts = np.bincount(codes.ravel(), minlength=points + 2)
            histograms.append(square_rooted(counts) / np.sqrt(len(_CIRCLES)))
        return histograms

    def _energies(self, grey: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        spectrum = np.fft.fft2(grey - grey.mean())
        responses = np.abs(np.fft.ifft2(spectrum * self._filters))
        energies = np.stack([responses.mean(axis=(1, 2)), responses.std(axis=(1, 2))])
        # Energies span orders of magnitude; the square root reduces the weight of coarse stripes.
        scaled: npt.NDArray[np.float64] = np.sqrt(energies / (responses.std() + 1e-3)).ravel()
        return scaled / max(float(np.linalg.norm(scaled)), 1e-9)

    @cached_property
    def _filters(self) -> npt.NDArray[np.float64]:
        """The filters in the frequency domain, (24, height, width): off-centre Gaussians."""
        height, width = self.input_size
        rows, columns = np.fft.fftfreq(height)[:, np.newaxis], np.fft.fftfreq(width)
        filters = []
        for frequency in _FREQUENCIES:
            for orientation in range(_ORIENTATIONS):
                angle = np.pi * orientation / _ORIENTATIONS
                along = rows * np.sin(angle) + columns * np.cos(angle) - frequency
                across = rows * np.cos(angle) - columns * np.sin(angle)
                spread = 0.3 * frequency
                filters.append(np.exp(-(along**2 + across**2) / (2 * spread**2)))
        return np.stack(filters)
