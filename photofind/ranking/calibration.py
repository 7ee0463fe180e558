"""What a similarity means in this library, so that a threshold means the same in every library.

A raw cosine means nothing by itself: how alike two unrelated photos look to an extractor differs
from extractor to extractor and from library to library. So each library is measured: similarities
of random pairs of its photos give the *background*, what unrelated photos look like. Part of the
random pairs *are* related, and they all lie above the median; so the spread is taken from below
the median only.

A score is 0 at the background's median, 0.5 where an unrelated pair practically never comes (four
deviations above it, about one pair in 30,000), 1 for the same picture, and linear in between.

References
----------
Desolneux, Moisan and Morel, "Meaningful alignments", IJCV 2000: significance measured against a
background model, *a contrario*.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["TYPICAL", "Background", "blend", "measure_background"]

SIGNIFICANT = 4.0
_SCORES = (0.0, 0.5, 1.0)


@dataclass(frozen=True)
class Background:
    """Similarities of unrelated photos: their median, and their deviation below it."""

    median: float
    deviation: float

    def scores(self, similarities: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return the score, 0 to 1, of each similarity (1 is the same picture)."""
        return np.interp(similarities, self._similarities, _SCORES)

    def similarity(self, score: float) -> float:
        """Return the similarity that has a score."""
        return float(np.interp(score, _SCORES, self._similarities))

    @property
    def _similarities(self) -> tuple[float, float, float]:
        significant = min(self.median + SIGNIFICANT * self.deviation, 0.99)
        return self.median, significant, 1.0


# Cosines of average-pooled ImageNet features, for libraries too small to be measured.
TYPICAL = Background(median=0.33, deviation=0.08)


def measure_background(similarities: npt.NDArray[np.float32]) -> Background:
    """Measure the background on similarities of random pairs of photos."""
    values = similarities.ravel()
    median = float(np.median(values))
    below = values[values < median]
    # The median absolute deviation of a normal distribution is 0.6745 of its deviation.
    deviation = float(np.median(median - below)) / 0.6745 if below.size else 0.0
    return Background(median, max(deviation, 1e-3))


def blend(
    smoothed: npt.NDArray[np.float32], full: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return the similarity that photos are ranked by, from the two that are measured.

    The smoothed one knows what belongs together but makes everything that does nearly equal; the
    full one, squared, tells copies and the nearest apart, and says little about the rest.

    Parameters
    ----------
    smoothed
        Cosine of the expanded query with smoothed points.
    full
        Cosine of the query with full vectors, both relative to the library's mean.
    """
    return np.asarray((smoothed + np.clip(full, 0, None) ** 2) / 2, np.float32)
