"""Answering queries from a library: query photos become vectors, ranked rows become hits."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

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
from photofind.extractors.registry import installed, parse_extractors
from photofind.library.embedded.catalog import Photo, Space
from photofind.library.embedded.graph_process import GraphProcess
from photofind.library.embedded.index import Index
from photofind.library.embedded.library import Library
from photofind.library.embedded.vectors import Vectors
from photofind.model import Answer, DuplicateGroup, Query
from photofind.paths import is_below
from photofind.ranking.projection import Vectors32, normalised
from photofind.search.duplicates import collapse, group_near_duplicates
from photofind.search.filters import Filter
from photofind.search.fusion import Part, fuse
from photofind.search.hits import Found, merge_raw_pairs, to_hits
from photofind.search.ranking import Comparison, GraphNearest, Mask, Ranked, Ranker, Rows

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction

__all__ = ["Searcher"]

log = logging.getLogger(__name__)

_Result = TypeVar("_Result")

# Copies collapse under the best of them, so more photos are looked at than hits are wanted.
SPARE = 4
# A space that has described this share of the photos of the fullest one can answer in its stead.
COMPLETE = 0.95


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
    allowed
        What the filters leave that were asked with last, for they are often asked with again: how
        many photos of each row, (rows,).
    """

    stamp: int | None
    revision: int
    space: Space
    vectors: Vectors
    photos: npt.NDArray[np.int32]
    opened: Index | None
    index: Index | None
    allowed: dict[Filter, Rows] = field(default_factory=dict)

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


@dataclass(frozen=True, eq=False)
class _Asked:
    """A query as one space understands it: embeddings, own rows, and which rows may be hits."""

    view: _View
    like: Vectors32
    unlike: Vectors32
    rows: Rows
    allowed: Mask | None

    def compare(self, graph: GraphNearest | None, query: Query) -> Comparison:
        return self._ranker(graph).compare(
            self.like, self.unlike, query_rows=self.rows, plain=query.plain
        )

    def rank(self, graph: GraphNearest | None, query: Query, limit: int) -> Ranked:
        return self._ranker(graph).rank(
            self.like,
            self.unlike,
            limit,
            query_rows=self.rows,
            allowed=self.allowed,
            plain=query.plain,
        )

    def _ranker(self, graph: GraphNearest | None) -> Ranker:
        return Ranker(self.view.vectors, self.view.alive, self.view.index, graph)


