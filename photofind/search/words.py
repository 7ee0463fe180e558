"""The words of a query become embeddings, and photos are compared with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from photofind.errors import ExtractorError
from photofind.library.store import Store
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import Space
from photofind.ranking.calibration import Background, measure_background
from photofind.ranking.projection import Vectors32, normalised
from photofind.ranking.texts import VARIED_TEXTS, standings_of_texts
from photofind.search.comparison import Compared, Comparison, nearest_contents
from photofind.search.embedding import require_version

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction

__all__ = ["Words"]

# So many photos show how near texts are to pictures.
SAMPLE = 256


class Words:
    """Compares photos with words, by the extractors that embed texts.

    Threads may share it.

    Parameters
    ----------
    store
        Where the photos are.
    extraction
        Gives what embeds texts, by the extractor's name.
    """

    def __init__(self, store: Store, extraction: Callable[[str], Extraction]) -> None:
        self._store = store
        self._extraction = extraction
        self._varied: dict[str, Vectors32] = {}  # The varied texts, by the id of a space.

    def spaces(self, spaces: Iterable[Space]) -> list[Space]:
        """Return those of some spaces whose extractors embed texts.

        Raises
        ------
        ExtractorError
            None does, or one does not work.
        """
        spaces = [*spaces]
        able = [
            space
            for space in spaces
            if "embed_text" in self._extraction(space.extractor).info().abilities
        ]
        if not able:
            names = ", ".join(repr(space.extractor) for space in spaces)
            raise ExtractorError(
                f"words cannot be compared with photos: no text is embedded by {names}",
                "use an extractor that embeds texts: `photofind extractors info NAME` tells",
            )
        return able

    def compare(self, space: Space, words: str) -> Comparison:
        """Return what compares the contents of a space with words.

        Raises
        ------
        CannotEmbed
            The extractor's version is another than the space's.
        ExtractorError, WorkerError
            The extractor does not work.
        """
        extraction = self._extraction(space.extractor)
        require_version(space, extraction)
        (text,) = normalised(extraction.embed_text([words]))
        return _WordComparison(self._store, space.id, text, self._background(space, extraction))

    def _background(self, space: Space, extraction: Extraction) -> Background:
        if space.id not in self._varied:
            self._varied[space.id] = normalised(extraction.embed_text(VARIED_TEXTS))
        _, sample = self._store.sample(space.id, SAMPLE)
        if not len(sample):
            return Background(0, 1)
        return measure_background(normalised(sample) @ self._varied[space.id].T)


class _WordComparison(Comparison):
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
