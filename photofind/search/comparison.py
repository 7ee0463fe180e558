"""Ranking the contents of one space by likeness to the embeddings of a query.

With an index, a query is projected, expanded by its neighbours and compared with the smoothed
points; the candidates so found are re-ranked by the blend of that and of the full embeddings
(:func:`photofind.ranking.calibration.blend`). Without one, or when asked to, all embeddings are
compared by cosine.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, compress

import numpy as np
import numpy.typing as npt

from photofind.library.store import IndexInfo, Nearest, Store
from photofind.model.filters import EVERYTHING, Filter
from photofind.ranking.calibration import (
    Background,
    blend,
    combine,
    weight_of,
)
from photofind.ranking.direction import towards
from photofind.ranking.duplicates import TAKE
from photofind.ranking.exact import Similarities, best
from photofind.ranking.projection import Vectors32, normalised
from photofind.ranking.smoothing import expand
from photofind.search.backgrounds import varied_background
from photofind.search.embedding import Embedded

__all__ = [
    "Compared",
    "Comparison",
    "NearestPictures",
    "Ranked",
    "WholeSpace",
    "compare",
    "nearest_contents",
    "rank",
    "rank_contents",
    "shows_again",
]

# The score, by the plain cosine of varied photos, from which a hit shows the query's own picture.
SHOWN_AGAIN = 0.9

# How many candidates are re-ranked by their full embeddings, at the least.
CANDIDATES = 200
# So many different pictures may be nearly the same as a query's own photo: its own, most of all.
SPARE_TAKES = 5

Standings = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ranked:
    """Contents, best first, with their scores (0 to 1) and their embeddings at unit length."""

    contents: Sequence[str]
    scores: npt.NDArray[np.float64]
    embeddings: Vectors32
    searched_by: str


@dataclass(frozen=True, eq=False)
class Compared:
    """How alike contents are to a query.

    Parameters
    ----------
    known
        Which of the contents the space has, (n,); the rest is about these k alone.
    similarities
        What they are ranked by, (k,): scores, but less than 0 below the background's median.
    scores
        The same from 0 to 1, (k,).
    embeddings
        At unit length, (k, D).
    """

    known: npt.NDArray[np.bool_]
    similarities: Similarities
    scores: npt.NDArray[np.float64]
    embeddings: Vectors32


@dataclass(frozen=True)
class _Scale:
    """Turns similarities into scores, which move slowly while a library grows.

    Parameters
    ----------
    own
        The library's background of what is ranked by.
    typical
        The background of the plain cosine of varied photos.
    weight
        How much the first counts, 0 to 1.
    """

    own: Background
    typical: Background
    weight: float

    def standings(self, similarities: Similarities, plain: Similarities) -> Standings:
        """Return scores, less than 0 below the median, of similarities and plain cosines (k,)."""
        own, typical = self.own.standings(similarities), self.typical.standings(plain)
        return combine(own, typical, self.weight)


class Comparison(ABC):
    """Compares the contents of one space with one query.

    Attributes
    ----------
    searched_by
        "graph", "exact" or "plain": how the candidates were found.
    """

    searched_by: str

    @abstractmethod
    def candidates(self, limit: int, where: Filter = EVERYTHING) -> list[str]:
        """Return at least ``limit`` contents that pass, where there are so many.

        The best are among them.
        """

    @abstractmethod
    def compare(self, contents: Sequence[str]) -> Compared:
        """Compare contents with the query; one of its own is the same picture."""


class _SpaceComparison(Comparison):
    """By the embeddings of a space."""

    def __init__(self, store: Store, space: str, query: Embedded, scale: _Scale) -> None:
        self._store = store
        self._space = space
        self._own = query.own
        self._scale = scale
        self._direction = towards(query.like, query.unlike)

    def compare(self, contents: Sequence[str]) -> Compared:
        known, embeddings = self._embeddings(contents)
        plain = embeddings @ self._direction
        known, similarities = self._similarities(contents, known, embeddings, plain)
        standings = self._scale.standings(similarities, plain)
        own = np.array([content in self._own for content in contents], np.bool_)
        standings = np.where(own, 1, standings)[known]
        if not known.all():
            embeddings = embeddings[known]
        return Compared(known, standings.astype(np.float32), np.clip(standings, 0, 1), embeddings)

    def _embeddings(self, contents: Sequence[str]) -> tuple[npt.NDArray[np.bool_], Vectors32]:
        """Return which contents have an embedding, (n,), and the embeddings at unit length."""
        known, embeddings = self._store.embeddings(self._space, contents)
        return known, normalised(embeddings)

    @abstractmethod
    def _similarities(
        self,
        contents: Sequence[str],
        known: npt.NDArray[np.bool_],
        embeddings: Vectors32,
        plain: Similarities,
    ) -> tuple[npt.NDArray[np.bool_], Similarities]:
        """Return which of the contents that are known can be compared, and how alike they are."""


class _AnyComparison(Comparison):
    """By the most similar of several ways to lay the query's photo."""

    def __init__(self, ways: Sequence[Comparison]) -> None:
        self._ways = ways
        self.searched_by = ways[0].searched_by

    def candidates(self, limit: int, where: Filter = EVERYTHING) -> list[str]:
        found = [way.candidates(limit, where) for way in self._ways]
        self.searched_by = self._ways[0].searched_by
        return [*dict.fromkeys(chain.from_iterable(found))]

    def compare(self, contents: Sequence[str]) -> Compared:
        compared = [way.compare(contents) for way in self._ways]
        return replace(
            compared[0],
            similarities=np.stack([one.similarities for one in compared]).max(axis=0),
            scores=np.stack([one.scores for one in compared]).max(axis=0),
        )


