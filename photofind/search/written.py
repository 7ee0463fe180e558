"""Photos are compared with words by what is written about them: tags, keywords, captions, names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np

from photofind.library.store import Store
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import Folder, Photo, innermost
from photofind.ranking.projection import normalised
from photofind.ranking.written import Match, matches, terms_of, written_score
from photofind.search.comparison import Compared, Comparison

__all__ = ["Written", "WrittenComparison", "matches_in", "written_scores"]

# So many photos are read in one go.
_BATCH = 512

Written = Callable[[Store, str], Mapping[int, float]]
"""Returns how well words fit what is written about photos, 0 to 1, by the ids of the photos.

Those whom nothing fits are left out. Whatever else ranks texts can take its place.
"""


def written_scores(store: Store, words: str) -> dict[int, float]:
    """Return how well words fit what is written about each photo; it looks at all of them."""
    terms = terms_of(words)
    root = _roots(store.folders())
    found: dict[int, float] = {}
    for photo in store.select(Filter(failed=False)):
        score = written_score(terms, photo, root(photo))
        if score > 0:
            found[photo.id] = score
    return found


def matches_in(store: Store, words: str, photo: Photo) -> list[Match]:
    """Return which words are written about a photo, and where."""
    return matches(terms_of(words), photo, _roots(store.folders())(photo))


class WrittenComparison(Comparison):
    """By what is written about photos.

    Parameters
    ----------
    store, space
        Where the photos are, and the id of the space that answers.
    scores
        How well the words fit, by the ids of photos; those whom nothing fits are left out.
    """

    searched_by = "written"

    def __init__(self, store: Store, space: str, scores: Mapping[int, float]) -> None:
        self._store = store
        self._space = space
        self._scores = scores

    def candidates(self, limit: int, where: Filter = EVERYTHING) -> list[str]:
        """Return contents that fit and pass, the best among them; there may be fewer."""
        passing = (photo.content for photo in self._best_first() if where.passes(photo))
        found: dict[str, None] = {}
        for content in passing:
            found[content] = None
            if len(found) >= limit:
                break
        return [*found]

    def compare(self, contents: Sequence[str]) -> Compared:
        """Compare contents with the words."""
        photos = self._store.by_content(contents)
        scores = np.array(
            [
                max((self._scores.get(one.id, 0.0) for one in photos.get(content, ())), default=0.0)
                for content in contents
            ],
            np.float64,
        )
        # Whatever is not written about a photo does not fit.
        known = np.ones(len(contents), np.bool_)
        _, embeddings = self._store.embeddings(self._space, contents)
        return Compared(known, scores.astype(np.float32), scores, normalised(embeddings))

    def _best_first(self) -> Iterator[Photo]:
        ids = iter(sorted(self._scores, key=lambda one: (-self._scores[one], one)))
        while batch := list(islice(ids, _BATCH)):
            photos = self._store.by_id(batch)
            yield from (photos[one] for one in batch if one in photos)


def _roots(folders: Sequence[Folder]) -> Callable[[Photo], str]:
    """Return what tells the folder of the library that a photo lies in; "" where in none."""
    known: dict[str, str] = {}

    def root(photo: Photo) -> str:
        place = os.path.dirname(photo.path)  # noqa: PTH120 (it is asked of each photo)
        if place not in known:
            folder = innermost(folders, photo.path)
            known[place] = folder.path if folder is not None else ""
        return known[place]

    return root
