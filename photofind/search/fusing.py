"""Ranking by several extractors: in one space of all, or by the scores of each.

The space of all is computed in the background (:mod:`photofind.indexing.deriving`). Until it is
complete, scores are fused. A photo that one extractor has not embedded, or refused, is compared by
the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from photofind.errors import ImageError, PhotofindError, WorkerError, WorkerStoppedError
from photofind.library.store import Store
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.fused import fused_parts
from photofind.model.records import Space
from photofind.ranking.fusion import Opinion, fuse, fuse_embeddings
from photofind.ranking.projection import Vectors32
from photofind.search.comparison import Comparison, Ranked, compare, rank_contents
from photofind.search.embedding import Embedded
from photofind.search.spaces import complete_fused_space
from photofind.search.words import WordsComparison

__all__ = [
    "Fused",
    "Ranking",
    "embed_by_each",
    "fuse_queries",
    "rank_by_all",
    "rank_by_words",
    "rank_fused",
]


@dataclass(frozen=True, eq=False)
class Fused:
    """An answer of several extractors, or of one.

    Parameters
    ----------
    spaces
        The spaces of the extractors that answered.
    space, embedded
        The id of the space that the answer is in, and the photos of the query in it.
    ranked
        The contents.
    ranking
        What ranked them, and can rank others.
    left_out
        Why others did not answer, a line each.
    by_words
        What compared contents with the words of the query, if it has any.
    """

    spaces: Sequence[Space]
    space: str
    embedded: Embedded
    ranked: Ranked
    ranking: Ranking
    left_out: tuple[str, ...] = ()
    by_words: WordsComparison | None = None


def embed_by_each(
    spaces: Sequence[Space], embed: Callable[[Space], Embedded]
) -> tuple[dict[Space, Embedded], tuple[str, ...]]:
    """Return the photos of a query in the spaces of the extractors that do not refuse them.

    Returns
    -------
    embedded : dict
    left_out : tuple of str
        Why others are missing, a line each.

    Raises
    ------
    ImageError, WorkerError
        All of them refuse: what the first one says.
    CannotEmbed
        An extractor does not work, or has another version.
    """
    embedded: dict[Space, Embedded] = {}
    failed: dict[Space, PhotofindError] = {}
    for space in spaces:
        try:
            embedded[space] = embed(space)
        except WorkerStoppedError:
            raise
        except (ImageError, WorkerError) as error:
            failed[space] = error
    if not embedded:
        raise next(iter(failed.values()))
    return embedded, tuple(f"{space.extractor}: {error}" for space, error in failed.items())


def rank_by_words(
    spaces: Sequence[Space], by_words: WordsComparison, limit: int, where: Filter
) -> Fused:
    """Rank contents by words alone."""
    ranking = Ranking([by_words], [1.0])
    ranked = _first(ranking, limit, where)
    nothing = Embedded.nothing()
    return Fused(spaces, spaces[0].id, nothing, ranked, ranking, by_words.notes, by_words)


def rank_by_all(
    store: Store,
    weights: Mapping[Space, float],
    embedded: Mapping[Space, Embedded],
    limit: int,
    where: Filter,
    *,
    plain: bool,
    by_words: Sequence[tuple[Comparison, float]] = (),
) -> Fused:
    """Rank contents by all extractors that embedded a query.

    Parameters
    ----------
    weights
        How much each space counts.
    embedded
        The photos of the query in each of them, or in some.
    limit
        How many contents are wanted from each space, at the least.
    where
        Only contents of which a photo passes.
    plain
        Compare embeddings by their cosine alone.
    by_words
        What compares contents with the words of the query, and how much each counts.
    """
    spaces = [*embedded]
    first = spaces[0]
    shares = {space: weights[space] for space in spaces}
    together = complete_fused_space(store, shares)

    def comparisons() -> list[Comparison]:
        return [compare(store, one.id, embedded[one], plain=plain) for one in spaces]

    if together is None:
        ranking = Ranking(comparisons(), [*shares.values()], by_words=by_words)
        ranked = _first(ranking, limit, where)
        return Fused(spaces, first.id, embedded[first], ranked, ranking)
    parts = fused_parts(shares)
    query = fuse_queries([embedded[space] for space in parts], [*parts.values()])
    comparison = compare(store, together.id, query, plain=plain)
    done = store.space_counts(together.id).contents
    if all(store.space_counts(space.id).contents == done for space in spaces):
        weight = sum(shares.values())
        ranking = Ranking([comparison], [weight], by_words=by_words)
    else:
        ranking = Ranking(comparisons(), [*shares.values()], together=comparison, by_words=by_words)
    return Fused(spaces, together.id, query, _first(ranking, limit, where), ranking)


def rank_fused(
    comparisons: Sequence[Comparison],
    weights: Sequence[float],
    limit: int,
    where: Filter = EVERYTHING,
    *,
    together: Comparison | None = None,
    by_words: Sequence[tuple[Comparison, float]] = (),
) -> Ranked:
    """Rank the contents of some spaces, each by those that have it.

    The embeddings are those of the space of all, or of the first one; zeros for what it lacks.

    Parameters
    ----------
    limit
        How many contents are wanted from each space, at the least.
    where
        Only contents of which a photo passes.
    together
        Compares in the space of all: what that has is compared there alone.
    by_words
        What compares all contents with words besides, and how much each counts.
    """
    return _first(Ranking(comparisons, weights, together=together, by_words=by_words), limit, where)


class Ranking:
    """Ranks contents for one query, by everything that answers it.

    Parameters
    ----------
    comparisons, weights, together, by_words
        As for :func:`rank_fused`.
    """

    def __init__(
        self,
        comparisons: Sequence[Comparison],
        weights: Sequence[float],
        *,
        together: Comparison | None = None,
        by_words: Sequence[tuple[Comparison, float]] = (),
    ) -> None:
        self._together = together
        self._every = [(together, sum(weights))] if together else []
        self._every += [*zip(comparisons, weights, strict=True)]
        self._by_words = by_words

    def candidates(self, limit: int, where: Filter = EVERYTHING) -> list[str]:
        """Return at least ``limit`` contents that pass, where there are so many.

        The best are among them.
        """
        every = (*self._every, *self._by_words)
        asked = (one.candidates(limit, where) for one, _ in every)
        return [*dict.fromkeys(chain.from_iterable(asked))]

    def rank(self, contents: Sequence[str]) -> Ranked:
        """Rank contents, each given once; those that no space has are left out."""
        if len(self._every) == 1 and not self._by_words:
            return rank_contents(self._every[0][0], contents)
        contents = [*contents]
        left = np.arange(len(contents))
        is_known = np.zeros(len(contents), np.bool_)
        opinions: list[Opinion] = []
        embeddings: Vectors32 | None = None
        for comparison, weight in self._every:
            compared = comparison.compare([contents[place] for place in left])
            places = left[compared.known]
            opinions.append(Opinion(weight, places, compared.scores, compared.similarities))
            is_known[places] = True
            if embeddings is None:
                embeddings = np.zeros((len(contents), compared.embeddings.shape[-1]), np.float32)
                embeddings[places] = compared.embeddings
            if comparison is self._together:
                left = np.flatnonzero(~is_known)
        for comparison, weight in self._by_words:
            compared = comparison.compare(contents)
            places = np.flatnonzero(compared.known)
            opinions.append(Opinion(weight, places, compared.scores, compared.similarities))
        assert embeddings is not None
        order, scores = fuse(len(contents), opinions)
        kept = is_known[order]
        return Ranked(
            [contents[place] for place in order[kept]],
            scores[kept],
            embeddings[order[kept]],
            self._every[0][0].searched_by,
        )


def _first(ranking: Ranking, limit: int, where: Filter) -> Ranked:
    return ranking.rank(ranking.candidates(limit, where))


def fuse_queries(parts: Sequence[Embedded], weights: Sequence[float]) -> Embedded:
    """Return the photos of a query in the space of all extractors.

    Parameters
    ----------
    parts
        The photos in the space of each, in the order of
        :func:`~photofind.model.fused.fused_parts`.
    weights
        How much each counts.
    """

    def fused(of: Callable[[Embedded], Vectors32]) -> Vectors32:
        return fuse_embeddings(*map(of, parts), weights=weights)

    return replace(
        parts[0],
        like=fused(lambda one: one.like),
        unlike=fused(lambda one: one.unlike),
        turned=fused(lambda one: one.turned),
        own=frozenset().union(*(one.own for one in parts)),
        outside=any(one.outside for one in parts),
    )
