"""How the library is: how many photos, how they are searched, and what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain

from photofind.app.resources import Resources
from photofind.indexing.background import is_building
from photofind.indexing.pipeline import could_not_be_described
from photofind.library.embedded.library import Library
from photofind.model import FolderStatus, SearchStatus, Status
from photofind.paths import Home

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
    space = resources.searcher.answering.id if library.spaces() else None
    return Status(
        photos=int(library.references(space).sum()) if space else 0,
        failed=library.failed,
        pending=library.lacking(space) if space else 0,
        folders=tuple(folders),
        extractor=resources.settings.extractor,
        search=_search_status(resources, space),
        home=str(resources.home.root),
        bytes=_bytes(resources.home),
        problems=(*problems, *_refusals(library)),
        preliminary=library.preliminary,
    )


def _bytes(home: Home) -> int:
    """Return the size of the home without its cache."""
    every = (place for place in home.root.glob("*") if place != home.cache)
    files = chain.from_iterable([place, *place.rglob("*")] for place in every)
    return sum(file.stat().st_size for file in files if file.is_file())


def _search_status(resources: Resources, space: str | None) -> SearchStatus:
    library, searcher = resources.library, resources.searcher
    photos = int(library.references(space).sum()) if space else 0
    if not space or not photos:
        return SearchStatus("none", 0, 0, None, "nothing is indexed yet")
    index = searcher.index(library.space(space))
    if index is None:
        return SearchStatus("plain", 0, photos, None, "plain cosine over all vectors, no index")
    built, fresh, recall = index.facts.photos, index.fresh, index.facts.recall
    scanned = f"exact, by comparing with all {photos:,} photos"
    if is_building(resources.home):
        scanned += "; the graph is being built"
    if not index.facts.graph_points:
        why = "" if recall is None else f"; the graph, with recall {recall:.3f}, is not used"
        return SearchStatus("exact", built, fresh, recall, scanned + why)
    graph = searcher.graph(library.space(space))
    if graph is not None and graph.ready:
        explained = f"by the graph over {built:,} photos, recall {recall:.3f}"
        return SearchStatus("graph", built, fresh, recall, explained)
    explained = f"{scanned}; processes that stay use the graph, recall {recall:.3f}"
    return SearchStatus("exact", built, fresh, recall, explained)


def _refusals(library: Library) -> list[str]:
    """Return a line for each extractor that refused photos which another one embedded."""
    extractors = {space.id: space.extractor for space in library.spaces()}
    counts = Counter(
        extractors.get(space, space)
        for photo in library.refusals()
        if photo.failure is None
        for space in photo.refusals
    )
    return [could_not_be_described(count, name) for name, count in counts.items()]