def nearest_contents(
    store: Store, space: str, direction: Vectors32, limit: int, where: Filter
) -> list[str]:
    """Return the contents whose embeddings are nearest to a direction (d,), the nearest first."""
    found = store.nearest(
        space,
        direction[np.newaxis],
        max(CANDIDATES, limit),
        over="embeddings",
        where=where,
        vectors=False,
    )
    return [content for content in found.contents[0] if content]


class _PlainComparison(_SpaceComparison):
    """By the cosine of the embeddings alone."""

    searched_by = "plain"

    def candidates(self, limit: int, where: Filter = EVERYTHING) -> list[str]:
        return nearest_contents(self._store, self._space, self._direction, limit, where)

    def _similarities(
        self,
        contents: Sequence[str],
        known: npt.NDArray[np.bool_],
        embeddings: Vectors32,
        plain: Similarities,
    ) -> tuple[npt.NDArray[np.bool_], Similarities]:
        return known, plain


class _IndexedComparison(_SpaceComparison):
    """By the index: points of the expanded query, and embeddings relative to the library."""

    def __init__(
        self, store: Store, space: str, query: Embedded, scale: _Scale, index: IndexInfo
    ) -> None:
        super().__init__(store, space, query, scale)
        self._projection = index.projection
        self.searched_by = "exact"

        self._nearest = NearestPictures(store, space, query.own, index.plain)
        projected = index.projection.project(np.concatenate([query.like, query.unlike]))
        expanded = expand(projected, self._nearest, index.photos + index.fresh - index.repeats)
        self._raw, self._wanted = (
            towards(*np.split(vectors, [len(query.like)])) for vectors in (projected, expanded)
        )
        centre = index.projection.centre
        self._full = towards(centre(query.like), centre(query.unlike))

    @property
    def directions(self) -> tuple[Vectors32, Vectors32, Vectors32]:
        """What embeddings are compared with, (D,), points, (d,), and centred embeddings, (D,)."""
        return self._direction, self._wanted, self._full

    def candidates(self, limit: int, where: Filter = EVERYTHING) -> list[str]:
        # Copies are near the query as it came, relatives near the expanded one.
        queries = np.stack([self._raw, self._wanted])
        count = max(CANDIDATES, 2 * limit)
        found = self._store.nearest(self._space, queries, count, where=where, vectors=False)
        self.searched_by = found.searched_by
        return [*filter(None, dict.fromkeys(found.contents.ravel().tolist()))]

    def _embeddings(self, contents: Sequence[str]) -> tuple[npt.NDArray[np.bool_], Vectors32]:
        # Most pictures that expanded the query are among its candidates.
        read = self._nearest.read
        places = np.array([read.get(content, -1) for content in contents], np.int64)
        left, there = np.flatnonzero(places < 0), np.flatnonzero(places >= 0)
        known = np.ones(len(contents), np.bool_)
        known[left], others = super()._embeddings([contents[place] for place in left.tolist()])
        if not len(there):
            return known, others
        embeddings = np.empty((len(contents), others.shape[1]), np.float32)
        embeddings[left], embeddings[there] = others, self._nearest.embeddings[places[there]]
        return known, embeddings

    def _similarities(
        self,
        contents: Sequence[str],
        known: npt.NDArray[np.bool_],
        embeddings: Vectors32,
        plain: Similarities,
    ) -> tuple[npt.NDArray[np.bool_], Similarities]:
        has_point, points = self._store.points(self._space, contents)
        full = self._projection.cosines(embeddings, self._full)
        return known & has_point, blend(points @ self._wanted, full)


