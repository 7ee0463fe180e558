"""A derived extractor with its bases before it, which embeds pictures as any other extractor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from photofind.extractors.loaded import LoadedExtractor
from photofind.extractors.registry import load

if TYPE_CHECKING:
    from photofind.extractors.loaded import Pixels, Sizes

__all__ = ["WithBases", "with_bases"]


class WithBases(LoadedExtractor):
    """A derived extractor that is given pictures.

    Parameters
    ----------
    derived
        The extractor, whose bases are installed.

    Raises
    ------
    ExtractorError
        A base is not installed or cannot be loaded.
    """

    def __init__(self, derived: LoadedExtractor) -> None:
        self.__dict__.update(derived.__dict__)
        self.bases = [load(name.partition("@")[0]) for name in derived.derives_from]
        self.input_size = self.preview_size = self.bases[0].input_size

    def by_base(self, images: Pixels, sizes: Sizes | None = None) -> list[npt.NDArray[np.float32]]:
        """Return what each base makes of pictures, float32 (N, D) each."""
        return [base.embed(_resized(images, base.input_size), sizes) for base in self.bases]

    def embed(self, images: Pixels, sizes: Sizes | None = None) -> npt.NDArray[np.float32]:
        """Return what the derived extractor makes of what its bases make of pictures."""
        return self.embed_embeddings(*self.by_base(images, sizes))


def with_bases(extractor: LoadedExtractor) -> LoadedExtractor:
    """Return an extractor that embeds pictures; any but a derived one does by itself."""
    return WithBases(extractor) if extractor.derives_from else extractor


def _resized(images: Pixels, size: tuple[int, int]) -> Pixels:
    if images.shape[1:3] == size:
        return images
    from PIL import Image

    height, width = size
    return np.stack([np.asarray(Image.fromarray(one).resize((width, height))) for one in images])
