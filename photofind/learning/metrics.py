"""Measures of retrieval and of classification, with bootstrap confidence intervals.

Retrieval is measured on *relevance*: for each query a row that says of each hit, best first,
whether it has the label of the query. Means are over queries.

References
----------
Manning, Raghavan and Schütze, "Introduction to information retrieval", 2008, chapter 8.
Musgrave, Belongie and Lim, "A metric learning reality check", ECCV 2020 (MAP@R).
Efron and Tibshirani, "An introduction to the bootstrap", 1993 (percentile intervals).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "ClassificationFigures",
    "Estimate",
    "average_precision",
    "bootstrap",
    "classification_figures",
    "confusion_matrix",
    "cumulative_match",
    "estimate_mean",
    "estimate_means",
    "estimate_ratio",
    "in_parts",
    "map_at_r",
    "precision_at",
    "precision_recall_curve",
    "ranked_relevance",
    "recall_at",
]

Places = npt.NDArray[np.intp]
Relevance = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float64]

DRAWS = 1000
CONFIDENCE = 0.95

_AT_ONCE = 1_000_000
"""Numbers of a ranking's arrays, of which several of 8 bytes each are held in memory at once."""


@dataclass(frozen=True)
class Estimate:
    """A figure, and the interval that holds it with 95 % confidence."""

    value: float
    low: float
    high: float


# Retrieval.


def ranked_relevance(
    similarities: npt.NDArray[np.floating],
    query_codes: Places,
    gallery_codes: Places,
    own: Places | None = None,
) -> Relevance:
    """Return whether each hit is relevant, best first.

    Parameters
    ----------
    similarities
        Of q queries with n photos of the gallery, (q, n). Of equal ones the first comes first.
    query_codes, gallery_codes
        Their labels, (q,) and (n,).
    own
        The place of each query in the gallery, (q,): it is no hit. None where no query is in the
        gallery, or where it counts as a hit.

    Returns
    -------
    bool, (q, n), or (q, n - 1) with ``own``
    """
    count, width = similarities.shape
    ranked = np.empty((count, width - (own is not None)), np.bool_)
    for rows in in_parts(count, width):
        order = np.argsort(-similarities[rows], axis=1, kind="stable")
        relevant = gallery_codes[order] == query_codes[rows, np.newaxis]
        if own is not None:
            others = order != own[rows, np.newaxis]
            relevant = relevant[others].reshape(len(order), -1)
        ranked[rows] = relevant
    return ranked


