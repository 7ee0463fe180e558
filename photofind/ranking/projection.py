"""Embeddings are compared in a smaller space that is fitted on the library itself.

Centring on the library takes away what all its photos share, and principal components keep what
tells them apart: on MobileNetV2 embeddings of Corel-1K that is worth two points of mAP, and the
vectors are a tenth of the size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Projection", "Vectors32", "fit_projection", "normalised"]

Vectors32 = npt.NDArray[np.float32]

DIMENSIONS = 128
# Components are divided by their deviation to this power: weak whitening, which lets fine
# differences count for more.
WHITENING = 0.2
SAMPLE = 20_000


def normalised(vectors: npt.NDArray[np.floating[Any]]) -> Vectors32:
    """Return ``vectors`` scaled to unit length along the last axis; zero vectors stay zero."""
    lengths = np.sqrt(np.vecdot(vectors, vectors))[..., np.newaxis]
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


@dataclass(frozen=True)
class Projection:
    """A centre and principal components, fitted on a library.

    Parameters
    ----------
    mean
        The mean embedding, float32 of shape (D,).
    components
        Orthogonal rows, float32 of shape (d, D), weakly whitened.
    """

    mean: Vectors32
    components: Vectors32

    def centre(self, embeddings: Vectors32) -> Vectors32:
        """Return embeddings (n, D) relative to the library's mean, at unit length."""
        return normalised(embeddings - self.mean)

    def cosines(
        self, embeddings: Vectors32, directions: Vectors32, distances: Vectors32 | None = None
    ) -> Vectors32:
        """Return the cosines of embeddings, as `centre` returns them, with directions.

        Faster, for nothing is made of the embeddings.

        Parameters
        ----------
        embeddings
            (n, D) at unit length.
        directions
            One (D,) or several (q, D).
        distances
            What `distances` returns, where it is known.

        Returns
        -------
        cosines
            (n,) or (q, n).
        """
        if distances is None:
            distances = self.distances(embeddings)
        along = directions @ embeddings.T - (directions @ self.mean)[..., np.newaxis]
        return np.asarray(along / distances, np.float32)

    def distances(self, embeddings: Vectors32) -> Vectors32:
        """Return how far embeddings (n, D) at unit length are from the library's mean, (n,)."""
        mean = self.mean
        return np.sqrt(np.maximum(1 + mean @ mean - 2 * (embeddings @ mean), 1e-12))

    def project(self, embeddings: Vectors32) -> Vectors32:
        """Return embeddings (n, D) in the library's own space: (n, d), at unit length."""
        return normalised((embeddings - self.mean) @ self.components.T)


def fit_projection(embeddings: Vectors32) -> Projection:
    """Fit a projection on a library's embeddings, or on a sample of them.

    A few photos cannot fix many directions, so there are at most a quarter as many dimensions as
    photos, and never more than 128.

    Parameters
    ----------
    embeddings
        float32 of shape (n, D), n at least 4.

    References
    ----------
    Jegou and Chum, "Negative evidences and co-occurences in image retrieval: the benefit of PCA
    and whitening", ECCV 2012.
    """
    from sklearn.decomposition import PCA

    count, width = embeddings.shape
    dimensions = max(1, min(DIMENSIONS, count // 4, width))
    pca = PCA(n_components=dimensions, svd_solver="covariance_eigh", copy=True)
    pca.fit(embeddings)
    deviations = np.sqrt(np.maximum(pca.explained_variance_, 1e-12))[:, np.newaxis]
    components = pca.components_ / deviations**WHITENING
    return Projection(pca.mean_.astype(np.float32), components.astype(np.float32))
