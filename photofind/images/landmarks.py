"""The landmarks of a picture: local features (SIFT) as they are kept.

Each is a code of what is around it, and where it lies, how it is turned and how large it is.
``photofind.ranking.landmarks`` finds pictures that have some in common.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["CODE", "ROW", "TABLES", "Rows", "landmarks_of"]

TABLES, CODE = 4, 12
"""The code has so many parts, and so many bytes: 24 bits in each part."""

ROW = CODE + 8
"""The bytes of a landmark: its code, and four numbers of two bytes."""

Rows = npt.NDArray[np.uint8]


def landmarks_of(points: npt.NDArray[np.float32], descriptors: npt.NDArray[np.uint8]) -> Rows:
    """Return the landmarks of a picture as they are kept, uint8 (n, 20).

    Parameters
    ----------
    points
        The strongest first: x, y, angle in degrees and size, float32 (n, 4); pixels of a picture
        whose longer side has 384.
    descriptors
        SIFT, uint8 (n, 128).
    """
    roots = np.sqrt(descriptors.astype(np.float32))
    roots -= roots.mean(axis=1, keepdims=True)
    signs = roots @ _directions() > 0
    kept = points.astype(np.float16).view(np.uint8).reshape(len(points), 8)
    return np.hstack([np.packbits(signs, axis=1), kept])


@lru_cache(1)
def _directions() -> npt.NDArray[np.float32]:
    """Return directions whose sides make a code, (128, 96)."""
    random = np.random.Generator(np.random.PCG64(0))
    tables = [np.linalg.qr(random.normal(size=(128, 24)))[0] for _ in range(TABLES)]
    return np.hstack(tables).astype(np.float32)
