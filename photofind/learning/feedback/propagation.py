"""Judgements spread along the neighbours of photos, and move the ranking of a query.

Some photos of a neighbourhood are *liked*, some *disliked*; each passes a share of that on to its
nearest neighbours, which pass it on. What arrives is standardised and averaged with the ranking
that there was, standardised too; the more judgements there are, the more it counts. So a photo
among liked ones rises however far it was from the query, and where nothing arrives the ranking
stays.

References
----------
Zhou et al., "Learning with local and global consistency", NIPS 2003 (the propagation).
Andersen, Chung and Lang, "Local graph partitioning using PageRank vectors", FOCS 2006 (that it may
be confined to what is near).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from photofind.ranking.exact import neighbours_exactly
from photofind.ranking.projection import Vectors32

__all__ = ["Neighbourhood", "combine", "neighbourhood", "propagate", "standardised"]

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

NEIGHBOURS = 15
# The share that a photo passes on, and how often: what arrives after that is little.
PASSED_ON = 0.95
ROUNDS = 20
POWER = 3
# As for several query photos (Rocchio), what is not wanted counts half.
DISLIKED = 0.5
# What arrives counts up to this share of the new ranking, half of it with so many judgements: one
# alone says little, and may be about the odd one out.
SHARE, HALF_SAID = 2 / 3, 2


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """A symmetric graph over n photos in rows: each edge stands in the row of either end.

    Parameters
    ----------
    starts
        Where the row of each photo begins, (n,).
    ends, weights
        The other end of each edge, and its weight, divided by the root of the degrees of both.
    """

    starts: Places
    ends: Places
    weights: npt.NDArray[np.float32]

    def pass_on(self, values: Values) -> Values:
        """Return what arrives at each photo, (n, m), where each passes on its values, (n, m)."""
        parts = self.weights[:, np.newaxis] * values[self.ends]
        arrived: Values = np.add.reduceat(parts, self.starts, axis=0)
        return arrived


def neighbourhood(vectors: Vectors32, count: int = NEIGHBOURS) -> Neighbourhood:
    """Return the graph that joins each photo with its nearest, by the cosine cubed.

    Parameters
    ----------
    vectors
        float32 of shape (n, d), at unit length, n at least 2; zeros have no edges that weigh.
    count
        How many neighbours of each.
    """
    size = len(vectors)
    places, similarities = neighbours_exactly(vectors, min(count, size - 1))
    width = places.shape[1]
    weights = np.clip(similarities, 0, None).ravel() ** POWER
    own, other = np.repeat(np.arange(size), width), places.ravel()
    # Each has an edge to itself that weighs nothing, so that no row is empty.
    rows = np.concatenate([own, other, np.arange(size)])
    ends = np.concatenate([other, own, np.arange(size)])
    weights = np.concatenate([weights, weights, np.zeros(size, np.float32)])
    degrees = np.sqrt(np.maximum(np.bincount(rows, weights, minlength=size), 1e-9))
    weights = (weights / (degrees[rows] * degrees[ends])).astype(np.float32)
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    return Neighbourhood(np.searchsorted(rows, np.arange(size)), ends[order], weights[order])


def propagate(graph: Neighbourhood, seeds: Values) -> Values:
    """Return what arrives at each photo, (n, m), of m sets of seeds, (n, m)."""
    values = seeds
    for _ in range(ROUNDS):
        values = PASSED_ON * graph.pass_on(values) + (1 - PASSED_ON) * seeds
    return values


def standardised(values: Values, among: npt.NDArray[np.bool_]) -> Values:
    """Return values (n,) less their mean, divided by their deviation, both of some of them."""
    chosen = values[among]
    if not len(chosen):
        return np.zeros_like(values)
    result: Values = (values - chosen.mean()) / max(float(chosen.std()), 1e-9)
    return result


def combine(
    graph: Neighbourhood, base: Values, wanted: Places, liked: Places, disliked: Places
) -> Values:
    """Return how well n photos fit a query and its judgements, (n,), standardised.

    Parameters
    ----------
    base
        How well each fits the query alone, (n,).
    wanted
        The places of the query's own photos in the graph, if any.
    liked, disliked
        The places of judged photos.
    """
    seeds = np.zeros((len(base), 1))
    positive = np.concatenate([wanted, liked])
    if len(positive):
        seeds[positive] = 1 / len(positive)
    if len(disliked):
        seeds[disliked] -= DISLIKED / len(disliked)
    arrived = propagate(graph, seeds)[:, 0]
    others = np.ones(len(base), np.bool_)
    others[np.concatenate([positive, disliked])] = False
    said = len(liked) + len(disliked)
    share = SHARE * said / (said + HALF_SAID)
    old, new = standardised(base, others), standardised(arrived, others)
    result: Values = (1 - share) * old + share * new
    return result
