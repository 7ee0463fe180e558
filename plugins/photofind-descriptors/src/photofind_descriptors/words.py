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
    """What details a picture has, wherever they are: a bag of visual words.

    Corners and blobs are found and described by SIFT [1]_, square-rooted [2]_; each is an instance
    of the nearest of 512 visual words, and a picture is how often each word occurs in it [3]_.
    The vocabulary was learned from scikit-image's photographs (``learn_vocabulary.py``). A picture
    without a single detail has no direction: it is like nothing.

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

    def describe(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Return the vector of one picture."""
        details = root_sift(image)
        if not len(details):
            return np.zeros(WORDS)
        # The nearest at unit length is the one with the largest product less half its square.
        nearest = (details @ self._vocabulary.T - self._half_squares).argmax(axis=1)
        return np.sqrt(np.bincount(nearest, minlength=WORDS) / len(details))

    @cached_property
    def _vocabulary(self) -> npt.NDArray[np.float32]:
        """The words, float32 (512, 128)."""
        with files(__package__).joinpath("vocabulary.npy").open("rb") as file:
            words: npt.NDArray[Any] = np.load(file, allow_pickle=False)
        return words.astype(np.float32)

    @cached_property
    def _half_squares(self) -> npt.NDArray[np.float32]:
        halves: npt.NDArray[np.float32] = (self._vocabulary**2).sum(axis=1) / 2
        return halves


def root_sift(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the details of a picture, float32 (N, 128), each of unit length; N may be 0."""
    from skimage.feature import SIFT

    sift: Any = SIFT(upsampling=1)
    try:
        sift.detect_and_extract(as_grey(image))
    except (RuntimeError, ValueError, IndexError):  # As it says that it found none.
        return np.zeros((0, 128), np.float32)
    found: npt.NDArray[np.float64] = sift.descriptors.astype(np.float64)
    shares = found / np.maximum(found.sum(axis=1, keepdims=True), 1)
    rooted: npt.NDArray[np.float32] = np.sqrt(shares).astype(np.float32)
    return rooted
