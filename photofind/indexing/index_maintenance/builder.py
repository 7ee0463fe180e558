"""Building an index in a child process of low priority: it takes all the memory and time there is.

``IndexBuilder`` is the service that the child runs; the others are for its parent.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from photofind.paths import Home
from photofind.workers import Worker

__all__ = ["IndexBuilder", "build", "builder"]

BUILD_SECONDS = 24 * 3600.0


@contextmanager
def builder(home: Home) -> Iterator[Worker]:
    """Give a child process that builds indexes, at low priority, for as long as the block runs."""
    with Worker(
        "photofind.indexing.index_maintenance.builder:IndexBuilder",
        name="index builder",
        options={"home": str(home.root.absolute())},
        environment={"NUMBA_CACHE_DIR": str(home.numba_cache)},
        log=home.logs / "index-builder.log",
    ) as worker:
        yield worker


def build(worker: Worker, space: str, *, graph: bool) -> float | None:
    """Build the index of a space in a child process from :func:`builder`.

    Returns
    -------
    float or None
        Recall@10 of the graph; None where none was built.

    Raises
    ------
    LibraryError
        The disk refused; the index that was there stands.
    LockedError
        A graph is wanted, and another process is building one.
    WorkerStoppedError
        The child process was ended.
    """
    built: dict[str, float | None] = worker.call(
        "build", timeout=BUILD_SECONDS, space=space, graph=graph
    ).value
    return built["recall"]


class IndexBuilder:
    """Builds indexes; runs in a worker.

    Parameters
    ----------
    home
        The path of the home of the library.
    """

    def __init__(self, *, home: str) -> None:
        self._home = Home(Path(home))

    def build(self, *, space: str, graph: bool) -> dict[str, Any]:
        """Build the index of a space and publish it; return the ``recall`` of its graph.

        Raises
        ------
        LibraryError
            The disk refused; the index that was there stands.
        LockedError
            A graph is wanted, and another process is building one.
        """
        from photofind.indexing.index_building import build_index
        from photofind.library.stores import open_store

        with open_store(self._home) as store:
            return {"recall": build_index(store, space, graph=graph).recall}
