"""Photos are compared with words by what is written about them: tags, keywords, captions, names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from photofind.library.store import Store
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import Photo, roots_in
from photofind.ranking.projection import normalised
from photofind.ranking.written import Match, matches, terms_of, written_score
from photofind.search.comparison import Compared, Comparison

__all__ = ["Candidates", "WrittenComparison", "matches_in", "most_written"]

# So many photos are read in one go.
_BATCH = 512

Candidates = Callable[[Store, str], Sequence[int]]
"""Returns the ids of the photos about which any of some words is written, the best first."""


def most_written(store: Store, words: str) -> list[int]:
    """Return the ids of the photos that words fit, the best first; it looks at all photos."""
    terms, root = terms_of(words), roots_in(store.folders())
    scores = {
        photo.id: score
        for photo in store.select(Filter(failed=False))
        if (score := written_score(terms, photo, root(photo))) > 0
    }
    return sorted(scores, key=lambda one: (-scores[one], one))


def matches_in(store: Store, words: str, photo: Photo) -> list[Match]:
    """Return which words are written about a photo, and where."""
    return matches(terms_of(words), photo, roots_in(store.folders())(photo))


class WrittenComparison(Comparison):
    """By what is written about photos.

    Parameters
    ----------
    store, space
        Where the photos are, and the id of the space that answers.
    words
        What they are compared with.
    candidates
        The ids of the photos that may fit, the best first.
    """

    searched_by = "written"

    def __init__(self, store: Store, space: str, words: str, candidates: Sequence[int]) -> None:
        self._store = store
        self._space = space
        self._terms = terms_of(words)
        self._candidates = candidates
        self._root = roots_in(store.folders())

    def candidates(self, limit: int, where: Filter = EVERYTHING) -> list[str]:
        """Return contents that fit and pass, the best among them; there may be fewer."""
        found: dict[str, None] = {}
        for photo in _of(self._store, self._candidates):
            # The text index gives words too that are only near to those of the query.
            if where.passes(photo) and self._score(photo) > 0:
                found[photo.content] = None
                if len(found) >= limit:
                    break
        return [*found]

    def compare(self, contents: Sequence[str]) -> Compared:
        """Compare contents with the words."""
        photos = self._store.by_content(contents)
        scores = np.array(
            [
                max((self._score(photo) for photo in photos.get(content, ())), default=0.0)
                for content in contents
            ],
            np.float64,
        )
        # Whatever is not written about a photo does not fit.
        known = np.ones(len(contents), np.bool_)
        _, embeddings = self._store.embeddings(self._space, contents)
        return Compared(known, scores.astype(np.float32), scores, normalised(embeddings))

    def _score(self, photo: Photo) -> float:
        return written_score(self._terms, photo, self._root(photo))


def _of(store: Store, ids: Iterable[int]) -> Iterator[Photo]:
    """Yield the photos of some ids, those that are there, in batches."""
    left = iter(ids)
    while batch := list(islice(left, _BATCH)):
        photos = store.by_id(batch)
        yield from (photos[one] for one in batch if one in photos)
