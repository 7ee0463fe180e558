"""Classifiers on embeddings: votes of the nearest, and a linear probe.

Both leave the embedding as it is, so they measure it: whether a class lies together, and whether a
plane tells it from the others (Alain and Bengio, "Understanding intermediate layers using linear
classifier probes", 2016).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from photofind.learning.metrics import in_parts
from photofind.learning.splits import Split, folds
from photofind.ranking.projection import Vectors32, normalised

__all__ = ["NEIGHBOURS", "PROBE_FOLDS", "nearest_vote", "probe_by_folds", "probe_held_out"]

Places = npt.NDArray[np.intp]

NEIGHBOURS = 10
PROBE_FOLDS = 10
_REGULARISATION = 10.0


def nearest_vote(
    similarities: npt.NDArray[np.floating],
    gallery_codes: Places,
    classes: int,
    own: Places | None = None,
    neighbours: int = NEIGHBOURS,
) -> Places:
    """Return the class that most of the nearest photos have, (q,).

    Parameters
    ----------
    similarities
        Of q queries with n photos of the gallery, (q, n).
    gallery_codes
        The classes of the gallery, (n,).
    own
        The place of each query in the gallery, (q,), which has no vote.
    neighbours
        How many vote, one vote each. Of classes with as many votes that of the nearer photos wins.
    """
    queries, width = similarities.shape
    count = min(neighbours, width - (own is not None))
    nearest = np.empty((queries, count), np.intp)
    for rows in in_parts(queries, width):
        away = -similarities[rows]
        if own is not None:
            away[np.arange(len(away)), own[rows]] = np.inf
        nearest[rows] = np.argsort(away, axis=1, kind="stable")[:, :count]
    # A share of a vote, less for each rank, breaks ties.
    weights = 1 + np.arange(count, 0, -1) / (count * (count + 1) * 10)
    votes = np.zeros((queries, classes))
    for rank in range(count):
        votes[np.arange(queries), gallery_codes[nearest[:, rank]]] += weights[rank]
    told: Places = votes.argmax(axis=1)
    return told


def probe_held_out(embeddings: Vectors32, codes: Places, split: Split) -> Places:
    """Fit a linear probe on the gallery of a split; return its classes of the queries, (q,)."""
    return _probe(embeddings[split.gallery], codes[split.gallery], embeddings[split.queries])


def probe_by_folds(
    embeddings: Vectors32, codes: Places, seed: int = 0, count: int = PROBE_FOLDS
) -> Places:
    """Return the class of each photo by a probe fitted without its fold, (n,)."""
    fold = folds(codes, count, seed)
    told = np.zeros(len(codes), np.intp)
    for one in range(count):
        inside, outside = np.flatnonzero(fold == one), np.flatnonzero(fold != one)
        if len(inside) and len(outside):
            told[inside] = _probe(embeddings[outside], codes[outside], embeddings[inside])
    return told


def _probe(embeddings: Vectors32, codes: Places, others: Vectors32) -> Places:
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(codes)) == 1:
        return np.full(len(others), codes[0], np.intp)
    mean = embeddings.mean(axis=0)
    probe = LogisticRegression(C=_REGULARISATION, max_iter=500)
    probe.fit(normalised(embeddings - mean), codes)
    told: Places = probe.predict(normalised(others - mean)).astype(np.intp)
    return told
