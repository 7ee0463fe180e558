"""The extractor ``words``."""

from __future__ import annotations

from functools import cached_property
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from photofind_descriptors.base import Descriptor, as_grey

__all__ = ["WORDS", "Words", "root_sift"]

WORDS = 512


class Words(Descriptor):
    """A bag of visual words: which local features a picture has, regardless of their position.

    Corners and blobs are detected and described by SIFT [1]_, square-rooted [2]_. Each is assigned
    to the nearest of 512 visual words, and the embedding counts the words in the picture [3]_.
    The vocabulary was learned from scikit-image's photographs (``learn_vocabulary.py``). A picture
    without features gets a zero vector, which is similar to nothing.

    References
    ----------
    .. [1] D. G. Lowe, "Distinctive Image Features from Scale-Invariant Keypoints", IJCV 60(2), 2004
    .. [2] R. Arandjelovic, A. Zisserman, "Three Things Everyone Should Know to Improve Object
       Retrieval", CVPR 2012
    .. [3] J. Sivic, A. Zisserman, "Video Google: A Text Retrieval Approach to Object Matching in
       Videos", ICCV 2003
    """

    name = "words"
    input_size = (256, 256)
    dimension = WORDS

    def embed_one(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Return the embedding of one picture."""
        features = root_sift(image)
        if not len(features):
            return np.zeros(WORDS)
        # For unit vectors, the nearest word maximises the product minus half its squared norm.
        nearest = (features @ self._vocabulary.T - self._half_squares).argmax(axis=1)
        return np.sqrt(np.bincount(nearest, minlength=WORDS) / len(features))

    @cached_property
    def _vocabulary(self) -> npt.NDArray[np.float32]:
        """The words, float32 (512, 128)."""
        with files(__package__).joinpath("vocabulary.npy").open("rb") as file:
            words: npt.NDArray[Any] = np.load(file, allow_pickle=False)
        return words.astype(np.float32)

    @cached_property
    def _half_squares(self) -> npt.NDArray[np.float32]:
        return np.asarray((self._vocabulary**2).sum(axis=1) / 2, np.float32)


def root_sift(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the features of a picture, float32 (N, 128), each of unit length; N may be 0."""
    from skimage.feature import SIFT

    sift: Any = SIFT(upsampling=1)
    try:
        sift.detect_and_extract(as_grey(image))
    except (RuntimeError, ValueError, IndexError):  # Raised if it finds none.
        return np.zeros((0, 128), np.float32)
    found: npt.NDArray[np.float64] = sift.descriptors.astype(np.float64)
    shares = found / np.maximum(found.sum(axis=1, keepdims=True), 1)
    rooted: npt.NDArray[np.float32] = np.sqrt(shares).astype(np.float32)
    return rooted
