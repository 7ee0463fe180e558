"""Principal components, at which heads start and with which they are compared."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from photofind.extractors.heads import Head

__all__ = ["principal_head"]


def principal_head(embeddings: npt.NDArray[np.float32], dimensions: int) -> Head:
    """Return the head that keeps the directions in which embeddings differ most.

    Parameters
    ----------
    embeddings
        float32 (N, D).
    dimensions
        At most D. With fewer photos than that, the last directions are any.
    """
    mean = embeddings.mean(axis=0)
    centred = embeddings - mean
    # Of the covariance all D directions are known, however few photos there are.
    _, directions = np.linalg.eigh(centred.T @ centred)
    weights = np.ascontiguousarray(directions[:, ::-1][:, :dimensions])
    return Head(mean, weights.astype(np.float32))
