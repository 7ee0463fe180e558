"""Answering queries from a library."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from photofind.errors import LibraryError
from photofind.library.store import Store
from photofind.model import Answer, DuplicateGroup, Query
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import Space
from photofind.paths import Home
from photofind.search.comparison import Ranked, compare, rank
from photofind.search.duplicates import duplicate_groups
from photofind.search.embedding import OtherVersion, embed_query
from photofind.search.fusing import rank_fused
from photofind.search.hits import files_of, find_photos, merge_raw_pairs, to_hits
from photofind.search.spaces import answering_spaces, space_of, space_of_version
from photofind.system.reach import Reach

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction

__all__ = ["Searcher"]

# Copies collapse under the best of them, so more photos are ranked than hits are wanted.
SPARE = 4


class Searcher:
    """Answers queries from one library.

    Parameters
    ----------
    store
        Open for reading or writing.
    home
        Where extractors are installed.
    extractor
        The extractors in use, as the setting has them: they answer where a query names none.
    extraction
        Gives what embeds photos from outside the library, by the extractor's name.
    reach
        Looks at the photos of queries.

    Notes
    -----
    Threads may share a searcher.
    """

    def __init__(
        self,
        store: Store,
        home: Home,
        extractor: str,
        extraction: Callable[[str], Extraction],
        reach: Reach | None = None,
    ) -> None:
        self._reach = reach or Reach()
        self._store = store
        self._home = home
        self._extractor = extractor
        self._extraction = extraction

    def similar(self, query: Query) -> Answer:
        """Find the photos most like a query, whose limit and lowest score are given.

        It names its photos by their paths.

        Raises
        ------
        ImageError
            A photo of the query cannot be read.
        ExtractorError, LibraryError
            Nothing is indexed yet by the extractors that are to answer.
        """
        started = time.monotonic()
        self._store.refresh()
        weights = answering_spaces(self._store, self._home, self._extractor, query.extractor)
        while True:
            indexes = self._indexes(weights)
            try:
                answer = self._answer(query, weights, started)
                if indexes == self._indexes(weights):
                    return answer
            except LibraryError:
                if indexes == self._indexes(weights):
                    raise
            except OtherVersion as other:
                extractor = other.space.extractor
                installed = space_of_version(self._store, extractor, other.installed)
                weights = {
                    (installed if space.id == other.space.id else space): weight
                    for space, weight in weights.items()
                }

    def answering(self) -> Space:
        """Return the space that answers queries that name no extractor.

        Raises
        ------
        ExtractorError, LibraryError
            Nothing is indexed yet.
        """
        self._store.refresh()
        return next(iter(answering_spaces(self._store, self._home, self._extractor)))

    def duplicates(self, extractor: str | None = None) -> list[DuplicateGroup]:
        """Group the photos that show the same picture; the largest groups first.

        Raises
        ------
        ExtractorError, LibraryError
            Nothing is indexed yet by the extractor.
        """
        self._store.refresh()
        space = space_of(self._store, self._home, self._extractor, extractor)
        return duplicate_groups(self._store, space.id)

    def _indexes(self, spaces: Iterable[Space]) -> list[float | None]:
        """Return when the indexes were built: one may be replaced while a query is answered.

        What was projected for one then means nothing to the other.
        """
        indexes = [self._store.index(space.id) for space in spaces]
        return [None if index is None else index.built for index in indexes]

    def _answer(self, query: Query, weights: dict[Space, float], started: float) -> Answer:
        assert query.limit is not None
        where = Filter(query.folder, query.since, query.until, query.tags)
        first = next(iter(weights))
        ranked = self._rank(query, weights, where)
        asked = files_of(
            {one for one in (*query.like, *query.unlike) if isinstance(one, str)}, self._reach
        )
        limit = SPARE * query.limit
        groups = find_photos(self._store, query, first.id, ranked, where, limit, asked)
        found = merge_raw_pairs(islice(groups, limit), self._store.told_apart())
        return Answer(
            query,
            to_hits(found[: query.limit]),
            ranked.searched_by,
            ",".join(space.extractor for space in weights),
            self._searched(first, where),
            time.monotonic() - started,
            self._store.counts().preliminary,
        )

    def _rank(self, query: Query, weights: dict[Space, float], where: Filter) -> Ranked:
        assert query.limit is not None
        limit = SPARE * query.limit
        # All are embedded before the first is compared: there may be another version of one.
        embedded = {
            space.id: embed_query(
                self._store, space, query.like, query.unlike, self._extraction, self._reach
            )
            for space in weights
        }
        comparisons = [
            compare(self._store, space, photos, plain=query.plain)
            for space, photos in embedded.items()
        ]
        if len(comparisons) == 1:
            return rank(comparisons[0], limit, where)
        return rank_fused(comparisons, [*weights.values()], limit, where)

    def _searched(self, space: Space, where: Filter) -> int:
        """Return how many photos were compared."""
        if where == EVERYTHING:
            return self._store.space_counts(space.id).embedded
        return self._store.count(replace(where, embedded=space.id))
