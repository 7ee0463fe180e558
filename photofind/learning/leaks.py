"""Copies among labelled photos, which let a query find itself: the same content, or a near copy.

A figure measured with a photo on one side of a split and its copy on the other side is too good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from photofind.learning.splits import Split
from photofind.ranking.fingerprints import Fingerprints, near_pairs

__all__ = ["Copies", "CopyPair", "find_copies", "without_copies", "without_leaks"]

Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class CopyPair:
    """Two photos of one picture: their places, and whether their files have the same content."""

    left: int
    right: int
    identical: bool


@dataclass(frozen=True, eq=False)
class Copies:
    """The copies among n photos.

    Parameters
    ----------
    pairs
        Each with the lesser place first.
    groups
        The number of the group of each photo, (n,): those linked by pairs are of one.
    """

    pairs: tuple[CopyPair, ...]
    groups: Places


def find_copies(
    contents: Sequence[str], fingerprints: Sequence[str | None], *, near: bool = True
) -> Copies:
    """Find the copies among photos.

    Parameters
    ----------
    contents, fingerprints
        Of each photo, (n,).
    near
        Whether near copies count, whose fingerprints differ in at most 31 of 256 bits: photos that
        were scaled, encoded anew, turned or mirrored. They are no leak among takes of one scene.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    found: dict[tuple[int, int], bool] = {}
    if near:
        pairs = near_pairs(Fingerprints(fingerprints))
        found |= dict.fromkeys(zip(pairs.lefts.tolist(), pairs.rights.tolist(), strict=True), False)
    by_content: dict[str, list[int]] = {}
    for place, content in enumerate(contents):
        by_content.setdefault(content, []).append(place)
    for places in by_content.values():
        found |= dict.fromkeys(combinations(places, 2), True)
    lefts = np.array([left for left, _ in found], np.intp)
    rights = np.array([right for _, right in found], np.intp)
    count = len(contents)
    edges = coo_array((np.ones(len(lefts)), (lefts, rights)), shape=(count, count))
    _, groups = connected_components(edges, directed=False)
    return Copies(
        tuple(CopyPair(*pair, identical) for pair, identical in sorted(found.items())),
        np.asarray(groups, np.intp),
    )


def without_copies(copies: Copies) -> Places:
    """Return the places of the first photo of each group, ascending."""
    _, firsts = np.unique(copies.groups, return_index=True)
    return np.sort(firsts)


def without_leaks(split: Split, copies: Copies) -> tuple[Split, list[CopyPair]]:
    """Return a split without those queries of which the gallery has a copy, and these leaks."""
    leaky = np.isin(copies.groups[split.queries], copies.groups[split.gallery])
    queries, gallery = set(split.queries.tolist()), set(split.gallery.tolist())
    leaks = [
        pair
        for pair in copies.pairs
        if (pair.left in queries and pair.right in gallery)
        or (pair.left in gallery and pair.right in queries)
    ]
    return Split(split.gallery, split.queries[~leaky]), leaks
