"""What is embedded of a photo: the whole, or crops of it too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from photofind.extractors.loaded import LoadedExtractor
from photofind.images.views import (
    CROPPED,
    CROPS,
    WHOLE_WEIGHT,
    crop,
    resized,
    size_to_crop,
)

__all__ = ["Sizes", "Views", "ViewsKind"]

ViewsKind = Literal["whole", "crops"]
Pixels = npt.NDArray[np.uint8]
Sizes = Sequence[tuple[int, int]]
Vectors = npt.NDArray[np.float32]


class Views:
    """Embeds pictures with an extractor: each as a whole, or its crops beside the whole.

    Parameters
    ----------
    extractor
        Which.
    kind
        "whole", or "crops": the whole photo and its parts, in one vector.

    Attributes
    ----------
    version : str
        That of the extractor, and the kind of the views: the vectors of other views are not
        compared.
    size : tuple of int
        Height and width of the pictures that are embedded best. Smaller ones are embedded as a
        whole.
    """

    def __init__(self, extractor: LoadedExtractor, kind: ViewsKind) -> None:
        self._extractor = extractor
        crops = kind == "crops"
        self.version = f"{extractor.version}{CROPPED}" if crops else extractor.version
        self.size = size_to_crop(extractor.input_size, CROPS[0]) if crops else extractor.input_size
        self._crops = crops

    def embed(self, pictures: Pixels, sizes: Sizes) -> Vectors:
        """Return the embeddings of pictures, float32 (N, dimension).

        Parameters
        ----------
        pictures
            uint8 (N, h, w, 3), squashed to one size.
        sizes
            Height and width of each before it was squashed.
        """
        vectors = self._extractor.embed(self._whole(pictures), sizes)
        return self._with_crops(pictures, sizes, vectors)

    def describe(self, pictures: Pixels, sizes: Sizes) -> tuple[Vectors, Any]:
        """Return the same, and the tags of the whole pictures if the extractor has tags."""
        vectors, tags = self._extractor.describe(self._whole(pictures), sizes)
        return self._with_crops(pictures, sizes, vectors), tags

    def _whole(self, pictures: Pixels) -> Pixels:
        if not self._is_large(pictures):
            return pictures
        return np.stack([resized(picture, self._extractor.input_size) for picture in pictures])

    def _with_crops(self, pictures: Pixels, sizes: Sizes, whole: Vectors) -> Vectors:
        if not self._is_large(pictures):
            return whole
        size = self._extractor.input_size
        total = WHOLE_WEIGHT * whole
        for box in CROPS:
            parts = np.stack([crop(picture, size, box) for picture in pictures])
            # The crops have the proportions of the whole.
            total += self._extractor.embed(parts, sizes) / len(CROPS)
        lengths = np.linalg.norm(total, axis=1, keepdims=True)
        return np.asarray(total / np.where(lengths == 0, 1, lengths), np.float32)

    def _is_large(self, pictures: Pixels) -> bool:
        return self._crops and pictures.shape[1:3] == self.size
