"""Several extractors compare at once: their scores for the same photos become one.

Scores are calibrated for each space on the library itself, so that they can be averaged; that is
late fusion by the weighted sum rule.

References
----------
Fox and Shaw, "Combination of multiple searches", TREC-2, 1994 (CombSUM).
Kittler et al., "On combining classifiers", PAMI 1998 (the sum rule).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Opinion", "fuse"]


@dataclass(frozen=True, eq=False)
class Opinion:
    """What one space makes of the candidates of all.

    Parameters
    ----------
    weight
        How much it counts.
    places
        The candidates that it knows, (k,).
    scores, similarities
        What it makes of them, (k,) each.
    """

    weight: float
    places: npt.NDArray[np.intp]
    scores: npt.NDArray[np.float64]
    similarities: npt.NDArray[np.float32]


def fuse(
    count: int, opinions: Sequence[Opinion]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return ``count`` candidates, best first, with the scores of all spaces in one.

    Each score is the mean of the spaces that know the candidate, by their weights.
    """
    total, closeness, weights = np.zeros((3, count))
    for opinion in opinions:
        total[opinion.places] += opinion.weight * opinion.scores
        closeness[opinion.places] += opinion.weight * opinion.similarities
        weights[opinion.places] += opinion.weight
    known = np.maximum(weights, 1e-9)
    scores = total / known
    # The scores of all that are no more alike than unrelated photos are 0.
    order = np.lexsort((-closeness / known, -scores))
    return order, scores[order]
