"""Why photos are hits."""

from __future__ import annotations

from photofind.app.references import find_photo, with_paths
from photofind.app.resources import Resources
from photofind.learning.explanation.explaining import explain as explain_photos
from photofind.model import Explanation, Query

__all__ = ["explain"]


def explain(
    resources: Resources, query: int | str, hit: int | str, extractor: str | None
) -> Explanation:
    """Explain a hit, as `Operations.explain` does."""
    library = resources.library
    library.refresh()
    (asked,) = with_paths(library, Query((query,))).like
    return explain_photos(
        library,
        resources.searcher.answering(extractor).weights,
        asked,
        find_photo(library, hit),
        extraction=resources.extraction,
        reach=resources.reach,
        verdicts=resources.verification.verdicts,
        retired=resources.extraction.retired,
    )
