"""Why photos are hits."""

from __future__ import annotations

from photofind.app.references import find_photo, with_paths
from photofind.app.resources import Resources
from photofind.learning.explanation.by_words import with_words
from photofind.learning.explanation.explaining import explain as explain_photos
from photofind.model import Explanation, Query
from photofind.search.words import words_weight

__all__ = ["explain"]


def explain(
    resources: Resources,
    query: int | str,
    hit: int | str,
    extractor: str | None,
    words: str | None = None,
    weight: float | None = None,
) -> Explanation:
    """Explain a hit, as `Operations.explain` does."""
    library = resources.library
    library.refresh()
    (asked,) = with_paths(library, Query((query,))).like
    photo = find_photo(library, hit)
    weights = resources.searcher.answering(extractor).weights

    def completed(explanation: Explanation) -> Explanation:
        counts = words_weight(Query((query,), words_weight=weight))
        if words is None or not counts:
            return explanation
        return with_words(explanation, resources.searcher.words, weights, words, counts, photo)

    return explain_photos(
        library,
        weights,
        asked,
        photo,
        extraction=resources.extraction,
        reach=resources.reach,
        verdicts=resources.verification.verdicts,
        retired=resources.extraction.retired,
        completed=completed,
    )
