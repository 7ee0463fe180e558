"""What may rank an answer anew before photos become hits: `photofind.learning` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from photofind.model import Query
from photofind.model.filters import Filter
from photofind.search.comparison import Ranked
from photofind.search.fusing import Fused

__all__ = ["Rerank", "Reranked"]


@dataclass(frozen=True, eq=False)
class Reranked:
    """Contents in a new order, best first, and what it was that ordered them.

    Parameters
    ----------
    ranked
        The contents; their scores fall.
    liked, disliked
        The contents that a person judged for this query.
    proposed
        Contents that are worth judging next, the most telling first; None where nothing is judged.
    learned
        Whether a learned metric counted too.
    key
        Names the query among the judgements.
    """

    ranked: Ranked
    liked: Sequence[str] = ()
    disliked: Sequence[str] = ()
    proposed: Ranked | None = None
    learned: bool = False
    key: str = ""


Rerank = Callable[[Query, Fused, Filter], Reranked]
"""Ranks the answer to a query anew, among the photos that pass a filter."""
