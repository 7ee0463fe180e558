"""Keeping the index of a space fitting: extend it, build it again, give it a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from photofind.indexing.index_maintenance.builder import build, builder
from photofind.indexing.index_maintenance.fit import Need, need_of, wants_graph
from photofind.library.store import IndexInfo, Store
from photofind.model.fused import is_fused
from photofind.paths import Home
from photofind.workers import Worker

__all__ = ["build_graph", "keep_index", "maintain", "retire_outdated", "space_wants_graph"]


def maintain(
    store: Store, home: Home, spaces: Sequence[str], say: Callable[[str], None]
) -> list[str]:
    """Give back what is not needed, and bring the indexes up to date, after an indexing.

    Parameters
    ----------
    store
        Open for writing.
    home
        Where the library is.
    spaces
        The ids of the spaces of the extractors in use.
    say
        Called with what is being done, before it is done.

    Returns
    -------
    list of str
        The problems met, one line each.
    """
    for space in spaces:
        retire_outdated(store, space)
    store.reclaim()
    problems: list[str] = []
    with builder(home) as worker:
        for space in spaces:
            problems += keep_index(store, space, worker, say)
    return problems


def keep_index(
    store: Store, space: str, worker: Worker, say: Callable[[str], None] = lambda phase: None
) -> list[str]:
    """Bring the index of a space up to date, and return the problems met, one line each.

    A few new contents are taken in at once. Where many came or went the index is built again,
    without a graph: that comes later (:func:`space_wants_graph`). Where so many photos are there
    that building takes long, both are left to :func:`build_graph`.

    Parameters
    ----------
    store
        Open for writing.
    worker
        A child process from :func:`~photofind.indexing.index_maintenance.builder.builder`.
    say
        Called with what is being done, before it is done.
    """
    problems: list[str] = []
    index, contents = _facts(store, space)
    if index is None or need_of(index, contents) is Need.EXTEND:
        problems = store.extend_index(space)  # Names and removes an index that is damaged.
        index, contents = _facts(store, space)
    need = need_of(index, contents)
    if need is Need.REMOVE:
        store.remove_index(space)
    elif need is Need.BUILD:
        say("fitting the index")
        build(worker, space, graph=False)
        store.refresh()
    return problems


def space_wants_graph(store: Store, space: str) -> bool:
    """Return whether a space lacks a graph that would pay, or has an outdated one."""
    return wants_graph(*_facts(store, space))


def build_graph(store: Store, space: str, worker: Worker) -> list[str]:
    """Build the index of a space with its graph, and return the problems met, one line each.

    Takes minutes where there are many photos; the library may be read and written during that time.
    """
    recall = build(worker, space, graph=True)
    store.refresh()
    index = store.index(space)
    if recall is None or (index is not None and index.graph):
        return []
    return [
        f"the graph of {space} finds only {recall:.0%} of the nearest photos and is not used; "
        "answers are exact"
    ]


def retire_outdated(store: Store, space: str) -> list[str]:
    """Remove the spaces of other versions of an extractor once this one has embedded as much.

    The space of several extractors takes the place of that of any others.

    Returns
    -------
    list of str
        The ids of the spaces that were removed.
    """
    spaces = store.spaces()
    new = next((one for one in spaces if one.id == space), None)
    done = store.space_counts(space).contents
    retired = [
        one.id
        for one in spaces
        if new is not None
        and (one.extractor == new.extractor or (is_fused(one) and is_fused(new)))
        and one.id != space
        and store.space_counts(one.id).contents <= done
    ]
    for one in retired:
        store.remove_space(one)
    return retired


def _facts(store: Store, space: str) -> tuple[IndexInfo | None, int]:
    return store.index(space), store.space_counts(space).contents
