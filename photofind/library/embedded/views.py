"""What is open of each space to answer from: its vectors, its index, and its graph's process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from photofind.errors import DamagedError, LibraryError, WorkerError
from photofind.library.embedded.asked import Asked
from photofind.library.embedded.catalog import Catalog
from photofind.library.embedded.index import Index
from photofind.library.embedded.nearest import (
    FoundRows,
    graph_pays_for,
    nearest_embeddings,
    nearest_points,
    pictures_by_graph,
)
from photofind.library.embedded.problems import Problems
from photofind.library.embedded.spaces import Snapshot, Spaces
from photofind.library.embedded.wanted import Wanted
from photofind.library.store import IndexInfo, Nearest, Over
from photofind.model.filters import EVERYTHING, Filter
from photofind.paths import Home
from photofind.ranking.projection import Vectors32
from photofind.ranking.smoothing import Nearest as NearestPictures

if TYPE_CHECKING:
    from photofind.library.embedded.graph_process import GraphProcess

__all__ = ["View", "Views"]

log = logging.getLogger(__name__)

_BLOCK = 1024

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class View:
    """A space as of one commit, with the index that was there then.

    Parameters
    ----------
    stamp
        Tells the index on disk from others; None where there is none.
    opened
        That index, with the rows taken in that came since it was built.
    index
        The same, where it was built for the rows of this generation.
    info
        What others are told of it.
    wanted
        The rows that were searched: of all photos, and of those that the last filter let pass, for
        filters are often asked with again; each as they are and without repeats.
    asked
        What its graph was asked of late.
    """

    stamp: int | None
    snapshot: Snapshot
    opened: Index | None
    index: Index | None
    info: IndexInfo | None
    wanted: dict[tuple[Filter, bool], Wanted] = field(default_factory=dict)
    asked: Asked = field(default_factory=Asked)


class Views:
    """What is open of all spaces; threads may share it.

    Parameters
    ----------
    resident
        Whether to load graphs in the background: worth it for many queries.
    idle_seconds
        Child processes that hold graphs end after so long without a query; None is never.
    """

    def __init__(
        self,
        home: Home,
        catalog: Catalog,
        spaces: Spaces,
        problems: Problems,
        *,
        resident: bool,
        idle_seconds: float | None,
    ) -> None:
        self._home = home
        self._catalog = catalog
        self._spaces = spaces
        self._problems = problems
        self._resident = resident
        self._idle_seconds = idle_seconds
        self._opening = RLock()  # Held to look at, and to change, what follows.
        self._views: dict[str, View] = {}
        self._graphs: dict[str, tuple[str, GraphProcess]] = {}
        self._warming: set[str] = set()
        self._closed = False

    def close(self) -> None:
        """Close all that is open, and end the child processes."""
        with self._opening:
            self._closed = True
            for _, graph in self._graphs.values():
                graph.stop()
            self._graphs.clear()
            self._views.clear()

    def release(self) -> None:
        """Close what is open, but for the graphs."""
        with self._opening:
            self._views.clear()

    def opened(self, identifier: str) -> Index | None:
        """Return the index of a space that is open, as it was when somebody last asked for it."""
        with self._opening:
            view = self._views.get(identifier)
            return view.opened if view is not None else None

    @property
    def processes(self) -> dict[str, int]:
        """The process ids of the child processes that hold graphs, by their spaces."""
        with self._opening:
            graphs = {space: graph.pid for space, (_, graph) in self._graphs.items()}
        return {space: pid for space, pid in graphs.items() if pid is not None}

    def nearest_pictures(self, identifier: str, index: Index) -> NearestPictures | None:
        """Return what finds the nearest pictures of an index of a space by its graph.

        None where the graph does not answer.
        """
        with self._opening:
            folder, graph = self._graphs.get(identifier, ("", None))
        if graph is None or folder != index.facts.folder or not graph.ready:
            return None
        return partial(pictures_by_graph, index, graph.nearest)

    def view(self, identifier: str) -> View:
        """Return what is open of a space as of now, to answer from: its index is whole.

        Raises
        ------
        LibraryError
            There is no such space, or it cannot be read.
        """
        view = self._current(identifier)
        if view.opened is None or view.opened.is_checked:
            return view
        try:
            view.opened.check()  # While it is not, others may ask how it is.
        except DamagedError as error:
            self._note(error, self._spaces.folder(identifier))
            without = replace(view, opened=None, index=None, info=None)
            with self._opening:
                if self._views.get(identifier) is view:
                    self._views[identifier] = without
            return without
        return view

    def _current(self, identifier: str) -> View:
        """Return what is open of a space as of now, whole or not."""
        with self._opening:
            old = self._views.get(identifier)
            view = self._views[identifier] = self._updated(identifier, old)
            if view is not old and view.index is not None:
                folder, graph = self._graphs.get(identifier, ("", None))
                if graph is not None and folder == view.index.facts.folder:
                    graph.follow(view.index)  # It takes in what came before one asks.
            return view

    def graph(self, view: View) -> GraphProcess | None:
        """Return the process that answers from the graph of a space, ready or not."""
        if not self._resident or view.index is None or not view.index.facts.graph_points:
            return None
        from photofind.library.embedded.graph_process import GraphProcess

        folder, space = view.index.facts.folder, view.snapshot.space.id
        with self._opening:
            if self._closed:
                return None
            known, graph = self._graphs.get(space, ("", None))
            if graph is None or known != folder or not graph.follow(view.index):
                if graph is not None:
                    graph.stop()
                graph = GraphProcess(
                    self._spaces.folder(space),
                    view.index,
                    self._home.numba_cache,
                    self._home.logs / "graph.log",
                    self._idle_seconds,
                )
                self._graphs[space] = folder, graph
            return graph

    def nearest(
        self,
        identifier: str,
        queries: Vectors32,
        count: int,
        *,
        over: Over,
        where: Filter,
        exclude: Collection[str],
        vectors: bool,
    ) -> Nearest:
        """Find the nearest contents of queries, as `Store.nearest` says."""
        view = self.view(identifier)
        snapshot = view.snapshot
        wanted = self._wanted(view, where, pictures=over == "pictures")
        without = snapshot.rows([*exclude])
        without = without[without >= 0]
        if over == "embeddings":
            found = nearest_embeddings(snapshot, queries, count, wanted, without, vectors=vectors)
        else:
            found = self._nearest_points(view, queries, count, wanted, without, vectors=vectors)
        return _named(snapshot, found, count)

    def count(self, identifier: str, where: Filter) -> int:
        """Return how many photos with an embedding in a space a filter lets pass."""
        return self._wanted(self.view(identifier), where, pictures=False).photos

    def _wanted(self, view: View, where: Filter, *, pictures: bool) -> Wanted:
        """Return the rows whose photos a filter lets pass, without repeats if so wanted."""
        wanted = view.wanted.get((where, pictures))
        if wanted is None:
            for other in [*view.wanted]:
                if other[0] not in (EVERYTHING, where):
                    view.wanted.pop(other, None)
            wanted = self._found_wanted(view, where, pictures=pictures)
            view.wanted[where, pictures] = wanted
        return wanted

    def _found_wanted(self, view: View, where: Filter, *, pictures: bool) -> Wanted:
        if pictures:
            index, among = _index_of(view), self._wanted(view, where, pictures=False)
            if not len(index.repeats):
                return among
            mask = among.mask.copy()
            mask[index.rows[index.repeats]] = False
            return Wanted(mask, index, among.photos)
        snapshot = view.snapshot
        if where == EVERYTHING:
            return Wanted(snapshot.live, view.index, int(snapshot.photos.sum()))
        total = len(snapshot.photos)
        rows = self._catalog.rows(snapshot.space.id, where)
        counts = np.bincount(rows[rows < total], minlength=total)
        return Wanted(snapshot.live & (counts > 0), view.index, int(counts.sum()))

    def points(
        self, identifier: str, contents: Sequence[str]
    ) -> tuple[npt.NDArray[np.bool_], Vectors32]:
        """Return which contents have a point, (n,), and the points, (n, d); zeros without one.

        Raises
        ------
        LibraryError
            The space has no index.
        """
        view = self.view(identifier)
        index = _index_of(view)
        rows = view.snapshot.rows(contents)
        has = rows >= 0
        if has.all():
            return has, index.points(index.positions(rows))
        points = np.zeros((len(rows), index.dimension), np.float32)
        points[has] = index.points(index.positions(rows[has]))
        return has, points

    def neighbours(self, identifier: str) -> Iterator[tuple[list[str], list[list[str]]]]:
        """Yield the contents that an index was built on, each with its nearest others."""
        view = self.view(identifier)
        if view.index is None:
            return
        rows, neighbours = view.index.rows, view.index.neighbours
        for start in range(0, len(neighbours), _BLOCK):
            some = neighbours[start : start + _BLOCK]
            contents = view.snapshot.contents(rows[start : start + len(some)])
            others = iter(view.snapshot.contents(rows[some].ravel()))
            nearest = [[*filter(None, islice(others, some.shape[1]))] for _ in contents]
            there = [place for place, content in enumerate(contents) if content]
            yield [contents[place] for place in there], [nearest[place] for place in there]

    def indexed(self, identifier: str) -> Iterator[tuple[list[str], Mask]]:
        """Yield the contents that an index was built on, and which of them repeat others."""
        view = self.view(identifier)
        if view.index is None:
            return
        is_repeat = np.zeros(view.index.facts.photos, np.bool_)
        is_repeat[view.index.repeats] = True
        for start in range(0, len(is_repeat), _BLOCK):
            repeats = is_repeat[start : start + _BLOCK]
            rows = view.index.rows[start : start + len(repeats)]
            there = np.flatnonzero(view.snapshot.photos[rows])
            yield view.snapshot.contents(rows[there]), repeats[there]

    def info(self, identifier: str) -> IndexInfo | None:
        """Return what answers for a space; None where it has no index.

        A resident process does not wait until it is checked, which an answer does.
        """
        view = self._current(identifier) if self._resident else self.view(identifier)
        if view.info is None:
            return None
        with self._opening:
            folder, graph = self._graphs.get(identifier, ("", None))
        if graph is None or view.index is None or view.index.facts.folder != folder:
            return view.info
        if graph.damaged:  # As if there were none, so that it is built again.
            return replace(view.info, graph=False, recall=None)
        return replace(view.info, ready=graph.ready)

    def warm_up(self, identifier: str) -> None:
        """Open what answers for a space, and have its graph loaded, in the background."""
        if not self._resident:
            self.view(identifier)
            return
        with self._opening:
            is_warming = identifier in self._warming
            self._warming.add(identifier)
        if not is_warming:
            threading.Thread(target=self._warm_up, args=(identifier,), daemon=True).start()

    def _warm_up(self, identifier: str) -> None:
        try:
            self.graph(self.view(identifier))
        except LibraryError as error:
            log.warning("%s cannot be searched: %s", identifier, error)
        finally:
            with self._opening:
                self._warming.discard(identifier)

    def _updated(self, identifier: str, old: View | None) -> View:
        """Return the view of a space now; cheap where little was committed since the old one."""
        folder = self._spaces.folder(identifier)
        stamp = Index.stamp(folder)
        snapshot = self._spaces.snapshot(identifier)
        if old is not None and old.stamp == stamp:
            opened = _with_what_was_saved(old.opened, snapshot)
            if opened is old.opened and old.snapshot is snapshot:
                return old
        else:
            opened = self._open_index(folder)
        index = opened if opened is not None and _fits(opened, snapshot) else None
        if index is not None:
            known = np.zeros(snapshot.space.rows, np.bool_)
            known[index.rows] = True
            new = np.flatnonzero((snapshot.photos > 0) & ~known)
            if len(new):
                vectors, digests = snapshot.vectors.rows(new), snapshot.digests(new)
                try:
                    near = self.nearest_pictures(identifier, index)
                    opened = index = index.extended(new, vectors, digests, near)
                except DamagedError as error:
                    self._note(error, folder)
                    opened = index = None
        info = _info(index, snapshot) if index is not None else None
        return View(stamp, snapshot, opened, index, info)

    def _open_index(self, space: Path) -> Index | None:
        try:
            return Index(space) if Index.exists(space) else None
        except DamagedError as error:
            self._note(error, space)
            return None

    def _note(self, error: DamagedError, space: Path) -> None:
        """Note that the index in the folder of a space is damaged; searches do without it."""
        stamp = Index.stamp(space)
        self._problems.add(str(error), lambda: Index.stamp(space) != stamp)

    def _nearest_points(
        self,
        view: View,
        queries: Vectors32,
        count: int,
        wanted: Wanted,
        without: Rows,
        *,
        vectors: bool,
    ) -> FoundRows:
        """Ask the graph of a space where it answers, and compare with all points where not."""
        index = _index_of(view)
        if queries.shape[1] != index.dimension:
            raise LibraryError("the index was replaced by another one", "search again")
        graph = self.graph(view) if graph_pays_for(index, wanted) else None
        if graph is not None and graph.wake():
            nearest = view.asked.remembering(graph.nearest)
            try:
                return nearest_points(
                    index, nearest, queries, count, wanted, without, vectors=vectors
                )
            except (DamagedError, WorkerError) as error:
                log.warning("the graph failed and is loaded again: %s", error)
                self._discard(graph)
        return nearest_points(index, None, queries, count, wanted, without, vectors=vectors)

    def _discard(self, graph: GraphProcess) -> None:
        graph.stop()
        with self._opening:
            for space, (_, known) in list(self._graphs.items()):
                if known is graph:
                    del self._graphs[space]


def _index_of(view: View) -> Index:
    if view.index is None:
        raise LibraryError(
            f"there is no index of {view.snapshot.space.id} yet", "run `photofind index`"
        )
    return view.index


def _with_what_was_saved(index: Index | None, snapshot: Snapshot) -> Index | None:
    """Return an open index with the fresh rows that were written to disk since.

    They were smoothed together, and those that are not there yet one commit after the other.
    """
    if index is None or not index.is_saved_further():
        return index
    again = index.read_again()
    return again if _fits(again, snapshot) else index


def _fits(index: Index, snapshot: Snapshot) -> bool:
    """Return whether an index was built for the rows of a space, and for their contents."""
    space = snapshot.space
    return (
        index.facts.generation == space.generation
        and bool(index.rows.max() < space.rows)
        and index.is_of(snapshot.digests(index.rows))
    )


def _info(index: Index, snapshot: Snapshot) -> IndexInfo:
    facts, alive = index.facts, snapshot.photos[index.rows] > 0
    return IndexInfo(
        projection=index.projection,
        ranked=facts.ranked,
        plain=facts.plain,
        photos=facts.photos,
        fresh=int(np.count_nonzero(alive[facts.photos :])),
        gone=int(np.count_nonzero(~alive[: facts.photos])),
        graph=facts.graph_points > 0,
        ready=False,
        recall=facts.recall,
        built=facts.built,
        repeats=len(index.repeats),
        outdated=facts.outdated,
    )


def _named(snapshot: Snapshot, found: FoundRows, count: int) -> Nearest:
    """Return rows found as contents, ``count`` for each query, "" where fewer were found."""
    queries, width = found.rows.shape
    names = np.array(snapshot.contents(found.rows.ravel()), object).reshape(queries, width)
    there = np.isfinite(found.similarities) & (names != "")
    if width == count and there.all():  # Nearly always.
        return Nearest(names, found.similarities, found.vectors, found.searched_by)
    contents = np.full((queries, count), "", object)
    similarities = np.full((queries, count), -np.inf, np.float32)
    vectors = np.zeros((queries, count, found.vectors.shape[2]), np.float32)
    contents[:, :width][there] = names[there]
    similarities[:, :width][there] = found.similarities[there]
    vectors[:, :width][there] = found.vectors[there]
    return Nearest(contents, similarities, vectors, found.searched_by)
