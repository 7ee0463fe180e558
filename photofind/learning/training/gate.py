"""The gate of adoption: what an embedding is worth on held-out photos, and on held-out classes.

Heads that were trained on classes find these better and others worse, by 4 to 48 points of mAP;
held-out photos do not show it. So both are measured, beside the embedding as it was before and its
principal components of the same size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from photofind.learning.metrics import (
    Estimate,
    average_precision,
    estimate_mean,
    in_parts,
    ranked_relevance,
)
from photofind.learning.splits import Split
from photofind.ranking.projection import normalised

__all__ = ["Comparison", "class_folds", "compare", "mean_precision", "split_photos", "verdict"]

Vectors = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]

FOLDS = 3
LEAST_HELD_OUT = 2
OVER_FITTING = 0.1
"""How much more a training may gain on its own photos than on others, without a warning."""

# At most so many pairs are compared, of queries drawn at random; but so many queries always.
_MOST_PAIRS, _FEW_QUERIES = 50_000_000, 500


@dataclass(frozen=True)
class Comparison:
    """The mean average precision (mAP) of three embeddings of the same photos, 0 to 1.

    Each photo searches among the others of them.

    Parameters
    ----------
    before
        Of the base extractor, centred.
    pca
        Of its principal components, as many as the trained one has dimensions.
    after
        Of the trained one.
    queries
        How many photos were asked with: those that have another one of their class, at most some
        thousands.
    """

    before: Estimate
    pca: Estimate
    after: Estimate
    queries: int

    @property
    def passed(self) -> bool:
        """Whether the trained one finds at least as well as the one before."""
        return self.after.value >= self.before.value


def split_photos(codes: Places, share: float, seed: int) -> Split:
    """Hold out a share of the photos of each class, two at least, so that they can be found.

    Classes of fewer than four photos are trained on as a whole.
    """
    random = np.random.default_rng(seed)
    held_out = np.zeros(len(codes), np.bool_)
    for code in np.unique(codes):
        places = np.flatnonzero(codes == code)
        if len(places) >= 2 * LEAST_HELD_OUT:
            wanted = max(round(share * len(places)), LEAST_HELD_OUT)
            held_out[random.permutation(places)[: min(wanted, len(places) - 2)]] = True
    return Split(np.flatnonzero(~held_out), np.flatnonzero(held_out))


def class_folds(codes: Places, seed: int, most: int = FOLDS) -> list[Split]:
    """Return splits that each hold out other classes, two at least and together all of them.

    Only classes with two photos or more are held out. There are none with fewer than four of them.
    """
    classes, counts = np.unique(codes, return_counts=True)
    usable = np.random.default_rng(seed).permutation(classes[counts > 1])
    number = min(most, len(usable) // 2)
    if number < 2:
        return []
    splits = []
    for chosen in np.array_split(usable, number):
        held_out = np.isin(codes, chosen)
        splits.append(Split(np.flatnonzero(~held_out), np.flatnonzero(held_out)))
    return splits


def compare(parts: Sequence[tuple[Vectors, Vectors, Vectors, Places]], seed: int) -> Comparison:
    """Compare embeddings on held-out photos, of one split or of several.

    Parameters
    ----------
    parts
        For each split the embeddings of its held-out photos before, by principal components, and
        after, (n, d) each, and their classes, (n,).
    seed
        Of the confidence intervals.
    """
    by_kind: list[list[npt.NDArray[np.float64]]] = [[], [], []]
    for *embeddings, codes in parts:
        for values, vectors in zip(by_kind, embeddings, strict=True):
            values.append(_precisions(vectors, codes))
    pooled = [np.concatenate(values) for values in by_kind]
    before, pca, after = (estimate_mean(values, seed) for values in pooled)
    return Comparison(before, pca, after, int((~np.isnan(pooled[0])).sum()))


def mean_precision(vectors: Vectors, codes: Places) -> float:
    """Return the mAP of photos that search among one another, 0 to 1."""
    return float(np.nanmean(_precisions(vectors, codes)))


def verdict(
    photos: Comparison, training: Comparison, classes: Comparison | None, base: str
) -> tuple[bool, tuple[str, ...]]:
    """Return whether a model may take the place of its base, and what is to be said of it.

    Parameters
    ----------
    photos
        On held-out photos of classes that it was trained on.
    training
        On the photos that it was trained on.
    classes
        On classes that it was not trained on; None where there are too few to hold any out.
    base
        The name of the base.
    """
    lines = []
    if not photos.passed:
        lines.append(
            f"it finds held-out photos no better than {base}: {_figures(photos)} mAP",
        )
    if classes is None:
        lines.append("there are too few classes to hold some out, so it is not known what it is "
                     "worth on others")  # fmt: skip
    elif not classes.passed:
        lines.append(
            f"it finds photos of classes that it was not trained on worse than {base}: "
            f"{_figures(classes)} mAP"
        )
    passed = not lines
    gained = training.after.value - training.before.value
    if gained - (photos.after.value - photos.before.value) > OVER_FITTING:
        lines.append(
            f"it over-fits: {_figures(training)} mAP on the photos that it was trained on, "
            f"{_figures(photos)} on those held out"
        )
    return passed, tuple(lines)


def _figures(one: Comparison) -> str:
    return f"{100 * one.before.value:.1f} -> {100 * one.after.value:.1f} %"


def _precisions(vectors: Vectors, codes: Places) -> npt.NDArray[np.float64]:
    """Return the average precision of photos among the others, centred on all of them, (q,).

    Of each of up to some 7,000 photos; of fewer where there are more.
    """
    units = normalised(vectors - vectors.mean(axis=0))
    count = len(codes)
    most = max(_MOST_PAIRS // max(count, 1), _FEW_QUERIES)
    # The same ones of each embedding that is compared.
    queries = np.sort(np.random.default_rng(0).permutation(count)[:most])
    found = np.empty(len(queries))
    for rows in in_parts(len(queries), count):
        some = queries[rows]
        relevance = ranked_relevance(units[some] @ units.T, codes[some], codes, some)
        found[rows] = average_precision(relevance)
    return found
