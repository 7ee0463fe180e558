"""A store in memory: for tests, and as the plainest example of an engine.

Whatever is committed makes a new state out of the old one, so a commit is a single assignment:
readers see all of it or nothing. Searches compare with everything.
"""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from threading import RLock
from typing import Self

import numpy as np
import numpy.typing as npt

from photofind.errors import LibraryError
from photofind.library.store import (
    Array32,
    Counts,
    IndexInfo,
    Nearest,
    Neighbours,
    Over,
    Place,
    SpaceCounts,
)
from photofind.library.tags import TagIndex
from photofind.model import Check, TagCount
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import Folder, Photo, Space, Tags
from photofind.paths import is_below
from photofind.ranking.calibration import Background
from photofind.ranking.exact import best, nearest_exactly, neighbours_exactly
from photofind.ranking.projection import Projection, normalised
from photofind.ranking.smoothing import smooth_new

__all__ = ["Memory", "MemoryStore"]

_NO_EMBEDDINGS: Mapping[str, Array32] = {}
_BATCH = 256
_NEIGHBOURS = 10


@dataclass(frozen=True, eq=False)
class _Index:
    """A published index; ``projected`` and ``smoothed`` are its points, (n, d)."""

    info: IndexInfo
    contents: list[str]
    projected: Array32
    smoothed: Array32


@dataclass(eq=False)
class _State:
    """A whole library, which is not changed any more once it is committed."""

    version: int = 0
    next_id: int = 1
    photos: dict[int, Photo] = field(default_factory=dict)
    folders: dict[str, Folder] = field(default_factory=dict)
    spaces: dict[str, Space] = field(default_factory=dict)
    embeddings: dict[str, dict[str, Array32]] = field(default_factory=dict)
    indexes: dict[str, _Index] = field(default_factory=dict)

    def successor(self) -> _State:
        """Return a copy to be changed and committed."""
        return _State(
            self.version + 1,
            self.next_id,
            dict(self.photos),
            dict(self.folders),
            dict(self.spaces),
            {space: dict(vectors) for space, vectors in self.embeddings.items()},
            dict(self.indexes),
        )

    @cached_property
    def by_path(self) -> dict[str, Photo]:
        return {photo.path: photo for photo in self.photos.values()}

    @cached_property
    def by_content(self) -> dict[str, list[Photo]]:
        found: dict[str, list[Photo]] = {}
        for _, photo in sorted(self.photos.items()):
            if photo.content:
                found.setdefault(photo.content, []).append(photo)
        return found

    @cached_property
    def by_time(self) -> list[Photo]:
        """The newest first."""
        photos = self.photos.values()
        return sorted(photos, key=lambda photo: (photo.moment, photo.id), reverse=True)

    def space(self, space: str) -> Space:
        try:
            return self.spaces[space]
        except KeyError:
            raise LibraryError(f"the library has no embeddings of {space}") from None

    def contents(self, space: str, where: Filter = EVERYTHING) -> list[str]:
        """Return the contents with an embedding of which a photo passes, in a fixed order."""
        self.space(space)
        passing = {
            photo.content
            for photo in self.photos.values()
            if space in photo.spaces and where.passes(photo)
        }
        return [content for content in self.embeddings[space] if content in passing]

    def stacked(self, space: str, contents: Iterable[str]) -> Array32:
        """Return the embeddings of contents that have one, (n, d)."""
        vectors = [self.embeddings[space][content] for content in contents]
        return np.array(vectors, np.float32).reshape(len(vectors), self.space(space).dimension)

    def points(self, space: str) -> dict[str, Array32]:
        """Return the points of all contents, those too that came after the index was built."""
        if space not in self.indexes:
            raise LibraryError(f"the library has no index of {space}")
        index, alive = self.indexes[space], self.contents(space)
        points = dict(zip(index.contents, index.smoothed, strict=True))
        fresh = [content for content in alive if content not in points]

        def nearest(queries: Array32, count: int) -> tuple[Array32, Array32]:
            positions, similarities = nearest_exactly(index.smoothed, queries, count)
            return index.smoothed[positions], similarities

        if fresh:
            projected = index.info.projection.project(self.stacked(space, fresh))
            smoothed = smooth_new(projected, nearest, len(index.contents))
            points.update(zip(fresh, smoothed, strict=True))
        return {content: points[content] for content in alive}


