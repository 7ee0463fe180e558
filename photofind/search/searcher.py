"""Answering queries from a library: query photos become vectors, ranked rows become hits."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from photofind.errors import (
    DamagedError,
    ExtractorError,
    ImageError,
    LibraryError,
    PhotofindError,
    WorkerError,
)
from photofind.extractors.registry import installed
from photofind.library.catalog import Photo, Space
from photofind.library.index import Index
from photofind.library.library import Library
from photofind.library.projection import Vectors32
from photofind.library.vectors import Vectors
from photofind.paths import is_below
from photofind.search.duplicates import collapse, group_near_duplicates
from photofind.search.filters import Filter
from photofind.search.graph_process import GraphProcess
from photofind.search.hits import Found, merge_raw_pairs, to_hits
from photofind.search.ranking import Mask, Ranked, Ranker, Rows
from photofind.values import Answer, DuplicateGroup, Query

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction

__all__ = ["Searcher"]

log = logging.getLogger(__name__)

# Copies collapse under the best of them, so more photos are looked at than hits are wanted.
SPARE = 4


@dataclass(frozen=True, eq=False)
class _View:
    """What is open of one space, as of one revision of the library and one index.

    Parameters
    ----------
    photos
        How many photos refer to each row, (rows,).
    opened
        The index as it is on disk, with the rows taken in since.
    index
        The same, where it fits the space.
    """

    stamp: int | None
    revision: int
    space: Space
    vectors: Vectors
    photos: npt.NDArray[np.int32]
    opened: Index | None
    index: Index | None

    @property
    def alive(self) -> Mask:
        """Which rows photos refer to, (rows,)."""
        return self.photos > 0


def _view(library: Library, identifier: str, old: _View | None) -> _View:
    """Return what is open of a space now; cheap where little was committed since the old view."""
    folder = library.space_folder(identifier)
    stamp = Index.stamp(folder)
    if old is not None and (old.stamp, old.revision) == (stamp, library.revision):
        return old
    revision, space, vectors, photos = library.snapshot(identifier)
    if old is not None and old.stamp == stamp:
        opened = old.opened
    else:
        opened = _open_index(folder, library.warnings)
    index = opened if opened is not None and _fits(opened, space) else None
    if index is not None:
        known = np.zeros(space.rows, np.bool_)
        known[index.rows] = True
        new = np.flatnonzero((photos > 0) & ~known)
        if len(new):
            opened = index = index.extended(new, vectors.rows(new))
    return _View(stamp, revision, space, vectors, photos, opened, index)


class Searcher:
    """Answers queries from one library.

    Parameters
    ----------
    library
        Open for reading or writing.
    extractor
        The name of the extractor whose embeddings are compared where a query names none.
    extraction
        Gives what embeds photos from outside the library, by the extractor's name.
    resident
        Whether to load graphs, in the background: worth it for whoever answers many queries.
    idle_seconds
        Child processes that hold graphs end after so long without a query; None is never.

    Notes
    -----
    Threads may share a searcher; each query sees one whole state of the library.
    """

    def __init__(
        self,
        library: Library,
        extractor: str,
        extraction: Callable[[str], Extraction],
        *,
        resident: bool = False,
        idle_seconds: float | None = None,
    ) -> None:
        self._idle_seconds = idle_seconds
        self._library = library
        self._extractor = extractor
        self._extraction = extraction
        self._resident = resident
        self._opening = RLock()  # Held to look at, and to change, what follows.
        self._views: dict[str, _View] = {}
        self._graphs: dict[str, tuple[str, GraphProcess]] = {}

    def close(self) -> None:
        """End the child processes that hold graphs."""
        with self._opening:
            for _, graph in self._graphs.values():
                graph.stop()
            self._graphs.clear()
            self._views.clear()

    def rest(self) -> None:
        """Let go of the memory that answering takes; the next query opens it again."""
        with self._opening:
            self._views.clear()

    def refresh(self, extractor: str | None = None) -> None:
        """Take in what was committed, so that the next query need not."""
        with suppress(PhotofindError):
            self._view(self.space(extractor))

    @property
    def processes(self) -> list[int]:
        """The process ids of the child processes that hold graphs."""
        with self._opening:
            return [graph.pid for _, graph in self._graphs.values() if graph.pid is not None]

    def space(self, extractor: str | None = None) -> Space:
        """Return the space that answers for an extractor: that of its newest version.

        Raises
        ------
        ExtractorError
            Where it is not installed, and nothing was ever indexed with it.
        LibraryError
            Where nothing was indexed with it yet.
        """
        self._library.refresh()
        name = extractor or self._extractor
        spaces = [space for space in self._library.spaces() if space.extractor == name]
        if spaces:
            return spaces[-1]
        if not self._library.folders():
            raise LibraryError(
                "there are no photos to search in yet",
                "add some with `photofind folders add ~/Pictures`, then run `photofind index`",
            )
        if name not in {plugin.name for plugin in installed()}:
            raise ExtractorError(
                f"there is no extractor {name!r}", "`photofind extractors` lists what is installed"
            )
        if name == self._extractor:
            raise LibraryError("nothing is indexed yet", "run `photofind index`")
        raise LibraryError(
            f"nothing is indexed with the extractor {name!r} yet",
            f"run `photofind config set extractor {name}`, then `photofind index`",
        )

    def index(self, space: Space) -> Index | None:
        """Return the index that answers for a space, or None where there is none."""
        return self._view(space).index

    def graph(self, space: Space) -> GraphProcess | None:
        """Return the process that answers from the graph of a space, ready or not."""
        return self._graph(self._view(space))

    def _graph(self, view: _View) -> GraphProcess | None:
        if not self._resident or view.index is None or not view.index.facts.graph_points:
            return None
        folder, space = view.index.facts.folder, view.space.id
        with self._opening:
            known, graph = self._graphs.get(space, ("", None))
            if graph is None or known != folder:
                if graph is not None:
                    graph.stop()
                home = self._library.home
                graph = GraphProcess(
                    self._library.space_folder(space),
                    view.index.points(np.arange(1)),
                    home.cache / "numba",
                    home.logs / "graph.log",
                    self._idle_seconds,
                )
                self._graphs[space] = folder, graph
            return graph

    def similar(self, query: Query) -> Answer:
        """Find the photos most like a query, whose limit and lowest score are given.

        Raises
        ------
        ImageError
            Where a photo of the query cannot be read.
        LibraryError
            Where nothing is indexed yet.
        """
        started = time.monotonic()
        while True:
            space = self.space(query.extractor)
            view = self._view(space)
            try:
                answer = self._answer(query, space, view, started)
            except DamagedError:
                if self._is_current(view):
                    raise
            else:
                if self._is_current(view):
                    return answer

    def _is_current(self, view: _View) -> bool:
        """Tell whether rows still mean what they meant: a reclaimed library has others."""
        return self._library.space(view.space.id).generation == view.space.generation

    def _answer(self, query: Query, space: Space, view: _View, started: float) -> Answer:
        assert query.limit is not None
        vectors, contents = self._embed([*query.like, *query.unlike], space)
        like, unlike = vectors[: len(query.like)], vectors[len(query.like) :]
        asked = filter(None, map(self._library.photo, query.like))
        same = chain.from_iterable(
            self._library.photos_with_content(content) for content in contents[: len(query.like)]
        )
        rows = {photo.rows.get(space.id, len(view.photos)) for photo in chain(asked, same)}
        own = [row for row in rows if row < len(view.photos)]  # Newer ones are not in this view.
        counts = self._allowed(query, space, view)
        allowed = None if counts is None else counts > 0
        limit = SPARE * query.limit
        ranked = self._rank(view, like, unlike, limit, np.array(own, int), allowed,
                            plain=query.plain)  # fmt: skip
        found = merge_raw_pairs(islice(self._found(query, space, view, ranked), limit))
        return Answer(
            query,
            to_hits(found[: query.limit]),
            ranked.searched_by,
            space.extractor,
            int((view.photos if counts is None else counts).sum()),
            time.monotonic() - started,
            self._library.preliminary,
        )

    def duplicates(self, extractor: str | None = None) -> list[DuplicateGroup]:
        """Group the photos that show the same picture; the largest groups first."""
        space = self.space(extractor)
        view = self._view(space)
        rows = np.flatnonzero(view.alive)
        groups: list[DuplicateGroup] = []
        grouped: set[int] = set()
        for members, similarity in group_near_duplicates(view.vectors, rows, view.index):
            grouped.update(members.tolist())
            photos = self._photos(space, members)
            groups.append(_duplicate_group(photos, exact=False, similarity=similarity))
        for row in np.flatnonzero(view.photos > 1).tolist():
            if row not in grouped:
                photos = self._library.photos_of_row(space.id, row)
                groups.append(_duplicate_group(photos, exact=True, similarity=1.0))
        return sorted(groups, key=lambda group: (-len(group.paths), group.paths))

    def _view(self, space: Space) -> _View:
        self._library.refresh()
        with self._opening:
            view = _view(self._library, space.id, self._views.get(space.id))
            self._views[space.id] = view
            return view

    def _rank(
        self,
        view: _View,
        like: Vectors32,
        unlike: Vectors32,
        limit: int,
        query_rows: Rows,
        allowed: Mask | None,
        *,
        plain: bool,
    ) -> Ranked:
        graph = self._graph(view)
        if graph is not None and graph.wake():
            ranker = Ranker(view.vectors, view.alive, view.index, graph.nearest)
            try:
                return ranker.rank(
                    like, unlike, limit, query_rows=query_rows, allowed=allowed, plain=plain
                )
            except (DamagedError, WorkerError) as error:
                log.warning("the graph failed and is loaded again: %s", error)
                self._discard(graph)
        ranker = Ranker(view.vectors, view.alive, view.index)
        return ranker.rank(like, unlike, limit, query_rows=query_rows, allowed=allowed, plain=plain)

    def _discard(self, graph: GraphProcess) -> None:
        graph.stop()
        with self._opening:
            for space, (_, known) in list(self._graphs.items()):
                if known is graph:
                    del self._graphs[space]

    def _embed(self, paths: Sequence[str], space: Space) -> tuple[Vectors32, list[str]]:
        """Return the embeddings (n, D) and the contents of photos, in the library or not."""
        vectors = np.empty((len(paths), space.dimension), np.float32)
        contents = [""] * len(paths)
        outside = []
        for place, path in enumerate(paths):
            photo = self._library.photo(path)
            # What a thumbnail says is good enough to be found by, not to search with.
            if photo and space.id in photo.rows and not photo.preliminary and _is_unchanged(photo):
                (vectors[place],) = self._library.vectors(space.id).rows([photo.rows[space.id]])
                contents[place] = photo.content
            else:
                outside.append(place)
        if outside:
            extraction = self._extraction(space.extractor)
            for place, result in zip(
                outside, extraction.extract([paths[p] for p in outside]), strict=True
            ):
                if result.vector is None:
                    raise ImageError(f"{paths[place]} cannot be searched with: {result.failure}")
                vectors[place], contents[place] = result.vector, result.content
        return vectors, contents

    def _allowed(self, query: Query, space: Space, view: _View) -> Rows | None:
        """Return how many photos of each row the filters leave, (rows,); None for all."""
        limits = _filter(query)
        if limits.passes_all:
            return None
        counts = np.zeros(len(view.alive), np.int64)
        for photo in self._library.photos(query.folder):
            if photo.rows.get(space.id, len(counts)) < len(counts) and limits.passes(photo):
                counts[photo.rows[space.id]] += 1
        return counts

    def _found(
        self, query: Query, space: Space, view: _View, ranked: Ranked
    ) -> Iterator[list[Found]]:
        """Yield the photos of ranked rows in groups that are shown as one, best first."""
        offline = [f.path for f in self._library.folders() if f.state == "offline"]
        assert query.limit is not None
        assert query.min_score is not None
        limits = _filter(query)
        asked = {*query.like, *query.unlike}
        asked_files = _files(asked)
        count = int((ranked.scores >= query.min_score).sum())
        groups = (
            [[place] for place in range(count)]
            if query.every
            else collapse(ranked.vectors[:count], SPARE * query.limit, view.index)
        )
        for group in groups:
            photos = [
                Found(
                    photo,
                    float(ranked.scores[place]),
                    any(is_below(photo.path, folder) for folder in offline),
                )
                for place in group
                for photo in self._library.photos_of_row(space.id, int(ranked.rows[place]))
                if photo.path not in asked
                and (photo.inode, photo.size) not in asked_files
                and limits.passes(photo)
            ]
            if query.every:
                yield from ([photo] for photo in photos)
            elif photos:
                yield photos

    def _photos(self, space: Space, rows: Rows) -> list[Photo]:
        return [
            photo for row in rows.tolist() for photo in self._library.photos_of_row(space.id, row)
        ]


def _open_index(space: Path, warnings: list[str]) -> Index | None:
    try:
        return Index(space) if Index.exists(space) else None
    except DamagedError as error:
        warnings.append(str(error))
        return None


def _fits(index: Index, space: Space) -> bool:
    """Return whether an index was built for the rows of a space as they are known."""
    return index.facts.generation == space.generation and bool(index.rows.max() < space.rows)


def _is_unchanged(photo: Photo) -> bool:
    """Return whether a photo is as it was read, or out of reach and known only from then."""
    try:
        status = Path(photo.path).stat()
    except OSError:
        return True
    return (status.st_size, status.st_mtime_ns) == (photo.size, photo.modified)


def _files(paths: Iterable[str]) -> set[tuple[int, int]]:
    """Return inode and size of files: a path may lead to a photo by another name."""
    found = set()
    for path in paths:
        with suppress(OSError):
            status = Path(path).stat()
            found.add((status.st_ino, status.st_size))
    return found


def _filter(query: Query) -> Filter:
    return Filter(query.folder, query.since, query.until)


def _duplicate_group(photos: list[Photo], *, exact: bool, similarity: float) -> DuplicateGroup:
    photos = sorted(
        photos, key=lambda photo: (-photo.width * photo.height, -photo.size, photo.path)
    )
    return DuplicateGroup(tuple(photo.path for photo in photos), exact, round(similarity, 4))
