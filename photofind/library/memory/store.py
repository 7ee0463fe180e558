"""The store in memory: the calls of the protocol, each on one whole state."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from threading import RLock
from typing import Self

import numpy as np
import numpy.typing as npt

from photofind.errors import LibraryError
from photofind.library.memory.index_writer import MemoryIndexWriter
from photofind.library.memory.state import Index, State, completed, place, rounded
from photofind.library.store import (
    Array32,
    Counts,
    IndexInfo,
    Nearest,
    Over,
    Place,
    SpaceCounts,
)
from photofind.library.tags import TagIndex
from photofind.model import Check, TagCount
from photofind.model.counted import counted
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.judgements import Judgement, TagJudgement, latest
from photofind.model.records import Folder, Pair, Photo, Space, Tags
from photofind.paths import is_below
from photofind.ranking.exact import best, neighbours_exactly
from photofind.ranking.projection import normalised

__all__ = ["Memory", "MemoryStore"]

_NO_EMBEDDINGS: Mapping[str, Array32] = {}
_BATCH = 256
_NEIGHBOURS = 10


class Memory:
    """What several openings of a :class:`MemoryStore` share, as others share a disk or a server."""

    def __init__(self) -> None:
        self.state = State()
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
    def _changing(self) -> Iterator[tuple[State, State]]:
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
            kept = place(list(photos), old, new)
            there = (p for content in embeddings for p in old.by_content.get(content, ()))
            named = [p.content for p in (*kept, *there) if p.content and p.failure is None]
            contents = dict.fromkeys(named)
            for content in contents:
                if content in embeddings:
                    vector = rounded(embeddings[content], new.space(space))
                    new.embeddings[space].setdefault(content, vector)
            tags: dict[str, dict[str, Tags]] = defaultdict(dict)
            for photo in [*(p for c in contents for p in old.by_content.get(c, ())), *kept]:
                tags[photo.content].update(photo.tags)
            ids = {photo.id for photo in kept}
            for photo in list(new.photos.values()):
                if photo.content in contents or photo.id in ids:
                    new.photos[photo.id] = completed(photo, new, tags[photo.content])
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

    def fingerprints(self, contents: Iterable[str]) -> dict[str, str]:
        """Return the fingerprints of contents; those of which none is known are left out."""
        photos = chain.from_iterable(self.by_content(contents).values())
        return {photo.content: photo.fingerprint for photo in photos if photo.fingerprint}

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
            self.count(Filter(unmarked=True)),
            self.count(Filter(failed=False, noted=True)),
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

    # Contents that a person told apart.

    def told_apart(self) -> frozenset[Pair]:
        """Return the pairs of contents that do not show the same."""
        return self._state.told_apart

    def tell_apart(self, pairs: Iterable[Pair]) -> None:
        """Remember pairs of contents."""
        with self._changing() as (old, new):
            new.told_apart = old.told_apart.union(pairs)

    def forget_apart(self, pairs: Iterable[Pair]) -> None:
        """Forget pairs of contents, where they are known."""
        with self._changing() as (old, new):
            new.told_apart = old.told_apart.difference(pairs)

    # What a person said of hits.

    def judgements(self) -> list[Judgement]:
        """Return what was said of photos that queries found."""
        return list(self._state.judgements.values())

    def judge(self, judgements: Iterable[Judgement]) -> None:
        """Remember judgements."""
        with self._changing() as (_, new):
            new.judgements.update(latest(judgements))

    def forget_judgements(self, judgements: Iterable[Judgement]) -> None:
        """Forget the judgements of the same photos for the same queries."""
        with self._changing() as (_, new):
            for judgement in judgements:
                new.judgements.pop(judgement.key, None)

    # What a person said of tags.

    def tag_judgements(self) -> list[TagJudgement]:
        """Return what was said of the tags of photos."""
        return list(self._state.tag_judgements.values())

    def judge_tags(self, judgements: Iterable[TagJudgement]) -> None:
        """Remember what is said of tags."""
        with self._changing() as (_, new):
            known = {judgement.key: judgement for judgement in judgements}
            new.tag_judgements.update(known)
            new.take_in({content for content, _ in known})

    def forget_tag_judgements(self, judgements: Iterable[TagJudgement]) -> None:
        """Forget what was said of the same tags of the same photos."""
        with self._changing() as (_, new):
            gone = {judgement.key for judgement in judgements}
            for key in gone:
                new.tag_judgements.pop(key, None)
            new.take_in({content for content, _ in gone})

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
        return self._state.embedded(space).look_up(contents)

    def shared_contents(self, space: str) -> list[str]:
        """Return the contents with an embedding that several photos have."""
        photos = Counter(photo.content for photo in self.select(Filter(embedded=space)))
        return [content for content, count in photos.items() if count > 1]

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
        without = set(exclude)
        if over == "pictures" and space in state.indexes:
            without |= state.indexes[space].repeats
        contents = [one for one in state.contents(space, where) if one not in without]
        if over != "embeddings":
            compared = state.points(space).look_up(contents)[1]
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
        searched_by = "plain" if over == "embeddings" else "exact"
        return Nearest(names, similarities, given, searched_by)

    def points(self, space: str, contents: Sequence[str]) -> tuple[npt.NDArray[np.bool_], Array32]:
        """Return which contents have a point, and the points."""
        return self._state.points(space).look_up(contents)

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

    def indexed(self, space: str) -> Iterator[tuple[Sequence[str], npt.NDArray[np.bool_]]]:
        """Yield the contents that the index was built on, and which of them repeat others."""
        state = self._state
        if index := state.indexes.get(space):
            alive = set(state.contents(space))
            contents = [one for one in index.contents if one in alive]
            yield contents, np.array([one in index.repeats for one in contents], np.bool_)

    # The index of a space.

    def index(self, space: str) -> IndexInfo | None:
        """Return the index that answers for a space."""
        return self._state.info(space)

    @contextmanager
    def new_index(self, space: str, *, graph: bool) -> Iterator[MemoryIndexWriter]:
        """Return what builds a new index of a space; it has no graph even where one is wanted."""
        self._state.space(space)

        def publish(index: Index) -> None:
            with self._changing() as (_, new):
                new.space(space)
                new.indexes[space] = index

        yield MemoryIndexWriter(publish)

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

    # Upkeep.

    def verify(self, *, changed_only: bool = False) -> int:
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
        yield Check("library", "ok", counted(len(self._state.photos), "photo"))