class Memory:
    """What several openings of a :class:`MemoryStore` share, as others share a disk or a server."""

    def __init__(self) -> None:
        self.state = _State()
        self.writing = RLock()


class MemoryStore:
    """A library that lasts as long as its ``memory`` does."""

    def __init__(self, memory: Memory | None = None) -> None:
        self._memory = memory or Memory()
        self._state = self._memory.state

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Do nothing: there is nothing open."""

    @property
    def version(self) -> Hashable:
        """How many commits there were."""
        return self._state.version

    @property
    def problems(self) -> list[str]:
        """Nothing: memory is not damaged."""
        return []

    @property
    def bytes(self) -> int:
        """How large the embeddings are."""
        spaces = self._state.embeddings.values()
        return sum(vector.nbytes for vectors in spaces for vector in vectors.values())

    @property
    def processes(self) -> Mapping[str, int]:
        """Nothing: there are no child processes."""
        return {}

    def refresh(self) -> bool:
        """Take in what others have committed; return whether there was anything."""
        old, self._state = self._state, self._memory.state
        return self._state is not old

    def warm_up(self, space: str) -> None:
        """Do nothing: everything is open."""

    def release_memory(self) -> None:
        """Do nothing: the memory is the library."""

    @contextmanager
    def _changing(self) -> Iterator[tuple[_State, _State]]:
        """Give the state as it is and the one to be; commit that where nothing fails."""
        with self._memory.writing:
            old = self._memory.state
            new = old.successor()
            yield old, new
            self._memory.state = self._state = new

    # Photos.

    def commit(
        self,
        photos: Iterable[Photo],
        space: str = "",
        embeddings: Mapping[str, Array32] = _NO_EMBEDDINGS,
    ) -> list[Photo]:
        """Put photos into the library, with embeddings by content; see the protocol."""
        with self._changing() as (old, new):
            kept = _put(list(photos), old, new)
            contents = dict.fromkeys(p.content for p in kept if p.content and p.failure is None)
            for content in contents:
                if content in embeddings:
                    vector = _checked(embeddings[content], new.space(space))
                    new.embeddings[space].setdefault(content, vector)
            tags: dict[str, dict[str, Tags]] = defaultdict(dict)
            for photo in [*(p for c in contents for p in old.by_content.get(c, ())), *kept]:
                tags[photo.content].update(photo.tags)
            ids = {photo.id for photo in kept}
            for photo in list(new.photos.values()):
                if photo.content in contents or photo.id in ids:
                    new.photos[photo.id] = _completed(photo, new, tags[photo.content])
            return [new.photos[photo.id] for photo in kept]

    def remove(self, photos: Iterable[Photo]) -> None:
        """Remove photos; their embeddings stay until :meth:`reclaim`."""
        with self._changing() as (_, new):
            for photo in photos:
                new.photos.pop(photo.id, None)

    def by_id(self, ids: Iterable[int]) -> dict[int, Photo]:
        """Return the photos with these ids."""
        photos = self._state.photos
        return {one: photos[one] for one in ids if one in photos}

    def by_path(self, paths: Iterable[str]) -> dict[str, Photo]:
        """Return the photos at these paths."""
        photos = self._state.by_path
        return {path: photos[path] for path in paths if path in photos}

    def by_content(self, contents: Iterable[str]) -> dict[str, list[Photo]]:
        """Return the photos with these contents, oldest first."""
        photos = self._state.by_content
        return {content: list(photos[content]) for content in contents if content in photos}

    def select(
        self,
        where: Filter = EVERYTHING,
        *,
        newest_first: bool = False,
        offset: int = 0,
        limit: int | None = None,
    ) -> Iterator[Photo]:
        """Iterate over the photos that a filter lets pass."""
        state = self._state
        photos = state.by_time if newest_first else state.photos.values()
        return islice(
            filter(where.passes, photos), offset, None if limit is None else offset + limit
        )

    def count(self, where: Filter = EVERYTHING) -> int:
        """Return how many photos a filter lets pass."""
        return sum(map(where.passes, self._state.photos.values()))

    def counts(self) -> Counts:
        """Return how many photos there are."""
        return Counts(
            len(self._state.photos),
            self.count(Filter(failed=True)),
            self.count(Filter(preliminary=True)),
        )

    def places(self) -> list[Place]:
        """Return where and when the photos were taken that did not fail."""
        places = Counter(
            (os.path.dirname(photo.path), photo.moment[:7])  # noqa: PTH120
            for photo in self.select(Filter(failed=False))
        )
        return [Place(folder, month, photos) for (folder, month), photos in places.items()]

    def tags(self) -> list[TagCount]:
        """Return the tags and keywords of photos that did not fail."""
        index = TagIndex()
        for photo in self.select(Filter(failed=False)):
            index.add(photo)
        return index.counts()

    def clear_refusals(self, *, space: str | None = None, folder: str | None = None) -> None:
        """Have photos tried again that an extractor refused."""
        with self._changing() as (_, new):
            for photo in list(new.photos.values()):
                if folder is None or is_below(photo.path, folder):
                    new.photos[photo.id] = photo.without_refusal(space)

    # Folders.

    def folders(self) -> list[Folder]:
        """Return the folders, oldest first."""
        return list(self._state.folders.values())

    def put_folder(self, folder: Folder) -> Folder:
        """Add a folder, or replace the one with its path."""
        with self._changing() as (old, new):
            known = old.folders.get(folder.path)
            stored = replace(folder, id=known.id if known else new.next_id)
            new.next_id += known is None
            new.folders[folder.path] = stored
            return stored

    def remove_folder(self, path: str) -> None:
        """Remove the folder at ``path``."""
        with self._changing() as (_, new):
            new.folders.pop(path, None)

    # Spaces and embeddings.

    def spaces(self) -> list[Space]:
        """Return the spaces, oldest first."""
        return list(self._state.spaces.values())

    def space_counts(self, space: str) -> SpaceCounts:
        """Return how far a space is."""
        return SpaceCounts(
            embedded=self.count(Filter(embedded=space)),
            lacking=self.count(Filter(lacking=space)),
            refused=sum(space in photo.refusals for photo in self._state.photos.values()),
            contents=len(self._state.contents(space)),
        )

    def open_space(self, extractor: str, version: str, dimension: int, build: str = "") -> Space:
        """Return the space of an extractor, made where there is none."""
        with self._changing() as (old, new):
            space = Space(extractor, version, dimension, build)
            known = old.spaces.get(space.id)
            if known is None:
                new.embeddings[space.id] = {}
            elif known.dimension != dimension:
                raise LibraryError(
                    f"{space.id} makes embeddings of {dimension} numbers, "
                    f"but made {known.dimension} before"
                )
            elif known.build != build:
                for photo in old.photos.values():
                    new.photos[photo.id] = photo.without_refusal(space.id)
            new.spaces[space.id] = space
            return space

    def remove_space(self, space: str) -> None:
        """Remove a space with its embeddings and its index."""
        with self._changing() as (old, new):
            old.space(space)
            del new.spaces[space], new.embeddings[space]
            new.indexes.pop(space, None)
            for photo in old.photos.values():
                new.photos[photo.id] = photo.without_space(space).without_refusal(space)

    def embeddings(
        self, space: str, contents: Sequence[str]
    ) -> tuple[npt.NDArray[np.bool_], Array32]:
        """Return which contents have an embedding, and the embeddings."""
        return _looked_up(
            self._state.embeddings.get(space, {}), contents, self._state.space(space).dimension
        )

    def scan(self, space: str) -> Iterator[tuple[Sequence[str], Array32]]:
        """Yield all contents that photos refer to with their embeddings, in batches."""
        state = self._state
        contents = state.contents(space)
        for start in range(0, len(contents), _BATCH):
            batch = contents[start : start + _BATCH]
            yield batch, state.stacked(space, batch)

    def sample(self, space: str, count: int, *, seed: int = 0) -> tuple[Sequence[str], Array32]:
        """Return some contents with their embeddings, drawn at random."""
        contents = self._state.contents(space)
        if len(contents) > count:
            drawn = np.random.default_rng(seed).choice(len(contents), count, replace=False)
            contents = [contents[place] for place in np.sort(drawn)]
        return contents, self._state.stacked(space, contents)

    def nearest(
        self,
        space: str,
        queries: Array32,
        count: int,
        *,
        over: Over = "points",
        where: Filter = EVERYTHING,
        exclude: Collection[str] = (),
        vectors: bool = True,
    ) -> Nearest:
        """Find the nearest contents of queries; see the protocol."""
        state = self._state
        contents = [one for one in state.contents(space, where) if one not in set(exclude)]
        if over == "points":
            compared = _looked_up(state.points(space), contents, queries.shape[1])[1]
        else:
            compared = normalised(state.stacked(space, contents))
        places, cosines = best(queries @ compared.T, count)
        found = places.shape[1]
        names = np.full((len(queries), count), "", object)
        names[:, :found] = np.array(contents, object)[places]
        similarities = np.full((len(queries), count), -np.inf, np.float32)
        similarities[:, :found] = cosines
        width = queries.shape[1] if vectors else 0
        given = np.zeros((len(queries), count, width), np.float32)
        given[:, :found] = compared[places][..., :width]
        searched_by = "exact" if over == "points" else "plain"
        return Nearest(names, similarities, given, searched_by)

    def points(self, space: str, contents: Sequence[str]) -> tuple[npt.NDArray[np.bool_], Array32]:
        """Return which contents have a point, and the points."""
        points = self._state.points(space)
        width = self._state.indexes[space].smoothed.shape[1]
        return _looked_up(points, contents, width)

    def neighbours(self, space: str) -> Iterator[tuple[Sequence[str], Sequence[Sequence[str]]]]:
        """Yield the contents of the index, each with the others that are nearest to it."""
        state = self._state
        if index := state.indexes.get(space):
            alive = set(state.contents(space))
            places = [place for place, one in enumerate(index.contents) if one in alive]
            nearest, _ = neighbours_exactly(
                index.projected[places], min(_NEIGHBOURS, len(places) - 1)
            )
            contents = np.array(index.contents, object)[places]
            yield contents.tolist(), contents[nearest].tolist()

    # The index of a space.

    def index(self, space: str) -> IndexInfo | None:
        """Return the index that answers for a space."""
        index = self._state.indexes.get(space)
        if index is None:
            return None
        alive, built_on = set(self._state.contents(space)), set(index.contents)
        return replace(index.info, fresh=len(alive - built_on), gone=len(built_on - alive))

    @contextmanager
    def new_index(self, space: str, *, graph: bool) -> Iterator[MemoryIndexWriter]:
        """Return what builds a new index of a space; it has no graph even where one is wanted."""
        self._state.space(space)
        yield MemoryIndexWriter(self, space)

    def is_building(self) -> bool:
        """Return False: there are no graphs in memory."""
        return False

    def extend_index(self, space: str) -> list[str]:
        """Do nothing: what came since has its points whenever it is asked for."""
        self._state.space(space)
        return []

    def remove_index(self, space: str) -> None:
        """Remove the index of a space."""
        with self._changing() as (_, new):
            new.indexes.pop(space, None)

    def put_index(self, space: str, index: _Index) -> None:
        """Make this the index of a space."""
        with self._changing() as (_, new):
            new.space(space)
            new.indexes[space] = index

    # Upkeep.

    def verify(self) -> int:
        """Return 0: memory is not damaged."""
        return 0

    def reclaim(self) -> bool:
        """Forget the embeddings of contents that no photo refers to."""
        with self._changing() as (old, new):
            for space, vectors in old.embeddings.items():
                alive = old.contents(space)
                new.embeddings[space] = {content: vectors[content] for content in alive}
            return any(len(new.embeddings[one]) < len(old.embeddings[one]) for one in old.spaces)

    def check(self, *, repair: bool = False) -> Iterator[Check]:
        """Say how many photos there are; memory is not damaged."""
        yield Check("library", "ok", f"{len(self._state.photos)} photos")


class MemoryIndexWriter:
    """A new index of a space of a :class:`MemoryStore`, while it is built."""

    def __init__(self, store: MemoryStore, space: str) -> None:
        self._store = store
        self._space = space
        self._projected: dict[str, Array32] = {}
        self._smoothed: dict[str, Array32] = {}

    def put(self, contents: Sequence[str], points: Array32) -> None:
        """Add projected points."""
        self._projected.update(zip(contents, points, strict=True))
        self._smoothed.update(zip(contents, points, strict=True))

    def neighbours(self, count: int) -> Iterator[Neighbours]:
        """Yield all points in batches, each with its nearest others, before smoothing."""
        contents, points = list(self._projected), np.stack([*self._projected.values()])
        nearest, similarities = neighbours_exactly(points, min(count, len(points) - 1))
        for start in range(0, len(points), _BATCH):
            part = slice(start, start + _BATCH)
            yield Neighbours(
                contents[part], points[part], points[nearest[part]], similarities[part]
            )

    def replace(self, contents: Sequence[str], points: Array32) -> None:
        """Replace points by smoothed ones."""
        self._smoothed.update(zip(contents, points, strict=True))

    def finish(self) -> None:
        """Do nothing: there are no graphs in memory."""

    def nearest(
        self, queries: Array32, count: int, *, exclude: Sequence[str] = ()
    ) -> tuple[Array32, Array32]:
        """Return the nearest smoothed points of queries and their cosines."""
        points = np.stack([*self._smoothed.values()])
        places = {content: place for place, content in enumerate(self._smoothed)}
        excluded = np.array([places[content] for content in exclude], np.int64)
        positions, similarities = nearest_exactly(
            points, queries, count, exclude=excluded if len(excluded) else None
        )
        return points[positions], similarities

    def points(self, contents: Sequence[str]) -> Array32:
        """Return the smoothed points of some contents."""
        return np.stack([self._smoothed[content] for content in contents])

    def publish(self, projection: Projection, ranked: Background, plain: Background) -> IndexInfo:
        """Make this the index of the space."""
        contents = list(self._projected)
        info = IndexInfo(
            projection,
            ranked,
            plain,
            photos=len(contents),
            fresh=0,
            gone=0,
            graph=False,
            ready=False,
            recall=None,
            built=time.time(),
        )
        index = _Index(
            info,
            contents,
            np.stack([self._projected[content] for content in contents]),
            np.stack([self._smoothed[content] for content in contents]),
        )
        self._store.put_index(self._space, index)
        return info


def _put(photos: list[Photo], old: _State, new: _State) -> list[Photo]:
    """Put photos at their paths, the last of two at one, and return them with their ids."""
    named = {photo.id for photo in photos}
    kept = []
    for path, photo in {photo.path: photo for photo in photos}.items():
        there = old.by_path.get(path)
        if not 0 < photo.id < old.next_id:  # One that was removed comes back under its id.
            # What is there may itself be moved elsewhere by this batch.
            reused = there is not None and there.id not in named
            photo = replace(photo, id=there.id if there and reused else new.next_id)
            new.next_id += not reused
        kept.append(photo)
        if there is not None:
            new.photos.pop(there.id, None)
    for identifier in named:
        new.photos.pop(identifier, None)
    new.photos.update({photo.id: photo for photo in kept})
    return kept


def _completed(photo: Photo, state: _State, tags: Mapping[str, Tags]) -> Photo:
    """Return a photo with the spaces of its content, and the tags that go with them."""
    if photo.failure is not None:
        return replace(photo, spaces=(), tags={})
    spaces = tuple(one for one, known in state.embeddings.items() if photo.content in known)
    return replace(
        photo,
        spaces=spaces,
        tags={space: tags[space] for space in spaces if tags.get(space)},
        refusals={space: why for space, why in photo.refusals.items() if space not in spaces},
    )


def _checked(vector: Array32, space: Space) -> Array32:
    """Return an embedding as it is kept, in float16's precision."""
    with np.errstate(over="ignore"):
        rounded = np.asarray(vector, np.float16).astype(np.float32)
    if rounded.shape != (space.dimension,):
        raise LibraryError(f"an embedding of shape {rounded.shape} does not fit {space.id}")
    if not np.isfinite(rounded).all():
        raise LibraryError("an embedding holds a value that is no number or beyond float16's 65504")
    return rounded


def _looked_up(
    known: Mapping[str, Array32], contents: Sequence[str], width: int
) -> tuple[npt.NDArray[np.bool_], Array32]:
    """Return which contents are known, and their vectors, (n, width); zeros for the others."""
    has = np.array([content in known for content in contents], np.bool_)
    vectors = np.zeros((len(contents), width), np.float32)
    for place, content in enumerate(contents):
        if has[place]:
            vectors[place] = known[content]
    return has, vectors