class _OtherVersion(Exception):
    """A photo cannot be compared in a space, as another version of its extractor is installed."""

    def __init__(self, space: Space, installed: Space) -> None:
        super().__init__(space.id)
        self.space = space
        self.installed = installed


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
        """Return the space that answers for an extractor.

        That of its newest version, once that has described nearly all photos; until then the one
        that has described most.

        Raises
        ------
        ExtractorError
            Where it is not installed, and nothing was ever indexed with it.
        LibraryError
            Where nothing was indexed with it yet.
        """
        self._library.refresh()
        name = extractor or next(iter(parse_extractors(self._extractor)))
        spaces = [space for space in self._library.spaces() if space.extractor == name]
        if spaces:
            return self._fullest(spaces)
        if not self._library.folders():
            raise LibraryError(
                "there are no photos to search in yet",
                "add some with `photofind folders add ~/Pictures`, then run `photofind index`",
            )
        if name not in {plugin.name for plugin in installed(self._library.home)}:
            raise ExtractorError(
                f"there is no extractor {name!r}", "`photofind extractors` lists what is installed"
            )
        if name in parse_extractors(self._extractor):
            raise LibraryError("nothing is indexed yet", "run `photofind index`")
        raise LibraryError(
            f"nothing is indexed with the extractor {name!r} yet",
            f"run `photofind extractors use {name}`, then `photofind index`",
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

        It names its photos by their paths.

        Raises
        ------
        ImageError
            Where a photo of the query cannot be read.
        LibraryError
            Where nothing is indexed yet.
        """
        started = time.monotonic()
        weights = self._answering(query)
        while True:
            views = [self._view(space) for space in weights]
            try:
                answer = self._answer(query, views, [*weights.values()], started)
            except _OtherVersion as other:
                weights = {
                    (other.installed if space.id == other.space.id else space): weight
                    for space, weight in weights.items()
                }
            except DamagedError:
                if all(map(self._is_current, views)):
                    raise
            else:
                if all(map(self._is_current, views)):
                    return answer

    @property
    def answering(self) -> Space:
        """The space that answers queries that name no extractor."""
        return next(iter(self._answering(Query(()))))

    def _answering(self, query: Query) -> dict[Space, float]:
        """Return the spaces that answer a query, with their weights.

        While the extractor of the settings has still to describe many photos, another answers
        that has described them, unless the query names one.
        """
        self._library.refresh()
        if query.extractor is not None:
            named = parse_extractors(query.extractor)
            return {self.space(name): weight for name, weight in named.items()}
        named = parse_extractors(self._extractor)
        spaces = self._library.spaces()
        known = {space.extractor for space in spaces}
        first = next(iter(named))
        if spaces and (
            first not in known
            or self._count(self.space(first)) < COMPLETE * max(map(self._count, spaces))
        ):
            return {self._fullest(spaces): 1.0}
        return {
            self.space(name): weight
            for name, weight in named.items()
            if name in known or name == first
        }

    def _fullest(self, spaces: Sequence[Space]) -> Space:
        """Return the newest of the spaces that have described nearly as many photos as any."""
        counts = [self._count(space) for space in spaces]
        enough = COMPLETE * max(counts)
        return [space for space, count in zip(spaces, counts, strict=True) if count >= enough][-1]

    def _count(self, space: Space) -> int:
        return int(self._library.references(space.id).sum())

    def _is_current(self, view: _View) -> bool:
        """Tell whether rows still mean what they meant: a reclaimed library has others."""
        return self._library.space(view.space.id).generation == view.space.generation

    def _answer(
        self, query: Query, views: Sequence[_View], weights: Sequence[float], started: float
    ) -> Answer:
        assert query.limit is not None
        limit = SPARE * query.limit
        counts = [self._allowed(query, view) for view in views]
        asked = [
            _Asked(view, *self._embed(query, view), None if some is None else some > 0)
            for view, some in zip(views, counts, strict=True)
        ]
        if len(asked) == 1:
            rank = partial(asked[0].rank, query=query, limit=limit)
            ranked = self._with_graph(asked[0].view, rank)
        else:
            ranked = self._fused(query, asked, weights, limit)
        found = merge_raw_pairs(islice(self._found(query, views[0], ranked), limit))
        return Answer(
            query,
            to_hits(found[: query.limit]),
            ranked.searched_by,
            ",".join(view.space.extractor for view in views),
            int((views[0].photos if counts[0] is None else counts[0]).sum()),
            time.monotonic() - started,
            self._library.preliminary,
        )

    def _fused(
        self, query: Query, asked: Sequence[_Asked], weights: Sequence[float], limit: int
    ) -> Ranked:
        parts = [
            Part(
                one.view.space.id,
                self._with_graph(one.view, partial(one.compare, query=query)),
                weight,
                one.allowed,
            )
            for one, weight in zip(asked, weights, strict=True)
        ]
        try:
            rows, scores = fuse(self._library, parts, limit)
        except WorkerError as error:
            log.warning("a graph failed: %s", error)
            parts = [
                replace(part, comparison=one.compare(None, query))
                for part, one in zip(parts, asked, strict=True)
            ]
            rows, scores = fuse(self._library, parts, limit)
        vectors = normalised(asked[0].view.vectors.rows(rows))
        return Ranked(rows, scores, vectors, parts[0].comparison.searched_by)

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

    def _with_graph(self, view: _View, ask: Callable[[GraphNearest | None], _Result]) -> _Result:
        """Ask with the graph of a space where it answers, and without it where it fails."""
        graph = self._graph(view)
        if graph is not None and graph.wake():
            try:
                return ask(graph.nearest)
            except (DamagedError, WorkerError) as error:
                log.warning("the graph failed and is loaded again: %s", error)
                self._discard(graph)
        return ask(None)

    def _discard(self, graph: GraphProcess) -> None:
        graph.stop()
        with self._opening:
            for space, (_, known) in list(self._graphs.items()):
                if known is graph:
                    del self._graphs[space]

    def _embed(self, query: Query, view: _View) -> tuple[Vectors32, Vectors32, Rows]:
        """Return the embeddings of the photos of a query, and the rows of those that hits are like.

        The embeddings are those of ``like``, (p, D), and of ``unlike``, (q, D).
        """
        paths, space = [str(photo) for photo in (*query.like, *query.unlike)], view.space
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
            version = extraction.info().version
            if version != space.version:
                raise _OtherVersion(space, self._installed(space.extractor, version))
            for place, result in zip(
                outside, extraction.extract([paths[p] for p in outside]), strict=True
            ):
                if result.vector is None:
                    raise ImageError(f"{paths[place]} cannot be searched with: {result.failure}")
                vectors[place], contents[place] = result.vector, result.content
        count = len(query.like)
        asked = filter(None, map(self._library.photo, paths[:count]))
        same = chain.from_iterable(map(self._library.photos_with_content, contents[:count]))
        rows = {photo.rows.get(space.id, len(view.photos)) for photo in chain(asked, same)}
        own = [row for row in rows if row < len(view.photos)]  # Newer ones are not in this view.
        return vectors[:count], vectors[count:], np.array(own, int)

    def _installed(self, extractor: str, version: str) -> Space:
        """Return the space of the version that is installed, where it has described photos."""
        for space in self._library.spaces():
            if (space.extractor, space.version) == (extractor, version) and self._count(space):
                return space
        raise LibraryError(
            f"no photo was described by version {version} of {extractor} yet, which is installed",
            "run `photofind index`",
        )

    def _allowed(self, query: Query, view: _View) -> Rows | None:
        """Return how many photos of each row the filters leave, (rows,); None for all."""
        limits = _filter(query)
        if limits.passes_all:
            return None
        counts = view.allowed.get(limits)
        if counts is None:
            counts = np.zeros(len(view.alive), np.int64)
            for photo in self._library.photos(query.folder):
                row = photo.rows.get(view.space.id, len(counts))
                if row < len(counts) and limits.passes(photo):
                    counts[row] += 1
            view.allowed.clear()
            view.allowed[limits] = counts
        return counts

    def _found(self, query: Query, view: _View, ranked: Ranked) -> Iterator[list[Found]]:
        """Yield the photos of ranked rows in groups that are shown as one, best first."""
        offline = [f.path for f in self._library.folders() if f.state == "offline"]
        assert query.limit is not None
        assert query.min_score is not None
        limits = _filter(query)
        asked = {str(photo) for photo in (*query.like, *query.unlike)}
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
                for photo in self._library.photos_of_row(view.space.id, int(ranked.rows[place]))
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
    return Filter(query.folder, query.since, query.until, query.tags)


def _duplicate_group(photos: list[Photo], *, exact: bool, similarity: float) -> DuplicateGroup:
    photos = sorted(
        photos, key=lambda photo: (-photo.width * photo.height, -photo.size, photo.path)
    )
    return DuplicateGroup(
        tuple(photo.path for photo in photos),
        exact,
        round(similarity, 4),
        tuple(photo.id for photo in photos),
    )
