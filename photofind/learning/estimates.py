"""Raw outcomes become figures with intervals: of classifications, rankings and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from photofind.learning.metrics import (
    Estimate,
    average_precision,
    bootstrap,
    classification_figures,
    confusion_matrix,
    cumulative_match,
    estimate_means,
    estimate_ratio,
    in_parts,
    map_at_r,
    precision_at,
    precision_recall_curve,
    recall_at,
)
from photofind.learning.results import Classification, Retrieval, ScoreMeaning

__all__ = ["DEPTHS", "classification_of", "retrieval_of", "score_meanings"]

Places = npt.NDArray[np.intp]
Values = npt.NDArray[np.float64]

DEPTHS = (1, 5, 10, 20)
"""How many hits precision and recall are measured at."""
SCORES = (0.5, 0.7)
"""The scores whose meaning is measured."""

_LEVELS = np.linspace(0, 1, 21)
_CUMULATIVE = 20
_MACRO = ("precision", "recall", "f1", "true_positive_rate", "false_positive_rate")
_OF_CLASS = ("precision", "recall", "f1", "false_positive_rate")


def classification_of(
    extractor: str,
    classifier: str,
    setting: str,
    classes: Sequence[str],
    truth: Places,
    predicted: Places,
    seed: int = 0,
) -> Classification:
    """Return the figures of a classification of n photos, whose classes are (n,) each."""
    count = len(classes)

    def all_figures(places: Places) -> Values:
        figures = classification_figures(truth[places], predicted[places], count)
        macro, micro = figures.macro(), figures.micro()
        by_class = [getattr(figures, name) for name in _OF_CLASS]
        means = [of[name] for of in (macro, micro) for name in _MACRO]
        return np.concatenate([np.array(means), *by_class])

    values = all_figures(np.arange(len(truth)))
    lows, highs = bootstrap(all_figures, len(truth), seed)
    estimates = [Estimate(*map(float, each)) for each in zip(values, lows, highs, strict=True)]
    width = len(_MACRO)
    macro = dict(zip(_MACRO, estimates[:width], strict=True))
    micro = dict(zip(_MACRO, estimates[width : 2 * width], strict=True))
    rest = estimates[2 * width :]
    by_class = {
        label: {name: rest[row * count + place] for row, name in enumerate(_OF_CLASS)}
        for place, label in enumerate(classes)
    }
    confusion = confusion_matrix(truth, predicted, count)
    return Classification(
        extractor,
        classifier,
        setting,
        len(truth),
        micro["recall"],
        macro,
        micro,
        by_class,
        tuple(tuple(row) for row in confusion.tolist()),
    )


def retrieval_of(
    extractor: str,
    ranking: str,
    protocol: str,
    relevance: npt.NDArray[np.bool_],
    labels: Sequence[str],
    seed: int = 0,
) -> Retrieval:
    """Return the figures of q rankings, (q, n), of queries with these labels."""
    known = relevance.any(axis=1)
    relevance, of = relevance[known], np.array(labels)[known]
    width = relevance.shape[1]
    depths = [depth for depth in DEPTHS if depth <= width]
    names = ["map", "map_at_r", *(f"precision_at_{depth}" for depth in depths),
             *(f"recall_at_{depth}" for depth in depths)]  # fmt: skip
    table = np.empty((len(relevance), len(names)))
    curve = np.empty((len(relevance), len(_LEVELS)))
    for rows in in_parts(*relevance.shape):
        some = relevance[rows]
        values = [average_precision(some), map_at_r(some)]
        values += [precision_at(some, depth) for depth in depths]
        values += [recall_at(some, depth) for depth in depths]
        table[rows] = np.stack(values, axis=1)
        curve[rows] = precision_recall_curve(some, _LEVELS)
    matches = cumulative_match(relevance, min(_CUMULATIVE, width))

    def figures(rows: npt.NDArray[np.bool_]) -> Mapping[str, Estimate]:
        if not rows.any():
            return dict.fromkeys(names, Estimate(*[float("nan")] * 3))
        return dict(zip(names, estimate_means(table[rows], seed), strict=True))

    queries = {label: of == label for label in sorted(set(of.tolist()))}
    return Retrieval(
        extractor,
        ranking,
        protocol,
        len(relevance),
        figures(np.ones(len(of), np.bool_)),
        {label: figures(rows) for label, rows in queries.items()},
        tuple(_LEVELS.tolist()),
        _mean_of(curve),
        _mean_of(matches),
        {label: _mean_of(curve[rows]) for label, rows in queries.items()},
        {label: _mean_of(matches[rows]) for label, rows in queries.items()},
    )


def _mean_of(curves: Values) -> tuple[float, ...]:
    """Return the mean of curves (q, points); nothing where there are none."""
    return tuple(curves.mean(axis=0).tolist()) if len(curves) else ()


def score_meanings(
    extractor: str,
    scores: npt.NDArray[np.floating],
    query_codes: Places,
    gallery_codes: Places,
    own: Places,
    seed: int = 0,
) -> list[ScoreMeaning]:
    """Return what scores of q queries with n photos, (q, n), say of their labels.

    Parameters
    ----------
    own
        The place of each query among the photos, (q,), which is left out.
    """
    related = gallery_codes == query_codes[:, np.newaxis]
    others = np.ones_like(related)
    others[np.arange(len(own)), own] = False
    related &= others
    strangers = others & ~related
    meanings = []
    for at_least in SCORES:
        reached = (scores >= at_least) & others
        right = (reached & related).sum(axis=1).astype(np.float64)
        wrong = (reached & strangers).sum(axis=1).astype(np.float64)
        meanings.append(
            ScoreMeaning(
                extractor,
                at_least,
                estimate_ratio(right, right + wrong, seed),
                estimate_ratio(right, related.sum(axis=1).astype(np.float64), seed),
                estimate_ratio(wrong, strangers.sum(axis=1).astype(np.float64), seed),
            )
        )
    return meanings
