"""Whether an index fits its library, decided from counts alone."""

from __future__ import annotations

from enum import Enum, auto

from photofind.library.store import IndexInfo

__all__ = ["INDEX_PAYS", "Need", "fits", "need_of", "wants_graph"]

# Fewer contents cannot fix a projection or a background; they are compared as they are.
INDEX_PAYS = 32
# Fewer contents are compared with a query faster than a graph is loaded.
GRAPH_PAYS = 500
# Up to here exact neighbours cost less than compiling what finds them approximately. Beyond, an
# index is built once, together with its graph.
QUICK_BUILD = 30_000
# With more contents new or gone than this, an index no longer fits its library.
CHANGED_SHARE = 0.1
CHANGED_FEW = 32
# One that takes long to build fits until so many have come, or gone, of those that it was built on.
GROWN_SHARE, GONE_SHARE = 1 / 2, 1 / 3


class Need(Enum):
    """What the index of a space needs now, apart from a graph."""

    REMOVE = auto()
    """There are too few contents for an index."""
    EXTEND = auto()
    """It fits: what came since is to be made a durable part of it."""
    BUILD = auto()
    """There is none that fits, and it is built within seconds."""
    BUILD_LATER = auto()
    """There is none that fits, and it is to be built together with its graph."""


def fits(index: IndexInfo | None, contents: int) -> bool:
    """Return whether an index fits a space with so many contents."""
    if index is None or index.outdated or contents < INDEX_PAYS:
        return False
    came = contents - (index.photos - index.gone)
    if contents > QUICK_BUILD:
        return came <= GROWN_SHARE * index.photos and index.gone <= GONE_SHARE * index.photos
    return index.gone + came <= max(CHANGED_FEW, CHANGED_SHARE * contents)


def need_of(index: IndexInfo | None, contents: int) -> Need:
    """Return what the index of a space with so many contents needs."""
    if contents < INDEX_PAYS:
        return Need.REMOVE
    if fits(index, contents):
        return Need.EXTEND
    return Need.BUILD if contents <= QUICK_BUILD else Need.BUILD_LATER


def wants_graph(index: IndexInfo | None, contents: int) -> bool:
    """Return whether a space with so many contents lacks a graph, or its graph is outdated."""
    return contents >= GRAPH_PAYS and (
        index is None or not fits(index, contents) or index.recall is None
    )
