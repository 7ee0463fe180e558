"""Photos that show the same picture, told from how alike their embeddings are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from photofind.ranking.projection import Vectors32

__all__ = ["NEAR_DUPLICATE", "TAKE", "collapse", "connected"]

# The score, by the plain cosine, from which two photos count as the same picture. For MobileNet
# this is a cosine of about 0.92: on Corel-1K that takes in 3 pairs of different pictures, all of
# them frames of one series, and nearly all copies that were brightened, scaled or mirrored.
NEAR_DUPLICATE = 0.9

# The score, likewise, from which a photo may be one more take of a picture, for MobileNet a cosine
# of about 0.87. The library is not measured on it. This is lower, because one take that counts as
# a picture of its own moves scores, and one picture more or less moves nothing.
TAKE = 0.8

COLLAPSED_AT_ONCE = 256


def collapse(vectors: Vectors32, limit: int, least: float) -> list[list[int]]:
    """Group ranked photos with their near-duplicates.

    Parameters
    ----------
    vectors
        Embeddings at unit length, best hit first, (n, D).
    limit
        How many groups are wanted.
    least
        The cosine from which two photos count as the same picture.

    Returns
    -------
    list of lists
        Places in ``vectors``; the best of each group first, groups in the order of their best.
    """
    groups: list[list[int]] = []
    group_of: dict[int, list[int]] = {}  # By the place of its best.
    start = 0
    while start < len(vectors):
        # As many as may still begin a group, or else many at a time: one by one, a multiplication
        # costs less than handing it to the processors.
        beginning = limit - len(groups)
        end = min(start + (beginning or COLLAPSED_AT_ONCE), len(vectors))
        others = [*group_of, *(range(start, end) if beginning else ())]
        for place, cosines in enumerate(vectors[start:end] @ vectors[others].T, start):
            near = [c for c in np.flatnonzero(cosines >= least).tolist() if others[c] in group_of]
            if near:
                group_of[others[max(near, key=cosines.__getitem__)]].append(place)
            elif len(groups) < limit:
                group_of[place] = [place]
                groups.append(group_of[place])
        start = end
    return groups


def connected(pairs: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Return groups of items that pairs (n, 2) connect, however indirectly; each ascending."""
    if not len(pairs):
        return []
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = int(pairs.max()) + 1
    links = coo_array((np.ones(len(pairs), np.uint8), pairs.T), shape=(count, count))
    _, labels = connected_components(links, directed=False)
    members = np.unique(pairs)
    order = np.argsort(labels[members], kind="stable")
    members, labels = members[order], labels[members][order]
    return np.split(members, np.flatnonzero(np.diff(labels)) + 1)
