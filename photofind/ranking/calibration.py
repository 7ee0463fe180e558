"""What a similarity means in this library, so that a threshold means the same in every library.

A raw cosine means nothing by itself: how alike two unrelated photos look to an extractor differs
from extractor to extractor and from library to library. So each library is measured: similarities
of random pairs of its photos give the *background*, what unrelated photos look like. Part of the
random pairs *are* related, and they all lie above the median; so the spread of the plain cosine is
taken from below the median only.

A score is 0 at the background's median, 0.5 where fewer than one of 1,000 unrelated pairs come, 1
for the same picture, and linear in between. For the plain cosine 0.5 is four deviations above the
median. What photos are ranked by has a longer tail: smoothing pulls neighbours together, whether
they are related or not. There 0.5 is what one of 3,000 pairs reaches whose plain cosine does not
stand out.

A few photos do not show what is typical. So a library's own scores count for little at first, and
the more the more photos there are; the rest are scores by the plain cosine and by what varied
photos look like to the extractor.

References
----------
Desolneux, Moisan and Morel, "Meaningful alignments", IJCV 2000: significance measured against a
background model, *a contrario*.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from photofind.model.extractor_choice import parse_extractors

__all__ = [
    "TYPICAL",
    "Background",
    "blend",
    "combine",
    "measure_background",
    "measure_ranked",
    "typical",
    "weight_of",
]

SIGNIFICANT = 4.0
# Pairs up to so many deviations above the median of the plain cosine do not stand out by it ...
UNREMARKABLE = 2.5
# ... and so many of them are ranked below 0.5.
UNRELATED = 1 - 1 / 1000

# It is no higher than this: near 1 hardly any difference would become a large one.
HIGHEST = 0.95

# With fewer pictures there is no index, and nothing that a library shows of itself.
TOO_FEW = 31
# With so many more, what a library shows counts half of what it counts at most.
HALF_SHOWN = 250
MOST = 0.74
# What a library shows counts as no further than this from the score by the plain cosine.
FARTHEST = 0.5
# Where an extractor was never measured on varied photos, so many photos count half.
FEW_SHOWN = 8


@dataclass(frozen=True)
class Background:
    """Similarities of unrelated photos.

    Parameters
    ----------
    median, deviation
        Their median, and their deviation below it.
    significant
        The similarity whose score is 0.5; None where it is four deviations above the median.
    """

    median: float
    deviation: float
    significant: float | None = None

    def scores(self, similarities: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return the score, 0 to 1, of each similarity (1 is the same picture)."""
        return np.clip(self.standings(similarities), 0, 1)

    def standings(self, similarities: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return the scores, but less than 0 below the median, so that order is kept there too."""
        median, half = self.median, self._half
        below = 0.5 * (np.asarray(similarities, np.float64) - median) / (half - median)
        return np.where(similarities < half, below, np.interp(similarities, (half, 1), (0.5, 1)))

    def similarity(self, score: float) -> float:
        """Return the similarity that has a score."""
        return float(np.interp(score, (0, 0.5, 1), (self.median, self._half, 1)))

    @property
    def _half(self) -> float:
        if self.significant is None:
            return min(self.median + SIGNIFICANT * self.deviation, 0.99)
        return min(max(self.significant, self.median + 1e-3), HIGHEST)


# Cosines of average-pooled ImageNet features of varied photos.
TYPICAL = Background(median=0.33, deviation=0.08)
_MEASURED = {
    "mobilenet": TYPICAL,
    "mobilenet+crops": Background(median=0.375, deviation=0.08),
    "efficientnet-lite0": Background(median=0.25, deviation=0.07),
}
# How the cosines of unrelated pairs correlate between two extractors: 0.65 on photos of ten kinds,
# 0.8 on photos of butterflies, below the median.
_CORRELATION = 0.7
# Of an extractor that is not known, hardly anything can be said: only what is nearly the same
# scores until there are photos to compare.
_CAUTIOUS = Background(median=0.9, deviation=0.02)


def typical(extractor: str, own: Background | None, photos: int) -> Background:
    """Return what the plain cosine of varied photos looks like to an extractor.

    Where that was not measured once, it is what a library's own photos look like, the more so the
    more photos there are.

    Parameters
    ----------
    own
        The background of the library's plain cosine; None where nothing can be compared.
    photos
        How many photos that was measured on.
    """
    if (measured := _measured(extractor)) is not None:
        return measured
    if own is None:
        return _CAUTIOUS
    weight = photos / (photos + FEW_SHOWN)
    return Background(
        weight * own.median + (1 - weight) * _CAUTIOUS.median,
        weight * own.deviation + (1 - weight) * _CAUTIOUS.deviation,
    )


@lru_cache(maxsize=64)  # Each answer asks.
def _measured(extractor: str) -> Background | None:
    """Return what was measured of an extractor, or follows from that for several ("a=2,b").

    The cosine in a fused space is the mean of theirs. So is the median, nearly; the deviation is
    that of a sum of numbers that are correlated.
    """
    weights = parse_extractors(extractor)
    parts = [_MEASURED[name] for name in weights if name in _MEASURED]
    if len(parts) < len(weights):
        return None
    shares = np.array([*weights.values()]) / sum(weights.values())
    deviations = shares * [part.deviation for part in parts]
    together, alone = deviations.sum() ** 2, (deviations**2).sum()
    return Background(
        float(shares @ [part.median for part in parts]),
        float(np.sqrt(_CORRELATION * together + (1 - _CORRELATION) * alone)),
    )


def weight_of(pictures: int) -> float:
    """Return how much a library of so many pictures shows of what is typical of it, 0 to 1.

    It rises by less than a tenth with a tenth more pictures, or with the few from which an index is
    built anew.
    """
    shown = max(pictures - TOO_FEW, 0) ** 2
    return MOST * shown / (shown + HALF_SHOWN**2)


def combine(
    own: npt.NDArray[np.float64], typical: npt.NDArray[np.float64], weight: float
) -> npt.NDArray[np.float64]:
    """Return scores that a growing library moves slowly, from two that mean the same.

    Parameters
    ----------
    own
        By what a library's photos are ranked by and its own background.
    typical
        By the plain cosine and the background of varied photos.
    weight
        How much the first count, 0 to 1.
    """
    return typical + weight * np.clip(own - typical, -FARTHEST, FARTHEST)


def measure_background(similarities: npt.NDArray[np.float32]) -> Background:
    """Measure the background on similarities of random pairs of photos."""
    values = similarities.ravel()
    median = float(np.median(values))
    below = values[values < median]
    # The median absolute deviation of a normal distribution is 0.6745 of its deviation.
    deviation = float(np.median(median - below)) / 0.6745 if below.size else 0.0
    return Background(median, max(deviation, 1e-3))


def measure_ranked(
    ranked: npt.NDArray[np.float32], plain: npt.NDArray[np.float32], background: Background
) -> Background:
    """Measure the background of what photos are ranked by, on random pairs of photos.

    Parameters
    ----------
    ranked, plain
        What the pairs are ranked by, and their plain cosines, (n,) each.
    background
        Of the plain cosine.
    """
    measured = measure_background(ranked)
    bound = background.median + UNREMARKABLE * background.deviation
    unremarkable = ranked[plain <= bound]
    if not unremarkable.size:
        return measured
    return replace(measured, significant=float(np.quantile(unremarkable, UNRELATED)))


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
