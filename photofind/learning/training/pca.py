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
        float32 (N, D), N at least 2.
    dimensions
        At most D. With fewer photos than that, the last directions are any.

    References
    ----------
    N. Halko, P. Martinsson, J. Tropp, "Finding structure with randomness", SIAM Review 2011.
    """
    from sklearn.utils.extmath import randomized_svd

    count, width = embeddings.shape
    mean = embeddings.mean(axis=0)
    known = min(dimensions, count - 1, width)
    # Only the first are wanted, which takes a tenth of the time of all.
    _, _, directions = randomized_svd(embeddings - mean, known, n_iter=7, random_state=0)
    weights = directions.T
    if known < dimensions:
        more = np.random.default_rng(0).standard_normal((width, dimensions - known))
        weights, _ = np.linalg.qr(np.hstack([weights, more]))
    return Head(mean, np.ascontiguousarray(weights, np.float32))