class NearestPictures:
    """Finds the nearest points of different pictures, none of them a take of the query's own.

    Parameters
    ----------
    store, space
        Where they are looked for.
    own
        The contents of the query.
    background
        Of the plain cosine.

    Attributes
    ----------
    read, embeddings
        The places of contents whose embeddings were read last, and the embeddings, at unit length.
    """

    def __init__(
        self, store: Store, space: str, own: frozenset[str], background: Background
    ) -> None:
        self.read: dict[str, int] = {}
        self._store = store
        self._space = space
        self._own = own
        self._takes = normalised(store.embeddings(space, [*own])[1])
        self.embeddings = self._takes[:0]
        self._least = background.similarity(TAKE)

    def __call__(self, queries: Vectors32, count: int) -> tuple[Vectors32, Similarities]:
        """Return their points (m, k, d) and cosines (m, k)."""
        found = self.find(queries, count)
        return found.vectors, found.similarities

    def find(self, queries: Vectors32, count: int) -> Nearest:
        """Return the nearest points of queries (m, d), at most ``count`` for each."""
        asked = count + SPARE_TAKES if self._own else count
        found = self._store.nearest(self._space, queries, asked, over="pictures", exclude=self._own)
        if not self._own:
            return found
        contents = found.contents.ravel().tolist()
        known, embeddings = self._store.embeddings(self._space, contents)
        self.embeddings = normalised(embeddings)
        self.read = {one: place for place, one in enumerate(contents) if known[place]}
        cosines = (self.embeddings @ self._takes.T).max(axis=1)
        others = np.where(
            cosines.reshape(found.contents.shape) < self._least, found.similarities, -np.inf
        )
        places, similarities = best(others, count)
        rows = np.arange(len(places))[:, np.newaxis]
        return Nearest(
            found.contents[rows, places],
            similarities,
            found.vectors[rows, places],
            found.searched_by,
        )


def compare(store: Store, space: str, query: Embedded, *, plain: bool = False) -> Comparison:
    """Return what compares the contents of a space with a query.

    Where the query's photo is turned too, a content is as alike as it is to any of its ways.

    Parameters
    ----------
    plain
        Compare the embeddings by cosine alone.
    """
    index = store.index(space)
    scale = _scale(store, space, index, plain=plain)
    ways: list[Comparison] = [
        _PlainComparison(store, space, way, scale)
        if index is None or plain
        else _IndexedComparison(store, space, way, scale, index)
        for way in query.ways
    ]
    return ways[0] if len(ways) == 1 else _AnyComparison(ways)


def _scale(store: Store, space: str, index: IndexInfo | None, *, plain: bool) -> _Scale:
    """Return the scale of the scores of a space."""
    others = varied_background(store, space, index)
    if index is None:
        return _Scale(others, others, 0)
    return _Scale(index.plain if plain else index.ranked, others, weight_of(index.pictures))


def rank(comparison: Comparison, limit: int, where: Filter = EVERYTHING) -> Ranked:
    """Rank the contents of one space.

    Parameters
    ----------
    limit
        How many contents are wanted; more may come back.
    where
        Only contents of which a photo passes.
    """
    return rank_contents(comparison, comparison.candidates(limit, where))


def rank_contents(comparison: Comparison, contents: Sequence[str]) -> Ranked:
    """Rank some contents of one space; those that it does not have are left out."""
    compared = comparison.compare(contents)
    # Not by their scores: those of all that are no more alike than unrelated photos are 0.
    order = np.argsort(-compared.similarities, kind="stable")
    contents = [*compress(contents, compared.known)]
    return Ranked(
        [contents[place] for place in order],
        compared.scores[order],
        compared.embeddings[order],
        comparison.searched_by,
    )


def shows_again(store: Store, space: str, query: Embedded, ranked: Ranked) -> bool:
    """Return whether any ranked content shows the picture of the query, told by its embedding."""
    scale = _scale(store, space, store.index(space), plain=True)
    ways = np.concatenate([way.like for way in query.ways])
    return bool((ranked.embeddings @ ways.T >= scale.typical.similarity(SHOWN_AGAIN)).any())


class WholeSpace:
    """The contents of a space, looked up once, for many queries to be compared with.

    Parameters
    ----------
    store, space
        Where they are; neither changes meanwhile.
    contents
        All of them are in the space.
    """

    def __init__(self, store: Store, space: str, contents: Sequence[str]) -> None:
        self._store, self._space = store, space
        self._places = {content: place for place, content in enumerate(contents)}
        self._embeddings = normalised(store.embeddings(space, contents)[1])
        self._index = store.index(space)
        self._scale = _scale(store, space, self._index, plain=False)
        if self._index is not None:
            self._distances = self._index.projection.distances(self._embeddings)
            self._points = store.points(space, contents)[1]

    def compare(self, queries: Sequence[Embedded]) -> tuple[Similarities, Similarities]:
        """Return the similarities and scores of :class:`Compared`, (q, n), of queries as they are.

        They are not compared turned. It takes a fraction of the time of one after the other.
        """
        index = self._index
        if index is None:
            directions = np.stack([towards(one.like, one.unlike) for one in queries])
            plain = ranked = directions @ self._embeddings.T
        else:
            plain, wanted, full = (
                np.stack(of)
                for of in zip(
                    *(
                        _IndexedComparison(
                            self._store, self._space, one, self._scale, index
                        ).directions
                        for one in queries
                    ),
                    strict=True,
                )
            )
            plain = plain @ self._embeddings.T
            cosines = index.projection.cosines(self._embeddings, full, self._distances)
            ranked = blend(wanted @ self._points.T, cosines)
        standings = self._scale.standings(ranked, plain)
        for row, query in enumerate(queries):
            standings[row, [self._places[own] for own in query.own if own in self._places]] = 1
        return standings.astype(np.float32), np.clip(standings, 0, 1).astype(np.float32)
