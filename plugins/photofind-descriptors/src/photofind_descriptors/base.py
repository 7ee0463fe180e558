"""Common code of the descriptors."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Descriptor", "as_grey", "square_rooted"]


class Descriptor:
    """An extractor that embeds one picture at a time."""

    name: str
    version = "1"
    protocol = 1
    input_size = (128, 128)
    dimension: int

    def embed(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the embeddings, float32 (N, dimension), of pictures, uint8 (N, 128, 128, 3)."""
        return np.stack([self.embed_one(image) for image in images]).astype(np.float32)

    def embed_one(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Return the embedding of one picture."""
        raise NotImplementedError


def as_grey(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return the luminance of a picture, 0 to 1."""
    from skimage.color import rgb2gray

    grey: npt.NDArray[np.float64] = rgb2gray(image)
    return grey


def square_rooted(histogram: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the square roots of a histogram's shares.

    The cosine of two such vectors is the Bhattacharyya coefficient of the histograms, which
    compares distributions better than the cosine of the histograms themselves [1]_.

    References
    ----------
    .. [1] R. Arandjelovic, A. Zisserman, "Three Things Everyone Should Know to Improve Object
       Retrieval", CVPR 2012
    """
    total = histogram.sum()
    return np.sqrt(histogram / total) if total else np.zeros(histogram.shape)