def in_parts(count: int, width: int) -> Iterator[slice]:
    """Return slices of rows of this width, of which one at a time is to be held in memory."""
    step = max(_AT_ONCE // max(width, 1), 1)
    for start in range(0, count, step):
        yield slice(start, start + step)


def average_precision(relevance: Relevance) -> Values:
    """Return the mean precision at each relevant hit, (q,), of whole rankings (q, n).

    It is NaN where nothing is relevant.
    """
    ranks = np.arange(1, relevance.shape[1] + 1)
    precision = np.cumsum(relevance, axis=1) / ranks
    return _divide((precision * relevance).sum(axis=1), relevance.sum(axis=1))


def map_at_r(relevance: Relevance) -> Values:
    """Return the average precision among the first R hits, where R is how many are relevant, (q,).

    Relevant hits beyond count as not found. It is NaN where nothing is relevant.
    """
    relevant = relevance.sum(axis=1)
    ranks = np.arange(1, relevance.shape[1] + 1)
    within = relevance & (ranks <= relevant[:, np.newaxis])
    precision = np.cumsum(relevance, axis=1) / ranks
    return _divide((precision * within).sum(axis=1), relevant)


def precision_at(relevance: Relevance, k: int) -> Values:
    """Return the share of the first ``k`` hits that is relevant, (q,)."""
    precision: Values = relevance[:, :k].sum(axis=1) / k
    return precision


def recall_at(relevance: Relevance, k: int) -> Values:
    """Return the share of all relevant hits that is among the first ``k``, (q,), or NaN.

    What metric learning calls R@k, whether any of the first ``k`` is relevant, is
    :func:`cumulative_match`.
    """
    return _divide(relevance[:, :k].sum(axis=1), relevance.sum(axis=1))


def cumulative_match(relevance: Relevance, most: int) -> Values:
    """Return whether one of the first k hits is relevant, for k from 1 to ``most``, (q, most).

    Its mean over queries is the cumulative match characteristic (CMC).
    """
    return np.logical_or.accumulate(relevance[:, :most], axis=1).astype(np.float64)


def precision_recall_curve(relevance: Relevance, levels: Values) -> Values:
    """Return the interpolated precision at levels of recall, (q, levels).

    That is the best precision at this recall or a higher one; NaN where nothing is relevant.
    """
    ranks = np.arange(1, relevance.shape[1] + 1)
    found = np.cumsum(relevance, axis=1)
    precision = found / ranks
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    curves = np.full((len(relevance), len(levels)), np.nan)
    for row, (of, counts, total) in enumerate(zip(best, found, found[:, -1:], strict=True)):
        if total[0]:
            wanted = np.maximum(np.ceil(levels * total[0] - 1e-9), 1)
            curves[row] = of[np.searchsorted(counts, wanted)]
    return curves


# Classification.


@dataclass(frozen=True, eq=False)
class ClassificationFigures:
    """What a classification is worth; each from 0 to 1.

    The arrays are by class, (..., c). A class that is never predicted has precision 0, one that
    does not occur has NaN for all that needs it, and is in no macro mean.

    Parameters
    ----------
    precision, recall, f1
        By class. The recall is the true-positive rate.
    false_positive_rate
        The share of the photos of other classes that were taken for this one.
    accuracy
        The share of all photos whose class is right. It is the micro precision, recall and F too.
    micro_false_positive_rate
        The share of all pairs of a photo and a wrong class that were taken for right.
    """

    precision: Values
    recall: Values
    f1: Values
    false_positive_rate: Values
    accuracy: Values
    micro_false_positive_rate: Values

    def macro(self) -> dict[str, Values]:
        """Return the means over classes, by name."""
        return {
            "precision": _mean(self.precision),
            "recall": _mean(self.recall),
            "f1": _mean(self.f1),
            "true_positive_rate": _mean(self.recall),
            "false_positive_rate": _mean(self.false_positive_rate),
        }

    def micro(self) -> dict[str, Values]:
        """Return the figures over all photos at once, by name."""
        return {
            "precision": self.accuracy,
            "recall": self.accuracy,
            "f1": self.accuracy,
            "true_positive_rate": self.accuracy,
            "false_positive_rate": self.micro_false_positive_rate,
        }


def confusion_matrix(truth: Places, predicted: Places, classes: int) -> npt.NDArray[np.int64]:
    """Return how many photos of each class (rows) were taken for each (columns), (c, c)."""
    pairs = np.bincount(truth * classes + predicted, minlength=classes * classes)
    return pairs.reshape(classes, classes).astype(np.int64)


def classification_figures(truth: Places, predicted: Places, classes: int) -> ClassificationFigures:
    """Measure a classification of n photos.

    Parameters
    ----------
    truth, predicted
        The classes of the photos as they are and as they were told, (n,).
    classes
        How many classes there are.
    """
    actual = np.bincount(truth, minlength=classes).astype(np.float64)
    told = np.bincount(predicted, minlength=classes).astype(np.float64)
    right = np.bincount(truth[truth == predicted], minlength=classes).astype(np.float64)
    occurs = actual > 0
    precision = np.where(occurs, right / np.maximum(told, 1), np.nan)
    recall = _divide(right, actual)
    f1 = np.where(occurs, 2 * right / np.maximum(told + actual, 1), np.nan)
    others = len(truth) - actual
    false = _divide(told - right, others)
    wrong = np.float64(len(truth)) - right.sum()
    return ClassificationFigures(
        precision,
        recall,
        f1,
        np.where(occurs, false, np.nan),
        np.asarray(right.sum() / max(len(truth), 1)),
        np.asarray(wrong / max(others.sum(), 1)),
    )


# Confidence.


def bootstrap(
    statistic: Callable[[Places], Values],
    count: int,
    seed: int = 0,
    draws: int = DRAWS,
) -> tuple[Values, Values]:
    """Return the ends of the percentile intervals of some figures.

    Parameters
    ----------
    statistic
        Gives the figures, of any shape, of a sample: the places of ``count`` queries, drawn with
        replacement.
    count
        How many queries there are.

    Returns
    -------
    array, array
        The lower and upper ends, in the shape of the figures.
    """
    generator = np.random.default_rng(seed)
    found = np.stack([statistic(generator.integers(0, count, count)) for _ in range(draws)])
    unknown = np.isnan(found).all(axis=0)
    tail = 100 * (1 - CONFIDENCE) / 2
    ends = np.nanpercentile(np.where(unknown, 0, found), [tail, 100 - tail], axis=0)
    low, high = np.where(unknown, np.nan, ends)
    return low, high


def estimate_mean(values: Values, seed: int = 0) -> Estimate:
    """Return the mean over queries, (q,), with its interval; queries that are NaN are left out."""
    return estimate_ratio(values, np.where(np.isnan(values), np.nan, 1.0), seed)


def estimate_means(values: Values, seed: int = 0, draws: int = DRAWS) -> list[Estimate]:
    """Return the means over queries of m figures, (q, m), with their intervals; none is NaN."""
    count = len(values)
    times = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws)
    tail = 100 * (1 - CONFIDENCE) / 2
    lows, highs = np.percentile(times @ values / count, [tail, 100 - tail], axis=0)
    each = zip(values.mean(axis=0), lows, highs, strict=True)
    return [Estimate(float(value), float(low), float(high)) for value, low, high in each]


def estimate_ratio(above: Values, below: Values, seed: int = 0, draws: int = DRAWS) -> Estimate:
    """Return the quotient of two sums over queries, (q,) each, with its interval.

    Queries where one of them is NaN are left out; without any, or with nothing below, all is NaN.
    """
    known = ~(np.isnan(above) | np.isnan(below))
    count = int(known.sum())
    if not count or not below[known].sum():
        return Estimate(float("nan"), float("nan"), float("nan"))
    # How often each query is drawn.
    generator = np.random.default_rng(seed)
    times = generator.multinomial(count, np.full(count, 1 / count), size=draws)
    found = _divide(times @ above[known], times @ below[known])
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.nanpercentile(found, [tail, 100 - tail])
    value = above[known].sum() / below[known].sum()
    return Estimate(float(value), float(low), float(high))


def _mean(values: Values) -> Values:
    """Return the mean of what is not NaN along the last axis."""
    return _divide(np.nansum(values, axis=-1), (~np.isnan(values)).sum(axis=-1))


def _divide(above: npt.NDArray[np.generic], below: npt.NDArray[np.generic]) -> Values:
    """Return the quotient; NaN where nothing is below."""
    counts = np.asarray(below, np.float64)
    nothing = np.full(counts.shape, np.nan)
    quotient: Values = np.divide(above, counts, out=nothing, where=counts > 0)
    return quotient
