"""The answer to a query is ranked anew by what a person judged, and by what was learned of that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from photofind.learning.feedback.judging import key_of
from photofind.learning.feedback.metric import Metric
from photofind.learning.feedback.propagation import combine, neighbourhood, standardised
from photofind.learning.feedback.proposing import boundary, nearest_to_boundary
from photofind.library.store import Store
from photofind.model import Query
from photofind.model.filters import Filter
from photofind.model.judgements import Asked, Judgement
from photofind.ranking.projection import Vectors32, normalised
from photofind.search.comparison import Ranked
from photofind.search.fusing import Fused
from photofind.search.reranking import Reranked

__all__ = ["Reranker", "asked_by"]

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

# So many photos are ranked anew, at the least and at the most: all of a small library, in a large
# one what is near to the query, as it came and as expanded, and to the judged photos.
POOL, MOST = 1500, 4000
# So many that are near to each judged photo are among them, at the most.
NEAR = 500
PROPOSALS = 8
# The score of a photo that fits a query well.
HALF = 0.5


def asked_by(query: Query, contents: Iterable[str]) -> Asked:
    """Return what a query asks for, given the contents of the photos that hits should be like."""
    return Asked(tuple(sorted({*contents} - {""})), query.words or "", tuple(query.box or ()))


class Reranker:
    """Ranks the answer to one query anew.

    Where nothing was judged for the query and no metric counts, the answer stays as it is.

    Parameters
    ----------
    store
        Open for reading or writing.
    metric
        Gives what was learned for a space, by its id; None where there is nothing.
    liked, disliked
        Contents that are judged right now, beside what the library knows.
    forgotten
        Contents whose judgements do not count any more.
    kept
        Whether the judgements count that the library keeps.

    Attributes
    ----------
    asked
        What the query asked for, once it was answered.
    """

    def __init__(
        self,
        store: Store,
        metric: Callable[[str], Metric | None] = lambda space: None,
        *,
        liked: Iterable[str] = (),
        disliked: Iterable[str] = (),
        forgotten: Iterable[str] = (),
        kept: bool = True,
    ) -> None:
        self._store = store
        self._metric = metric
        self._new = dict.fromkeys(liked, True) | dict.fromkeys(disliked, False)
        self._forgotten = {*forgotten}
        self._kept = kept
        self.asked: Asked | None = None

    def __call__(self, query: Query, fused: Fused, where: Filter) -> Reranked:
        """Return the answer ranked anew."""
        self.asked = asked_by(query, fused.embedded.contents)
        known = self._known(self.asked)
        judged = [content for content in (*known, *self._new) if content not in self._forgotten]
        opinions = {one: (known | self._new)[one] for one in judged}
        liked = [content for content, is_liked in opinions.items() if is_liked]
        disliked = [content for content, is_liked in opinions.items() if not is_liked]
        metric = self._metric(fused.space)
        weight = 0.0
        if metric is not None and len(fused.embedded.like) and not query.plain:
            weight = metric.weight(fused.embedded.like)
        if not opinions and not weight:
            return Reranked(fused.ranked)
        ranked = fused.ranked  # The metric orders what there is, at no cost.
        if opinions:
            ranked = fused.ranking.rank(self._pool(fused, judged, where))
        if len(ranked.contents) < 2:
            return Reranked(fused.ranked, liked, disliked, key=key_of(self.asked))
        base = np.asarray(ranked.scores, np.float64)
        if metric is not None and weight:
            base = base + weight * metric.shift(fused.embedded.like, ranked.embeddings, base)
        if not opinions:
            order = np.argsort(-base, kind="stable")
            return Reranked(_in_order(ranked, order, np.clip(base, 0, 1)), learned=True)
        reranked = self._by_judgements(fused, ranked, base, liked, disliked)
        whole = _with_the_rest(reranked.ranked, fused.ranked, {*ranked.contents})
        return replace(reranked, ranked=whole, learned=weight > 0, key=key_of(self.asked))

    def _by_judgements(
        self,
        fused: Fused,
        ranked: Ranked,
        base: Values,
        liked: Sequence[str],
        disliked: Sequence[str],
    ) -> Reranked:
        vectors = self._vectors(fused, ranked)
        places = {content: place for place, content in enumerate(ranked.contents)}

        def places_of(contents: Iterable[str]) -> Places:
            return np.array([places[one] for one in contents if one in places], np.intp)

        own = fused.embedded.own
        wanted, good, bad = places_of(own), places_of(liked), places_of(disliked)
        fits = combine(neighbourhood(vectors), base, wanted, good, bad)
        others = np.ones(len(base), np.bool_)
        others[np.concatenate([wanted, good, bad])] = False
        # Back on the scale of scores, as wide as they were.
        scale = float(base[others].std()) if others.any() else 0.0
        middle = float(base[others].mean()) if others.any() else 0.0
        scores = np.clip(middle + scale * standardised(fits, others), 0, 1)
        allowed = others & _unseen(ranked.contents, {*own, *liked, *disliked})
        level = boundary(base, fits, good, bad, HALF)
        proposed = nearest_to_boundary(fits, level, vectors, allowed, PROPOSALS)
        # What is liked stands first, what is not wanted is no hit.
        top = float(scores[others].max(initial=0))
        scores[np.concatenate([wanted, good])] = np.maximum(
            base[np.concatenate([wanted, good])], top
        ).clip(0, 1)
        rank = np.where(np.isin(np.arange(len(base)), np.concatenate([wanted, good])), 1, 0)
        order = np.lexsort((-fits, -scores, -rank))
        order = order[~np.isin(order, bad)]
        return Reranked(
            _in_order(ranked, order, scores),
            liked,
            disliked,
            _in_order(ranked, proposed, scores),
        )

    def _known(self, asked: Asked) -> dict[str, bool]:
        """Return what the library knows to be judged for a query: liked or not."""
        if not self._kept:
            return {}
        found: Iterable[Judgement] = self._store.judgements()
        return {one.content: one.liked for one in found if one.asked == asked}

    def _pool(self, fused: Fused, judged: Sequence[str], where: Filter) -> list[str]:
        """Return the contents that are ranked anew."""
        found = fused.ranking.candidates(POOL // 2, where)[: 2 * POOL]
        store, space = self._store, fused.space
        has, embeddings = store.embeddings(space, judged)
        if len(found) >= POOL and has.any():
            near = max(min(NEAR, (MOST - len(found)) // int(has.sum())), 1)
            queries, index = normalised(embeddings[has]), store.index(space)
            # All embeddings of a large library take seconds to go through, its graph does not.
            if index is None:
                nearest = store.nearest(
                    space, queries, near, over="embeddings", where=where, vectors=False
                )
            else:
                points = index.projection.project(queries)
                nearest = store.nearest(space, points, near, where=where, vectors=False)
            found += [content for content in nearest.contents.ravel() if content]
        # What is judged passes on what it is, whether it passes the filter or not.
        return [*dict.fromkeys([*found, *judged, *fused.embedded.own])]

    def _vectors(self, fused: Fused, ranked: Ranked) -> Vectors32:
        """Return what tells which photos are neighbours, (n, d).

        It is not the points: smoothing has joined what judgements are to tell apart.
        """
        index = self._store.index(fused.space)
        return ranked.embeddings if index is None else index.projection.project(ranked.embeddings)


def _with_the_rest(first: Ranked, ranked: Ranked, pool: set[str]) -> Ranked:
    """Return contents with those behind them that were ranked, and are not of the pool."""
    places = np.flatnonzero(_unseen(ranked.contents, pool))
    if not len(places):
        return first
    rest = _in_order(ranked, places, ranked.scores)
    lowest = first.scores[-1] if len(first.scores) else 1.0
    return replace(
        first,
        contents=[*first.contents, *rest.contents],
        scores=np.concatenate([first.scores, np.minimum(rest.scores, lowest)]),
        embeddings=np.concatenate([first.embeddings, rest.embeddings]),
    )


def _unseen(contents: Sequence[str], judged: set[str]) -> npt.NDArray[np.bool_]:
    return np.array([content not in judged for content in contents], np.bool_)


def _in_order(ranked: Ranked, order: Places, scores: Values) -> Ranked:
    return replace(
        ranked,
        contents=[ranked.contents[place] for place in order],
        scores=scores[order],
        embeddings=ranked.embeddings[order],
    )
