"""Answering queries from a library."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from photofind.errors import ExtractorError, LibraryError
from photofind.library.extractor_memory import ExtractorMemory
from photofind.library.store import Store
from photofind.model import (
    Answer,
    ByWords,
    DuplicateGroup,
    Feedback,
    Hit,
    JudgedPhoto,
    Progress,
    Query,
)
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import Photo, Space
from photofind.paths import Home
from photofind.search.comparison import Comparison, Ranked, shows_again
from photofind.search.duplicates import duplicate_groups
from photofind.search.embedding import CannotEmbed, Embedded, embed_query
from photofind.search.fusing import Fused, embed_by_each, rank_by_all, rank_by_words
from photofind.search.hits import Found, files_of, find_photos, merge_raw_pairs, to_hits
from photofind.search.known_pairs import KnownPairs
from photofind.search.matching import Matching
from photofind.search.originals import originals_first
from photofind.search.reranking import Rerank, Reranked
from photofind.search.shown import ShownPhotos
from photofind.search.spaces import Answering, SpaceChoice, indexes_built
from photofind.search.tags import nearest_tags
from photofind.search.verification import Verification
from photofind.search.words import Words, words_weight
from photofind.search.written import Candidates, most_written
from photofind.system.reach import Reach

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction

__all__ = ["Searcher"]

# Copies collapse under the best of them, so more photos are ranked than hits are wanted.
SPARE = 4

SECONDS = 5.0
"""So long a look for duplicates compares photos; the next one goes on."""

LITTLE = 1.0
"""So long it goes on at a time where nobody waits for it."""

# Photos count at least so much beside words.
_LEAST = 1e-6


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
    verification
        Compares photos on their pixels; fingerprints alone tell duplicates without it.
    memory
        Which space each extractor fills, and which answered last; that of the home by default.
    retired
        Gives what embeds photos as an extractor did before another version was installed.
    written
        Tells about which photos words are written.

    Attributes
    ----------
    shown
        Finds photos by what they show.

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
        verification: Verification | None = None,
        *,
        memory: ExtractorMemory | None = None,
        retired: Callable[[str], Sequence[Extraction]] = lambda extractor: (),
        written: Candidates = most_written,
    ) -> None:
        self._retired = retired
        self._verification = verification
        self._words = Words(store, extraction, written)
        self._reach = reach or Reach()
        self._store = store
        self._home = home
        memory = memory or ExtractorMemory(home)
        self._choice = SpaceChoice(store, home, extractor, memory)
        self.shown = ShownPhotos(store, home, memory, self._words, extraction)
        self._extraction = extraction
        self._looking = threading.Lock()
        # The latest look for duplicates: in which space, and in which version of the library.
        self._last: tuple[str, object, Matching] | None = None

    def similar(self, query: Query, rerank: Rerank | None = None) -> Answer:
        """Find the photos most like a query, whose limit and lowest score are given.

        It names its photos by their paths.

        Parameters
        ----------
        rerank
            Ranks what is found anew.

        Raises
        ------
        ImageError
            A photo of the query cannot be read.
        ExtractorError, LibraryError
            Nothing is indexed yet by the extractors that are to answer.
        """
        started = time.monotonic()
        if not query.like and (query.unlike or query.words is None):
            raise LibraryError(
                "a query needs a photo that hits should be like, or words for what they should show"
            )
        self._store.refresh()
        answering = self._choice.answering(query.extractor)
        if not query.like and (able := self._words.spaces(answering.weights)):
            weights = {space: answering.weights[space] for space in able}
            answering = replace(answering, weights=weights)
        tried: dict[Space, ExtractorError] = {}
        while True:
            indexes = indexes_built(self._store, answering.weights)
            try:
                answer = self._answer(query, answering, started, rerank)
                if indexes == indexes_built(self._store, answering.weights):
                    return answer
            except LibraryError:
                if indexes == indexes_built(self._store, answering.weights):
                    raise
            except CannotEmbed as failure:
                tried[failure.space] = failure.reason
                answering = self._without(answering, failure, tried, is_named=bool(query.extractor))

    @property
    def words(self) -> Words:
        """What compares photos with words."""
        return self._words

    def answering(self, extractor: str | None = None) -> Answering:
        """Return the spaces that answer queries that name an extractor, or none.

        Raises
        ------
        ExtractorError, LibraryError
            Nothing is indexed yet.
        """
        self._store.refresh()
        return self._choice.answering(extractor)

    def lacking(self) -> int:
        """Return how many photos the extractors that are to answer have still to embed, at most."""
        return self._choice.lacking()

    def duplicates(self, extractor: str | None = None) -> list[DuplicateGroup]:
        """Group the photos that show the same picture; the largest groups first.

        A few seconds at most are spent on comparing photos; the next call goes on.

        Raises
        ------
        ExtractorError, LibraryError
            Nothing is indexed yet by the extractor.
        """
        self._store.refresh()
        space = self._choice.answering(extractor).first
        with self._looking:
            matching = self._matching(space.id)
            matching.go_on(SECONDS)
            return duplicate_groups(self._store, space.id, matching)

    def compare_more(self) -> bool:
        """Go on for a little to look for duplicates, if it is not done; return whether it is."""
        last = self._last
        if last is None or last[-1].done:
            return True
        with self._looking:
            matching = self._matching(last[0])
            matching.go_on(LITTLE)
            return matching.done

    def forget_matching(self) -> None:
        """Free the memory of a look for duplicates that is finished."""
        with self._looking:
            if self._last is not None and self._last[-1].done:
                self._last = None

    @property
    def comparing(self) -> Progress | None:
        """How far the look for duplicates is; None where nothing is left."""
        last = self._last
        return None if last is None or last[-1].done else last[-1].progress

    def _matching(self, space: str) -> Matching:
        """Return the look for duplicates in the library as it is now, which may have been begun."""
        self._store.refresh()
        version = self._store.version
        if self._last is None or self._last[:2] != (space, version):
            known = KnownPairs(self._home.cache / "fingerprints.npz")
            matching = Matching(self._store, space, self._verification, known)
            self._last = (space, version, matching)
        return self._last[-1]

    def _without(
        self,
        answering: Answering,
        failure: CannotEmbed,
        tried: Mapping[Space, ExtractorError],
        *,
        is_named: bool,
    ) -> Answering:
        """Return what answers where a space cannot; another one where none is left.

        Raises
        ------
        ExtractorError
            There is no other.
        """
        instead = failure.instead
        if instead is not None and (
            instead in tried or not self._store.space_counts(instead.id).embedded
        ):
            instead = None
        answering = answering.replaced(failure.space, instead, str(failure.reason))
        if answering.weights:
            return answering
        others = [] if is_named else self._choice.others(tried)
        if not others:
            raise next(iter(tried.values()))
        return replace(answering, weights={others[0]: 1.0})

    def _answer(
        self, query: Query, answering: Answering, started: float, rerank: Rerank | None
    ) -> Answer:
        assert query.limit is not None
        weights = answering.weights
        tags, tag_notes = nearest_tags(self._store, query.tags)
        where = Filter(query.folder, query.since, query.until, tags)
        answer, turned = self._rank(query, weights, where)
        reranked = Reranked(answer.ranked) if rerank is None else rerank(query, answer, where)
        embedded, ranked = answer.embedded, reranked.ranked
        spaces = [space.id for space in answer.spaces]
        if query.originals and self._verification is not None:
            photo = Photo(embedded.path, content=embedded.contents[0])
            ranked = originals_first(self._store, self._verification, photo, ranked)
        paths = {one for one in (*query.like, *query.unlike) if isinstance(one, str)}
        asked = files_of(paths - embedded.files.keys(), self._reach)
        asked.update(file for file in embedded.files.values() if file is not None)
        # RAW twins become one hit, and the photos of the query none.
        limit = 2 * query.limit + len(query.like) + len(query.unlike)
        verdicts = self._verification.verdicts if self._verification else None

        def groups_of(ranked: Ranked, query: Query = query) -> Iterator[list[Found]]:
            return find_photos(
                self._store, query, spaces, ranked, where, limit, asked, verdicts=verdicts
            )

        found = [*islice(groups_of(ranked), limit)]
        if not query.every:
            found = merge_raw_pairs(found, self._store.told_apart())
        found = found[: query.limit]
        words, fits, by_words = answer.by_words, None, None
        if words is not None:
            fits = words.scores([*dict.fromkeys(group[0].photo.content for group in found)])
            by_words = ByWords(words_weight(query), words.compared_by)
        return Answer(
            query,
            to_hits(found, fits),
            ranked.searched_by,
            ",".join(space.extractor for space in answer.spaces),
            max(self._searched(space, where) for space in answer.spaces),
            time.monotonic() - started,
            self._store.counts().preliminary,
            turned,
            tuple(space.id for space in answer.spaces),
            answering.coming,
            (*answering.notes, *answer.left_out, *tag_notes),
            self._feedback(reranked, groups_of, query),
            by_words,
        )

    def _feedback(
        self,
        reranked: Reranked,
        groups_of: Callable[[Ranked, Query], Iterator[list[Found]]],
        query: Query,
    ) -> Feedback | None:
        """Return what a person's judgements did to an answer; None where there are none."""
        if not (reranked.liked or reranked.disliked or reranked.learned):
            return None
        contents = [*reranked.liked, *reranked.disliked]
        photos = self._store.by_content(contents)
        judged = [
            JudgedPhoto(photo.id, photo.path, is_liked)
            for content, is_liked in zip(
                contents,
                [True] * len(reranked.liked) + [False] * len(reranked.disliked),
                strict=True,
            )
            for photo in photos.get(content, ())
        ]
        proposed: tuple[Hit, ...] = ()
        if reranked.proposed is not None:
            proposed = to_hits([*groups_of(reranked.proposed, replace(query, min_score=0.0))])
        return Feedback(tuple(judged), proposed, reranked.learned, reranked.key)

    def _rank(
        self, query: Query, weights: Mapping[Space, float], where: Filter
    ) -> tuple[Fused, bool]:
        """Return the ranked contents, and whether the query was turned."""
        of_one = query.box is not None or query.any_rotation or query.originals
        if of_one and len(query.like) != 1:
            raise LibraryError(
                "a part of a photo, a photo in any rotation, and originals can be looked for where "
                "the query has one photo",
                "give one photo that hits should be like",
            )
        if query.originals and query.box is not None:
            raise LibraryError(
                "originals are looked for by the whole photo, not by a part of it",
                "leave out the part, or cut it out and ask with that",
            )
        turned = query.any_rotation is True
        answer = self._rank_laid(query, weights, where, turned=turned)
        if query.any_rotation is None and len(query.like) == 1 and answer.embedded.outside:
            if self._shows_again(answer):
                return answer, False
            other = self._rank_laid(query, weights, where, turned=True)
            if self._shows_again(other):
                return other, True
        return answer, turned

    def _shows_again(self, answer: Fused) -> bool:
        return shows_again(self._store, answer.space, answer.embedded, answer.ranked)

    def _rank_laid(
        self, query: Query, weights: Mapping[Space, float], where: Filter, *, turned: bool
    ) -> Fused:
        """Return the ranked contents."""
        assert query.limit is not None
        limit = SPARE * query.limit
        if not query.like:
            assert query.words is not None
            by_words = self._words.compare(weights, query.words)
            return rank_by_words([*weights], by_words, limit, where)

        def embed(space: Space) -> Embedded:
            return embed_query(
                self._store,
                space,
                query.like,
                query.unlike,
                self._extraction,
                self._reach,
                retired=self._retired,
                box=query.box,
                turned=turned,
            )

        # All are embedded before the first is compared: there may be another version of one.
        embedded, left_out = embed_by_each([*weights], embed)
        fused_with: list[tuple[Comparison, float]] = []
        weight = words_weight(query)
        words = None
        if query.words is not None and weight:
            counting = {space: weights[space] for space in embedded}
            words = self._words.compare(counting, query.words)
            # At 1 the photos order what fits the words equally.
            share = weight / max(1 - weight, _LEAST)
            fused_with.append((words, share * sum(counting.values())))
        answer = rank_by_all(
            self._store, weights, embedded, limit, where, plain=query.plain, by_words=fused_with
        )
        left_out += words.notes if words else ()
        return replace(answer, left_out=left_out, by_words=words)

    def _searched(self, space: Space, where: Filter) -> int:
        """Return how many photos were compared."""
        if where == EVERYTHING:
            return self._store.space_counts(space.id).embedded
        return self._store.count(replace(where, embedded=space.id))
