"""Several extractors compare at once: their scores for the same photos become one.

Scores are calibrated for each space on the library itself, so that they can be averaged; that is
late fusion by the weighted sum rule.

References
----------
Fox and Shaw, "Combination of multiple searches", TREC-2, 1994 (CombSUM).
Kittler et al., "On combining classifiers", PAMI 1998 (the sum rule).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from photofind.library.embedded.library import Library
from photofind.search.ranking import Comparison, Mask, Rows

__all__ = ["Part", "fuse"]


@dataclass(frozen=True, eq=False)
class Part:
    """How one space compares, and how much that counts.

    ``allowed`` says which of its rows may be hits; None is all.
    """

    space: str
    comparison: Comparison
    weight: float
    allowed: Mask | None


def fuse(
    library: Library, parts: Sequence[Part], limit: int
) -> tuple[Rows, npt.NDArray[np.float64]]:
    """Return rows of the first space, best first, with the scores of all parts in one.

    Photos that a space has not described yet are compared by the others.

    Parameters
    ----------
    limit
        How many rows are wanted from each part, at the least.
    """
    rows = _common_rows(library, parts, limit)
    total = np.zeros(len(rows))
    closeness, weights = np.zeros(len(rows)), np.zeros(len(rows))
    for part in parts:
        known = [(place, own[part.space]) for place, own in enumerate(rows) if part.space in own]
        places = np.array([place for place, _ in known], np.intp)
        if len(places):
            own_rows = np.array([row for _, row in known], np.int64)
            similarities = part.comparison.similarities(own_rows)
            total[places] += part.weight * part.comparison.scores(similarities)
            closeness[places] += part.weight * similarities
            weights[places] += part.weight
    scores = total / np.maximum(weights, 1e-9)
    first = np.array([own[parts[0].space] for own in rows], np.int64)
    # Of all that are no more alike than strangers the scores are 0.
    order = np.lexsort((-closeness / np.maximum(weights, 1e-9), -scores))
    return first[order], scores[order]


def _common_rows(library: Library, parts: Sequence[Part], limit: int) -> list[Mapping[str, int]]:
    """Return the rows, by space, of all photos that any part has among its candidates."""
    found: dict[str, Mapping[str, int]] = {}
    for part in parts:
        for row in part.comparison.candidates(limit, part.allowed).tolist():
            for photo in library.photos_of_row(part.space, row)[:1]:
                found[photo.content] = photo.rows
    spaces = {part.space: part.comparison.rows for part in parts}
    return [
        {space: row for space, row in own.items() if row < spaces.get(space, 0)}
        for own in found.values()
        if own.get(parts[0].space, spaces[parts[0].space]) < spaces[parts[0].space]
    ]
