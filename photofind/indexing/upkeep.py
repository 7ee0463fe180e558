"""Keeping the index of a space true to its rows: extend it, build it again, give it a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from photofind.errors import DamagedError
from photofind.library.building import EXACT_PAYS, INDEX_PAYS, graph_pays
from photofind.library.index import Index, remove_index
from photofind.library.library import Library
from photofind.paths import Home
from photofind.workers import Worker

__all__ = ["builder", "keep_index"]

# With more of its rows new or gone than this, an index no longer fits its library.
CHANGED_SHARE = 0.1
CHANGED_FEW = 32
BUILD_SECONDS = 24 * 3600.0


@contextmanager
def builder(home: Home) -> Iterator[Worker]:
    """Run a child process that builds indexes, at low priority, while the block runs."""
    worker = Worker(
        "photofind.library.building:IndexBuilder",
        name="index builder",
        environment={"NUMBA_CACHE_DIR": str(home.cache / "numba")},
        log=home.logs / "index-builder.log",
    )
    try:
        yield worker
    finally:
        worker.stop()


@dataclass(frozen=True)
class _Need:
    """What an index lacks: a build, a graph, or both."""

    build: bool
    graph: bool


def keep_index(
    library: Library, space: str, worker: Worker, say: Callable[[str], None]
) -> list[str]:
    """Bring the index of a space up to date, and return the problems met, one line each.

    A few new rows are taken in at once. Where many came or went the index is built again: first
    without a graph, so that a good answer is there soon, then with one, where it pays.

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
    photos = len(library.live_rows(space))
    folder = library.space_folder(space)
    if photos < INDEX_PAYS:
        remove_index(folder)
        return problems
    need = _look(library, space, problems)
    if need.build and (photos <= EXACT_PAYS or not need.graph):
        say("fitting the index")
        _build(library, space, worker, graph=False)
    if need.graph:
        say("building the graph")
        recall = _build(library, space, worker, graph=True)["recall"]
        if not Index(folder).facts.graph_points:
            problems.append(
                f"the graph of {space} finds only {recall:.0%} of the nearest photos and is not "
                "used; answers are exact"
            )
    return problems


def _look(library: Library, space: str, problems: list[str]) -> _Need:
    """Take the new rows into the index where it still fits; return what it needs otherwise."""
    live = library.live_rows(space)
    wants_graph = graph_pays(len(live))
    folder = library.space_folder(space)
    if not Index.exists(folder):
        return _Need(build=True, graph=wants_graph)
    try:
        index = Index(folder)
    except DamagedError as error:
        problems.append(error.message)
        return _Need(build=True, graph=wants_graph)
    if index.facts.generation != library.space(space).generation:
        return _Need(build=True, graph=wants_graph)
    new = np.setdiff1d(live, index.rows)
    gone = len(index) - np.isin(index.rows, live).sum()
    if index.fresh + len(new) + gone > max(CHANGED_FEW, CHANGED_SHARE * len(live)):
        return _Need(build=True, graph=wants_graph)
    index.extend(new, library.vectors(space).rows(new))
    index.save_fresh()
    return _Need(build=False, graph=wants_graph and index.facts.recall is None)


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
