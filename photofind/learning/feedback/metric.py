"""A small metric that is learned from judgements: how much each direction of a space counts.

It is a diagonal metric on the library's principal components, with weights near 1: a logistic model
of which of two photos, one liked and one disliked, is the more alike to the query, regularised
towards what there was (ridge). It is convex, has one number for each component, and is fitted by
Newton's method in milliseconds.

It counts for a query only as far as that resembles what was judged; for others it is as if there
were none. So what was learned of some photos cannot spoil the ranking of unrelated ones.

References
----------
Xing, Ng, Jordan and Russell, "Distance metric learning with application to clustering with
side-information", NIPS 2002 (a diagonal metric from pairs, by Newton's method).
Schultz and Joachims, "Learning a distance metric from relative comparisons", NIPS 2003.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from photofind.ranking.calibration import Background
from photofind.ranking.projection import Projection, Vectors32, normalised

__all__ = ["Example", "Metric", "fit"]

Values = npt.NDArray[np.float64]

# How much weights are held at 1, in the loss of one query.
RIDGE = 0.2
# Differences of cosines are divided by this before they count as evidence.
TEMPERATURE = 0.05
NEWTON_STEPS = 15
LEAST, MOST = 0.5, 2.0
# The metric begins to count where a query scores more with what was judged than unrelated photos
# do, and counts in full from the other score on.
BEGINS, FULL = 0.5, 0.7


@dataclass(frozen=True, eq=False)
class Example:
    """The judgements of one query, as embeddings.

    Parameters
    ----------
    query
        Its photos, float32 (p, D), at unit length.
    liked, disliked
        The judged photos, (l, D) and (m, D).
    """

    query: Vectors32
    liked: Vectors32
    disliked: Vectors32


@dataclass(frozen=True, eq=False)
class Metric:
    """A metric on the embeddings of one space.

    Parameters
    ----------
    projection
        The library's components when it was learned; the metric keeps them, so a new index changes
        nothing.
    weights
        How much each component counts, float32 (d,); 1 is as before.
    anchors
        The embeddings of what was judged, at unit length, (a, D).
    background
        Of the plain cosine: says what resembles.
    """

    projection: Projection
    weights: Vectors32
    anchors: Vectors32
    background: Background

    def weight(self, query: Vectors32) -> float:
        """Return how much it counts for a query (p, D), 0 to 1, by what that resembles."""
        if not len(self.anchors):
            return 0.0
        cosines = normalised(query.mean(axis=0)) @ self.anchors.T
        score = float(self.background.scores(cosines.max(keepdims=True))[0])
        return float(np.clip((score - BEGINS) / (FULL - BEGINS), 0, 1))

    def shift(self, query: Vectors32, embeddings: Vectors32, base: Values) -> Values:
        """Return by how much it moves the scores of n photos, (n,), where it counts in full.

        Parameters
        ----------
        query
            float32 (p, D), at unit length.
        embeddings
            The photos, (n, D).
        base
            Their scores, (n,), which say how wide the scale is.
        """
        asked = normalised(self.projection.project(query).mean(axis=0))
        points = self.projection.project(embeddings)
        plain = points @ asked
        moved = points @ (self.weights * asked) - plain
        result: Values = moved * (base.std() / max(float(plain.std()), 1e-9))
        return result.astype(np.float64)


def fit(examples: Sequence[Example], projection: Projection, background: Background) -> Metric:
    """Fit a metric; with nothing to compare it is the one that changes nothing.

    Parameters
    ----------
    examples
        Those of which some photos are liked and others disliked teach something.
    projection, background
        Of the library's index.
    """
    differences, shares = [], []
    for example in examples:
        asked = normalised(projection.project(example.query).mean(axis=0))
        liked, disliked = (projection.project(one) for one in (example.liked, example.disliked))
        if not len(liked) or not len(disliked):
            continue
        pairs = (liked[:, np.newaxis] - disliked).reshape(-1, len(asked)) * asked
        differences.append(pairs)
        shares.append(np.full(len(pairs), 1 / len(pairs)))
    weights = np.ones(len(projection.components))
    if differences:
        weights += _newton(np.concatenate(differences).astype(np.float64), np.concatenate(shares))
    anchors = [part for one in examples for part in (one.query, one.liked, one.disliked)]
    return Metric(
        projection,
        np.clip(weights, LEAST, MOST).astype(np.float32),
        normalised(np.concatenate(anchors)) if anchors else np.empty((0, 0), np.float32),
        background,
    )


def _newton(differences: Values, shares: Values) -> Values:
    """Return how much weights differ from 1, (d,), of a ridge-regularised logistic model.

    Parameters
    ----------
    differences
        How much more each component speaks for the liked photo of a pair, (n, d).
    shares
        How much each pair counts, (n,).
    """
    count = differences.shape[1]
    evidence = differences / TEMPERATURE
    known = evidence.sum(axis=1)
    ridge = RIDGE * shares.sum()
    change = np.zeros(count)
    for _ in range(NEWTON_STEPS):
        margins = np.clip(known + evidence @ change, -30, 30)
        wrong = 1 / (1 + np.exp(margins))
        gradient = ridge * change - evidence.T @ (shares * wrong)
        curvature = shares * wrong * (1 - wrong)
        hessian = (evidence.T * curvature) @ evidence + ridge * np.eye(count)
        step = np.linalg.solve(hessian, gradient)
        change -= step
        if np.abs(step).max() < 1e-6:
            break
    return change
