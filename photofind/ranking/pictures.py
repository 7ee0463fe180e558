"""Different pictures: photos of which no two are nearly the same.

A library is measured on them. Hundreds of takes of one picture (a time-lapse, a burst, scans) would
otherwise become its centre and its typical pair, and every score would be about them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from photofind.ranking.calibration import TYPICAL, Background, measure_background
from photofind.ranking.duplicates import TAKE
from photofind.ranking.projection import Vectors32

__all__ = ["PERHAPS_THE_SAME", "Pictures", "find_pictures"]

# Photos that are nearly the same have at least this cosine once they are projected.
PERHAPS_THE_SAME = 0.85

# Fewer pictures do not show what is typical.
ENOUGH = 32
# The bound rises no further than this, nor by steps smaller than that.
HIGHEST, STEP = 0.999, 0.005

BLOCK = 512
MEASURED = 2048

Places = npt.NDArray[np.intp]


class Pictures:
    """The different pictures among embeddings that are added, the first of each kept.

    Photos that were there first stand for their pictures, so takes that come later change nothing.

    Parameters
    ----------
    least
        The cosine from which two photos are takes of one picture.
    """

    def __init__(self, least: float) -> None:
        self._least = least
        self._count = 0
        self._kept: Vectors32 = np.empty((0, 0), np.float32)

    def __len__(self) -> int:
        return self._count

    @property
    def kept(self) -> Vectors32:
        """The embedding that stands for each picture, (k, D)."""
        return self._kept[: self._count]

    def add(self, embeddings: Vectors32) -> Places:
        """Add embeddings at unit length, (n, D), and return the picture of each, (n,)."""
        parts = [
            self._add(embeddings[start : start + BLOCK])
            for start in range(0, len(embeddings), BLOCK)
        ]
        return np.concatenate([np.empty(0, np.intp), *parts])

    def _add(self, block: Vectors32) -> Places:
        self._make_room(block)
        pictures = np.full(len(block), -1, np.intp)
        if self._count:
            cosines = block @ self.kept.T
            nearest = cosines.argmax(axis=1)
            known = cosines[np.arange(len(block)), nearest] >= self._least
            pictures[known] = nearest[known]
        rest = np.flatnonzero(pictures < 0)
        near = block[rest] @ block[rest].T >= self._least
        for place, row in zip(rest, near, strict=True):
            if pictures[place] < 0:
                alike = rest[row & (pictures[rest] < 0)]
                pictures[alike] = pictures[place] = self._count
                self._kept[self._count] = block[place]
                self._count += 1
        return pictures

    def _make_room(self, block: Vectors32) -> None:
        needed = self._count + len(block)
        if needed > len(self._kept):
            larger = np.empty((max(needed, 2 * len(self._kept)), block.shape[1]), np.float32)
            larger[: self._count] = self.kept if self._count else 0
            self._kept = larger


def find_pictures(embeddings: Vectors32) -> tuple[Places, float]:
    """Find the different pictures among a sample of a library's embeddings.

    What is nearly the same depends on what is typical, which the different pictures show. So the
    bound begins where it is for varied photos, and rises for as long as the pictures that it leaves
    are more alike than it took them for: where all photos are of one kind, or the extractor finds
    all photos alike. From below, takes are never mistaken for what is typical.

    Parameters
    ----------
    embeddings
        At unit length, (n, D).

    Returns
    -------
    places, least
        The first photo of each picture, ascending, and the cosine from which two photos are takes
        of one picture.
    """
    least = TYPICAL.similarity(TAKE)
    while least < HIGHEST:
        pictures = Pictures(least)
        _, places = np.unique(pictures.add(embeddings), return_index=True)
        if len(places) >= ENOUGH:
            bound = _background(pictures.kept).similarity(TAKE)
            if bound < least + STEP:
                return np.sort(places), least
            least = bound
        else:
            least = (1 + least) / 2
    return np.arange(len(embeddings)), HIGHEST


def _background(embeddings: Vectors32) -> Background:
    """Return what pairs of these look like to the plain cosine."""
    some = embeddings[np.random.default_rng(3).permutation(len(embeddings))[:MEASURED]]
    return measure_background((some @ some.T)[np.triu_indices(len(some), 1)])
