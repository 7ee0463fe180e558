"""The words of a query become embeddings, and photos are compared with them.

Where no extractor embeds texts, and beside those that do, words are compared with what is written
about photos.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from photofind.library.store import Store
from photofind.model import Query
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import Photo, Space
from photofind.ranking.calibration import Background, measure_background
from photofind.ranking.projection import Vectors32, normalised
from photofind.ranking.texts import VARIED_TEXTS, WORDS_WEIGHT, standings_of_texts
from photofind.ranking.written import Match
from photofind.search.comparison import Compared, Comparison, nearest_contents
from photofind.search.embedding import require_version
from photofind.search.written import Candidates, WrittenComparison, matches_in, most_written

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction

__all__ = ["WRITTEN", "Words", "WordsComparison", "words_weight"]

# So many photos show how near texts are to pictures.
SAMPLE = 256

WRITTEN = "written"
"""What compares words with what is written about photos, among the spaces that embed them."""

_WRITTEN_ALONE = (
    "no extractor in use embeds texts; the words were compared with tags, keywords, captions and "
    "names alone"
)


def words_weight(query: Query) -> float:
    """Return how much the words of a query count beside its photos, 0 to 1."""
    if not query.like:
        return 1.0
    return WORDS_WEIGHT if query.words_weight is None else query.words_weight


class Words:
    """Compares photos with words: by the extractors that embed texts, and by what is written.

    Threads may share it.

    Parameters
    ----------
    store
        Where the photos are.
    extraction
        Gives what embeds texts, by the extractor's name.
    candidates
        Tells about which photos words are written.
    """

    def __init__(
        self,
        store: Store,
        extraction: Callable[[str], Extraction],
        candidates: Candidates = most_written,
    ) -> None:
        self._store = store
        self._extraction = extraction
        self._candidates = candidates
        self._varied: dict[str, Vectors32] = {}  # The varied texts, by the id of a space.
        # What was looked up last: a query may be ranked several times.
        self._last: tuple[Hashable, str, Sequence[int]] | None = None

    def spaces(self, spaces: Iterable[Space]) -> list[Space]:
        """Return those of some spaces whose extractors embed texts.

        Raises
        ------
        ExtractorError
            One does not work.
        """
        return [
            space
            for space in spaces
            if "embed_text" in self._extraction(space.extractor).info().abilities
        ]

    def compare(self, weights: Mapping[Space, float], words: str) -> WordsComparison:
        """Return what compares contents with words.

        Parameters
        ----------
        weights
            The spaces that answer, and how much each counts. Those of extractors that embed no text
            leave it to what is written.
        words
            What photos should show.

        Raises
        ------
        CannotEmbed
            An extractor's version is another than its space's.
        ExtractorError, WorkerError
            An extractor does not work.
        """
        able = self.spaces(weights)
        first = able[0] if able else next(iter(weights))
        return WordsComparison(
            WrittenComparison(self._store, first.id, words, self._written(words)),
            {space: (self.by_text(space, words), weights[space]) for space in able},
        )

    def matches(self, words: str, photo: Photo) -> list[Match]:
        """Return which words are written about a photo, and where."""
        return matches_in(self._store, words, photo)

    def _written(self, words: str) -> Sequence[int]:
        version = self._store.version
        last = self._last
        if last is None or last[:2] != (version, words):
            self._last = last = (version, words, self._candidates(self._store, words))
        return last[-1]

    def by_text(self, space: Space, words: str) -> Comparison:
        """Return what compares contents with the embedding of words in a space.

        Raises
        ------
        CannotEmbed
            The extractor's version is another than the space's.
        ExtractorError, WorkerError
            It does not work.
        """
        extraction = self._extraction(space.extractor)
        require_version(space, extraction)
        (text,) = normalised(extraction.embed_text([words]))
        return _TextComparison(self._store, space.id, text, self._background(space, extraction))

    def _background(self, space: Space, extraction: Extraction) -> Background:
        if space.id not in self._varied:
            self._varied[space.id] = normalised(extraction.embed_text(VARIED_TEXTS))
        _, sample = self._store.sample(space.id, SAMPLE)
        if not len(sample):
            return Background(0, 1)
        return measure_background(normalised(sample) @ self._varied[space.id].T)


class WordsComparison(Comparison):
    """By embeddings of a text, or by what is written, whichever fits a photo better.

    Parameters
    ----------
    written
        Compares by what is written.
    by_text
        Compares by the embeddings of each space that has them, and how much each counts.

    Attributes
    ----------
    compared_by
        The ids of these spaces, and :data:`WRITTEN`.
    notes
        What people should know of that, a line each.
    """

    def __init__(
        self, written: Comparison, by_text: Mapping[Space, tuple[Comparison, float]]
    ) -> None:
        self._written = written
        self._by_text = by_text
        self.compared_by = (*(space.id for space in by_text), WRITTEN)
        self.searched_by = "plain" if by_text else written.searched_by
        self.notes = () if by_text else (_WRITTEN_ALONE,)

    def candidates(self, limit: int, where: Filter = EVERYTHING) -> list[str]:
        """Return contents that fit and pass, the best among them; there may be fewer."""
        every = [*(one for one, _ in self._by_text.values()), self._written]
        asked = (one.candidates(limit, where) for one in every)
        return [*dict.fromkeys(chain.from_iterable(asked))]

    def compare(self, contents: Sequence[str]) -> Compared:
        """Compare contents with the words."""
        written = self._written.compare(contents)
        if not self._by_text:
            return written
        total, weights = np.zeros((2, len(contents)))
        for comparison, weight in self._by_text.values():
            compared = comparison.compare(contents)
            total[compared.known] += weight * compared.similarities
            weights[compared.known] += weight
        fits = written.scores > 0
        by_text = np.where(weights > 0, total / np.maximum(weights, 1e-9), -np.inf)
        similarities = np.maximum(by_text, np.where(fits, written.similarities, -np.inf))
        known = fits | (weights > 0)
        kept = similarities[known]
        return Compared(
            known, kept.astype(np.float32), np.clip(kept, 0, 1), written.embeddings[known]
        )

    def scores(self, contents: Sequence[str]) -> dict[str, float]:
        """Return how well contents fit the words, 0 to 1; those that are not known left out."""
        compared = self.compare(contents)
        known = (one for one, is_known in zip(contents, compared.known, strict=True) if is_known)
        return dict(zip(known, compared.scores.tolist(), strict=True))

    def parts(self, content: str) -> dict[str, float]:
        """Return how well a content fits the words by each that compares them, 0 to 1."""
        every = [one for one, _ in self._by_text.values()] + [self._written]
        return {
            name: float(compared.scores[0])
            for name, one in zip(self.compared_by, every, strict=True)
            if (compared := one.compare([content])).known[0]
        }


class _TextComparison(Comparison):
    """By the cosine of the embedding of a text."""

    searched_by = "plain"

    def __init__(self, store: Store, space: str, text: Vectors32, background: Background) -> None:
        self._store = store
        self._space = space
        self._text = text
        self._background = background

    def candidates(self, limit: int, where: Filter = EVERYTHING) -> list[str]:
        return nearest_contents(self._store, self._space, self._text, limit, where)

    def compare(self, contents: Sequence[str]) -> Compared:
        known, embeddings = self._store.embeddings(self._space, contents)
        embeddings = normalised(embeddings)[known]
        standings = standings_of_texts(embeddings @ self._text, self._background)
        return Compared(known, standings.astype(np.float32), np.clip(standings, 0, 1), embeddings)
