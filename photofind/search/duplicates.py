"""Photos that show the same picture, told from how alike their full vectors are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from photofind.library.embedded.index import Index
from photofind.library.embedded.vectors import Vectors
from photofind.ranking.calibration import TYPICAL
from photofind.ranking.exact import best
from photofind.ranking.projection import Vectors32, normalised

__all__ = ["collapse", "group_near_duplicates"]

# The score, by the plain cosine, from which two photos count as the same picture. For MobileNet
# this is a cosine of about 0.92: on Corel-1K that takes in 3 pairs of different pictures, all of
# them frames of one series, and nearly all copies that were brightened, scaled or mirrored.
NEAR_DUPLICATE = 0.9

BLOCK = 1024
COLLAPSED_AT_ONCE = 256
NEIGHBOURS = 10

Rows = npt.NDArray[np.int64]


def collapse(vectors: Vectors32, limit: int, index: Index | None) -> list[list[int]]:
    """Group ranked photos with their near-duplicates.

    Parameters
    ----------
    vectors
        Full vectors at unit length, best hit first, (n, D).
    limit
        How many groups are wanted.

    Returns
    -------
    list of lists
        Places in ``vectors``; the best of each group first, groups in the order of their best.
    """
    least = (index.facts.plain if index else TYPICAL).similarity(NEAR_DUPLICATE)
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


def group_near_duplicates(
    vectors: Vectors, rows: Rows, index: Index | None
) -> Iterator[tuple[Rows, float]]:
    """Yield groups of rows that show the same picture, with their lowest cosine to the first.

    Candidate pairs come from the neighbours that the index holds; rows that came after its build,
    and all rows where there is no index, are compared with everything.

    Parameters
    ----------
    rows
        The rows to group, ascending.
    """
    pairs = np.concatenate(list(_near_pairs(vectors, rows, index)))
    if not len(pairs):
        return
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = int(rows.max()) + 1
    links = coo_array((np.ones(len(pairs), np.uint8), pairs.T), shape=(count, count))
    _, labels = connected_components(links, directed=False)
    members = np.unique(pairs)
    labels = labels[members]
    for label in np.unique(labels):
        group = members[labels == label]
        full = normalised(vectors.rows(group))
        yield group, float((full[1:] @ full[0]).min())


def _near_pairs(vectors: Vectors, rows: Rows, index: Index | None) -> Iterator[Rows]:
    """Yield arrays (n, 2) of rows that are near-duplicates of each other."""
    yield np.empty((0, 2), np.int64)
    background = index.facts.plain if index else TYPICAL

    def near(left: Rows, right: Rows) -> Rows:
        kept = (left != right) & np.isin(right, rows) & np.isin(left, rows)
        left, right = left[kept], right[kept]
        cosines = np.einsum(
            "nd,nd->n", normalised(vectors.rows(left)), normalised(vectors.rows(right))
        )
        close = background.scores(cosines) >= NEAR_DUPLICATE
        return np.stack([left[close], right[close]], axis=1)

    compared: Rows = np.empty(0, np.int64)
    if index is not None:
        compared = index.rows[: len(index.neighbours)]
        for start in range(0, len(compared), BLOCK):
            neighbours = index.neighbours[start : start + BLOCK]
            left = np.repeat(compared[start : start + BLOCK], neighbours.shape[1])
            yield near(left, compared[neighbours.ravel()])
    rest = np.setdiff1d(rows, compared)
    for start in range(0, len(rest), BLOCK):
        block = rest[start : start + BLOCK]
        queries = normalised(vectors.rows(block))
        for other in range(0, len(rows), BLOCK):
            gallery = rows[other : other + BLOCK]
            positions, _ = best(queries @ normalised(vectors.rows(gallery)).T, NEIGHBOURS + 1)
            left = np.repeat(block, positions.shape[1])
            yield near(left, gallery[positions.ravel()])
