"""How the library is: how many photos, how they are searched, and what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain

from photofind.app.resources import Resources
from photofind.errors import ExtractorError, LibraryError
from photofind.indexing.requests import could_not_be_embedded
from photofind.library.store import Store
from photofind.library.stores import EMBEDDED
from photofind.model import FolderStatus, Progress, Status
from photofind.model.filters import Filter
from photofind.paths import Home
from photofind.search.spaces import Answering, complete_fused_space
from photofind.search.status import search_status

__all__ = ["library_status"]


def library_status(
    resources: Resources, folders: Sequence[FolderStatus], problems: Sequence[str]
) -> Status:
    """Return how the library is.

    Parameters
    ----------
    resources
        What is open.
    folders
        How its folders are.
    problems
        The known ones; photos that an extractor refused are added.
    """
    library = resources.library
    library.refresh()
    # The space that answers queries; None while nothing is indexed.
    answering: Answering | None = None
    with suppress(ExtractorError, LibraryError):  # The extractor in use has no space yet.
        answering = resources.searcher.answering() if library.spaces() else None
    space = answering.first.id if answering else None
    is_embedded = resources.settings.store == EMBEDDED  # Its files are in the home.
    counts, space_counts = library.counts(), library.space_counts(space or "")
    if answering and resources.resident:
        together = complete_fused_space(library, answering.weights)
        for one in [together] if together else answering.weights:
            library.warm_up(one.id)
    return Status(
        photos=space_counts.embedded,
        failed=counts.failed,
        pending=max(space_counts.lacking, resources.searcher.lacking()) if space else 0,
        folders=tuple(folders),
        extractor=resources.settings.extractor,
        search=search_status(library, space),
        home=str(resources.home.root),
        bytes=_bytes(resources.home) + (0 if is_embedded else library.bytes),
        problems=(*problems, *_refusals(library)),
        preliminary=counts.preliminary,
        uncompared=_left(resources.searcher.comparing),
        answered_by=tuple(one.id for one in answering.weights) if answering else (),
        coming=answering.coming if answering else (),
        comparing=resources.searcher.comparing,
        noted=counts.noted,
    )


def _left(progress: Progress | None) -> int:
    return 0 if progress is None else (progress.total or 0) - progress.done


def _bytes(home: Home) -> int:
    """Return the size of the home without its cache."""
    every = (place for place in home.root.glob("*") if place != home.cache)
    files = chain.from_iterable([place, *place.rglob("*")] for place in every)
    return sum(file.stat().st_size for file in files if file.is_file())


def _refusals(library: Store) -> list[str]:
    """Return a line for each extractor that refused photos which another one embedded."""
    extractors = {space.id: space.extractor for space in library.spaces()}
    counts = Counter(
        extractors.get(space, space)
        for photo in library.select(Filter(refused=True, failed=False))
        for space in photo.refusals
    )
    return [could_not_be_embedded(count, name) for name, count in counts.items()]
