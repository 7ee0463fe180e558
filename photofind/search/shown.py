"""Photos are found by what they show, in words, beside those about which the words are written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING

from photofind.errors import PhotofindError
from photofind.extractors.presence import installed_names
from photofind.library.extractor_memory import ExtractorMemory
from photofind.library.store import Store
from photofind.model.filters import Filter
from photofind.model.records import Space
from photofind.paths import Home
from photofind.search.words import Words
from photofind.words.searching import Shown

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction

__all__ = ["ShownPhotos"]

LEAST_SCORE = 0.25
"""Less is the score of many unrelated photos: two deviations above the median."""

SHARE_OF_BEST = 0.6
"""What scores less than this share of the best shows something else."""

MOST = 500
"""So many contents at most are found by what they show, ..."""

FEW = 5_000
"""... out of all, where more photos than these are asked about."""


class ShownPhotos:
    """Asks the extractors that embed texts, where photos are embedded by any; threads may share it.

    Parameters
    ----------
    store, home
        The library, and where extractors are installed.
    memory
        Remembers which spaces are those of extractors that embed texts: none is loaded for that.
    words
        Compares photos with words.
    extraction
        Gives what embeds texts, by the extractor's name.
    """

    def __init__(
        self,
        store: Store,
        home: Home,
        memory: ExtractorMemory,
        words: Words,
        extraction: Callable[[str], Extraction],
    ) -> None:
        self._store = store
        self._home = home
        self._memory = memory
        self._words = words
        self._extraction = extraction
        self._loading: dict[str, Thread] = {}

    def spaces(self) -> list[Space]:
        """Return the spaces in which words can be compared with photos."""
        texts = self._memory.texts()
        able = [one for one in self._store.spaces() if one.id in texts]
        if not able:
            return []
        there = installed_names(self._home)
        return [
            one
            for one in able
            if one.extractor in there and self._memory.current(one.extractor) in (one.id, None)
        ]

    def find(
        self, words: str, where: Filter, among: Collection[int] | None, *, waits: bool
    ) -> Shown:
        """Return the photos that show what words say.

        Parameters
        ----------
        words
            What they should show.
        where
            Only such photos.
        among
            The ids of photos that alone may be found; None for all.
        waits
            Whether to wait for an extractor that is not loaded; it is loaded for the next question
            otherwise.
        """
        scores: dict[int, float] = {}
        compared_by, coming, notes = [], [], []
        for space in self.spaces():
            if not waits and not self._is_loaded(space.extractor):
                coming.append(space.extractor)
                continue
            try:
                found = self._find(space, words, where, among)
            except PhotofindError as error:
                notes.append(f"what photos show was not compared: {error}")
                continue
            compared_by.append(space.id)
            for one, score in found.items():
                scores[one] = max(score, scores.get(one, 0.0))
        ranked = sorted(scores, key=lambda one: (-scores[one], one))
        best = {one: scores[one] for one in ranked}
        return Shown(best, tuple(compared_by), tuple(coming), tuple(notes))

    def _find(
        self, space: Space, words: str, where: Filter, among: Collection[int] | None
    ) -> Mapping[int, float]:
        comparison = self._words.by_text(space, words)
        contents: Sequence[str]
        if among is not None and len(among) <= FEW:
            photos = self._store.by_id(among).values()
            contents = [*dict.fromkeys(photo.content for photo in photos if photo.content)]
        else:
            contents = comparison.candidates(MOST, replace(where, failed=False))
        if not contents:
            return {}
        compared = comparison.compare(contents)
        known = (one for one, is_known in zip(contents, compared.known, strict=True) if is_known)
        scored = dict(zip(known, compared.scores.tolist(), strict=True))
        least = max(LEAST_SCORE, SHARE_OF_BEST * max(scored.values(), default=0.0))
        fit = {content: score for content, score in scored.items() if score >= least}
        return {
            photo.id: fit[content]
            for content, photos in self._store.by_content(fit).items()
            for photo in photos
            if where.passes(photo) and (among is None or photo.id in among)
        }

    def _is_loaded(self, extractor: str) -> bool:
        """Return whether an extractor is loaded; have it loaded if it is not."""
        extraction = self._extraction(extractor)
        loading = self._loading.get(extractor)
        if loading is not None and loading.is_alive():
            return False
        if extraction.pid is not None:
            return True

        def load() -> None:
            with suppress(PhotofindError):  # Who waits for it is told.
                extraction.embed_text([extractor])

        self._loading[extractor] = thread = Thread(target=load, daemon=True)
        thread.start()
        return False
