"""Stored embeddings, as scripts get them."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Embeddings"]


@dataclass(frozen=True)
class Embeddings:
    """The embeddings of some photos by one extractor.

    Parameters
    ----------
    extractor, version, dimension
        The extractor, and the length D of its embeddings.
    ids, paths
        The N photos.
    data
        The embeddings one after the other, in base64: float32, little-endian, of length 1.
    """

    extractor: str
    version: str
    dimension: int
    ids: tuple[int, ...]
    paths: tuple[str, ...]
    data: str

    @property
    def vectors(self) -> npt.NDArray[np.float32]:
        """The embeddings as an array, float32 (N, D), in the order of ``ids``."""
        import numpy as np

        numbers = np.frombuffer(b64decode(self.data), "<f4").astype(np.float32)
        return numbers.reshape(len(self.ids), self.dimension)
