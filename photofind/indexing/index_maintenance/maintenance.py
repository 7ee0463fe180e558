"""Keeping the index of a space true to its rows: extend it, fit it again, give it a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from photofind.errors import DamagedError
from photofind.library.embedded.index import Index, remove_index
from photofind.library.embedded.index_builder import EXACT_PAYS, INDEX_PAYS, graph_pays
from photofind.library.embedded.library import Library
from photofind.paths import Home
from photofind.workers import Worker

__all__ = ["build_graph", "builder", "keep_index", "retire_outdated", "wants_graph"]

# With more of its rows new or gone than this, an index no longer fits its library.
CHANGED_SHARE = 0.1
CHANGED_FEW = 32
BUILD_SECONDS = 24 * 3600.0


@contextmanager
def builder(home: Home) -> Iterator[Worker]:
    """Give a child process that builds indexes, at low priority, for as long as the block runs."""
    with Worker(
        "photofind.library.embedded.index_builder:IndexBuilder",
        name="index builder",
        environment={"NUMBA_CACHE_DIR": str(home.cache / "numba")},
        log=home.logs / "index-builder.log",
    ) as worker:
        yield worker


def keep_index(
    library: Library, space: str, worker: Worker, say: Callable[[str], None]
) -> list[str]:
    """Bring the index of a space up to date, and return the problems met, one line each.

    A few new rows are taken in at once. Where many came or went the index is fitted again,
    without a graph: that comes later (:func:`wants_graph`). Where so many photos are there that
    fitting needs what builds graphs, both are left to :func:`build_graph`.

    Parameters
    ----------
    library
        Open for writing.
    worker
        A child process from :func:`builder`.
    say
        Told what is being done, before it is done.
    """
    problems: list[str] = []
    index = _fitting_index(library, space, problems)
    if index is None:
        photos = len(library.live_rows(space))
        if photos < INDEX_PAYS:
            remove_index(library.space_folder(space))
        elif photos <= EXACT_PAYS:
            say("fitting the index")
            _build(library, space, worker, graph=False)
        return problems
    new = np.setdiff1d(library.live_rows(space), index.rows)
    index.extend(new, library.vectors(space).rows(new))
    index.save_fresh()
    return problems


def wants_graph(library: Library, space: str) -> bool:
    """Return whether the index of a space lacks a graph that would pay, or has an outdated one."""
    if not graph_pays(len(library.live_rows(space))):
        return False
    index = _fitting_index(library, space, [])
    return index is None or index.facts.recall is None


def retire_outdated(library: Library, space: str) -> list[str]:
    """Remove what other versions of a space's extractor made, once it has made as much.

    Returns
    -------
    list of str
        The ids of the spaces that were removed.
    """
    extractor = library.space(space).extractor
    others = [one.id for one in library.spaces() if one.extractor == extractor and one.id != space]
    done = len(library.live_rows(space))
    retired = [one for one in others if len(library.live_rows(one)) <= done]
    for one in retired:
        library.remove_space(one)
    return retired


def build_graph(library: Library, space: str, worker: Worker) -> list[str]:
    """Build the index of a space with its graph, and return the problems met, one line each.

    Takes minutes where there are many photos; the library may be read and written meanwhile.
    """
    recall = _build(library, space, worker, graph=True)["recall"]
    if Index(library.space_folder(space)).facts.graph_points:
        return []
    return [
        f"the graph of {space} finds only {recall:.0%} of the nearest photos and is not used; "
        "answers are exact"
    ]


def _fitting_index(library: Library, space: str, problems: list[str]) -> Index | None:
    """Return the index of a space, or None where there is none that fits its rows."""
    folder = library.space_folder(space)
    if not Index.exists(folder):
        return None
    try:
        index = Index(folder, check_graph=True)
    except DamagedError as error:
        problems.append(f"{error.message}; it is built again")
        return None
    if index.facts.generation != library.space(space).generation:
        return None
    live = library.live_rows(space)
    if len(live) < INDEX_PAYS:
        return None
    old = np.isin(index.rows, live).sum() - index.fresh
    changed = (index.facts.photos - old) + (len(live) - old)
    return index if changed <= max(CHANGED_FEW, CHANGED_SHARE * len(live)) else None


def _build(library: Library, space: str, worker: Worker, *, graph: bool) -> dict[str, float]:
    vectors = library.vectors(space)
    built: dict[str, float] = worker.call(
        "build",
        library.live_rows(space),
        timeout=BUILD_SECONDS,
        space=str(library.space_folder(space)),
        vectors=str(vectors.path),
        dimension=vectors.dimension,
        generation=library.space(space).generation,
        committed=vectors.committed,
        graph=graph,
    ).value
    return built
