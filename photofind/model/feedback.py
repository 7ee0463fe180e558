"""Judgements of hits as they are shown, and what was learned from them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Judged", "MetricStatus"]


@dataclass(frozen=True)
class Judged:
    """What a person said of a photo that a query found.

    Parameters
    ----------
    judgement
        What names it: the query's key, a colon, and the content id of the photo. The key alone
        names all judgements of the query.
    query
        The paths of the photos that hits should be like; the content id of one that the library
        does not have.
    words, box
        What hits should show, and which part of the photo was compared, if any.
    paths
        The photos that have the content now.
    liked
        Whether it is what was asked for.
    moment
        When that was said, seconds since 1970.
    query_ids, ids
        The numbers of the photos of the query and of the judged ones, as far as they are in the
        library.
    """

    judgement: str
    query: tuple[str, ...]
    words: str
    box: tuple[float, ...]
    paths: tuple[str, ...]
    liked: bool
    moment: float
    query_ids: tuple[int, ...] = ()
    ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class MetricStatus:
    """The metric that was learned from judgements, or why there is none.

    Shares are from 0 to 1; None where nothing was measured.

    Parameters
    ----------
    state
        "on"; "off" where the setting `metric` is false; "none" while there is none.
    space
        The space that it is for, as in ``mobilenet@1``.
    reason
        Why it was taken, or why there is none, in a line.
    judgements, queries
        How many it was learned from, or are there to learn from.
    before, after
        The share of pairs of a liked and a disliked photo that are ranked right: pairs of queries
        that the metric was not trained on, without it and with it.
    others_before, others_after
        The mean average precision of queries by other photos of the library, which are to find
        the photos of their folders, without the metric and with it.
    trained
        When, in seconds since 1970.
    strongest
        How much the most changed direction counts, where 1 is as before.
    """

    state: str
    space: str
    reason: str
    judgements: int = 0
    queries: int = 0
    before: float | None = None
    after: float | None = None
    others_before: float | None = None
    others_after: float | None = None
    trained: float | None = None
    strongest: float | None = None
