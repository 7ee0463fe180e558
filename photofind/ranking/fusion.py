"""Several extractors compare at once: as one space of all, or by their scores for the same photos.

Embeddings laid end to end are one embedding (early fusion), in which photos are near that are near
for all extractors together. Until all photos have one, scores are averaged, which are calibrated
for each space on the library itself: late fusion by the weighted sum rule.

References
----------
Fox and Shaw, "Combination of multiple searches", TREC-2, 1994 (CombSUM).
Kittler et al., "On combining classifiers", PAMI 1998 (the sum rule).
Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank
learning methods", SIGIR 2009.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from photofind.ranking.projection import Vectors32, normalised

__all__ = ["Opinion", "fuse", "fuse_embeddings", "fuse_ranks"]

RANK_CONSTANT = 60
"""Of reciprocal rank fusion, as its authors found it: the first ranks hardly differ."""


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


def fuse_embeddings(*parts: Vectors32, weights: Sequence[float]) -> Vectors32:
    """Return embeddings laid end to end, whose cosine is the weighted mean of the cosines.

    Parameters
    ----------
    parts
        Embeddings of the same n photos, by each extractor, (n, d) each.
    weights
        How much each counts.

    Returns
    -------
    float32, (n, sum of all d)
        At unit length.
    """
    scales = np.sqrt(np.array(weights, np.float32) / np.sum(weights, dtype=np.float32))
    return normalised(
        np.concatenate(
            [scale * normalised(part) for scale, part in zip(scales, parts, strict=True)], axis=1
        )
    )


def fuse_ranks(*rankings: Sequence[int], weights: Sequence[float]) -> list[int]:
    """Return what several rankings hold, the best first, by the weighted sum of reciprocal ranks.

    Scores of different kinds need not be compared: what is high in several comes first. Of equals
    the first ranking's come first.
    """
    total: dict[int, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, one in enumerate(ranking, start=1):
            total[one] = total.get(one, 0.0) + weight / (RANK_CONSTANT + rank)
    return sorted(total, key=lambda one: -total[one])
