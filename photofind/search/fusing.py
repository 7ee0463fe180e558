"""Ranking by several spaces: their candidates together, compared in each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photofind.model.filters import EVERYTHING, Filter
from photofind.ranking.fusion import Opinion, fuse
from photofind.search.comparison import Comparison, Ranked

__all__ = ["rank_fused"]


def rank_fused(
    comparisons: Sequence[Comparison],
    weights: Sequence[float],
    limit: int,
    where: Filter = EVERYTHING,
) -> Ranked:
    """Rank the contents of the first space by all of some spaces.

    Contents that a later space has not embedded yet are compared by the others.

    Parameters
    ----------
    limit
        How many contents are wanted from each space, at the least.
    where
        Only contents of which a photo passes.
    """
    candidates = dict.fromkeys(
        content for one in comparisons for content in one.candidates(limit, where)
    )
    first = comparisons[0].compare([*candidates])
    contents = [content for content, known in zip(candidates, first.known, strict=True) if known]
    opinions = [Opinion(weights[0], np.arange(len(contents)), first.scores, first.similarities)]
    for comparison, weight in zip(comparisons[1:], weights[1:], strict=True):
        other = comparison.compare(contents)
        places = np.flatnonzero(other.known)
        opinions.append(Opinion(weight, places, other.scores, other.similarities))
    order, scores = fuse(len(contents), opinions)
    return Ranked(
        [contents[place] for place in order],
        scores,
        first.embeddings[order],
        comparisons[0].searched_by,
    )
