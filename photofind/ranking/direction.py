"""Several query photos become one direction: towards what is wanted, away from what is not.

References
----------
Rocchio, "Relevance feedback in information retrieval", in The SMART Retrieval System, 1971.
"""

from __future__ import annotations

from photofind.ranking.projection import Vectors32, normalised

__all__ = ["towards"]

UNLIKE_WEIGHT = 0.5


def towards(like: Vectors32, unlike: Vectors32) -> Vectors32:
    """Return the unit direction towards the mean of some vectors and away from that of others.

    Parameters
    ----------
    like, unlike
        float32 of shapes (p, d), p at least 1, and (q, d), at unit length.
    """
    direction = normalised(like.mean(axis=0))
    if len(unlike):
        direction = normalised(direction - UNLIKE_WEIGHT * normalised(unlike.mean(axis=0)))
    return direction
