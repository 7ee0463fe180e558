"""The state of a library in memory after one commit, and what a commit does to photos."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from photofind.errors import LibraryError
from photofind.library.store import Array32, IndexInfo
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.judgements import Asked, Judgement, TagJudgement
from photofind.model.records import Folder, Pair, Photo, Space, Tags
from photofind.ranking.exact import nearest_exactly
from photofind.ranking.smoothing import smooth_new

__all__ = ["Index", "State", "Table", "completed", "place", "rounded", "said_of"]


@dataclass(frozen=True, eq=False)
class Table:
    """Vectors of contents, float32 (n, width): those of a content are in the row of its place."""

    places: Mapping[str, int]
    rows: Array32

    @classmethod
    def of(cls, contents: Iterable[str], rows: Array32) -> Self:
        """Return the rows of contents."""
        return cls({content: place for place, content in enumerate(contents)}, rows)

    def look_up(self, contents: Sequence[str]) -> tuple[npt.NDArray[np.bool_], Array32]:
        """Return which contents are known, and their vectors, (n, width); zeros for the others."""
        places = np.array([self.places.get(content, -1) for content in contents], np.intp)
        has = places >= 0
        vectors = np.zeros((len(contents), self.rows.shape[1]), np.float32)
        vectors[has] = self.rows[places[has]]
        return has, vectors


@dataclass(frozen=True, eq=False)
class Index:
    """A published index; ``projected`` and ``smoothed`` are its points, (n, d).

    ``repeats`` are contents that are nearly the same as another one.
    """

    info: IndexInfo
    contents: list[str]
    projected: Array32
    smoothed: Array32
    repeats: frozenset[str]


@dataclass(eq=False)
class State:
    """A whole library, which is not changed any more once it is committed."""

    version: int = 0
    next_id: int = 1
    photos: dict[int, Photo] = field(default_factory=dict)
    folders: dict[str, Folder] = field(default_factory=dict)
    spaces: dict[str, Space] = field(default_factory=dict)
    embeddings: dict[str, dict[str, Array32]] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    told_apart: frozenset[Pair] = frozenset()
    judgements: dict[tuple[Asked, str], Judgement] = field(default_factory=dict)
    tag_judgements: dict[tuple[str, str], TagJudgement] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # What was found out once it was committed, by space; many queries ask for the same.
        self._alive: dict[str, list[str]] = {}
        self._embedded: dict[str, Table] = {}
        self._points: dict[str, Table] = {}
        self._infos: dict[str, IndexInfo] = {}

    def successor(self) -> State:
        """Return a copy to be changed and committed."""
        return State(
            self.version + 1,
            self.next_id,
            dict(self.photos),
            dict(self.folders),
            dict(self.spaces),
            {space: dict(vectors) for space, vectors in self.embeddings.items()},
            dict(self.indexes),
            self.told_apart,
            dict(self.judgements),
            dict(self.tag_judgements),
        )

    def take_in(self, contents: Collection[str]) -> None:
        """Give the photos of contents what was said of their tags, before this is committed."""
        said = {one: said_of(one, self.tag_judgements.values()) for one in contents}
        for photo in list(self.photos.values()):
            if photo.content in said:
                self.photos[photo.id] = replace(photo, said=said[photo.content])

    @cached_property
    def by_path(self) -> dict[str, Photo]:
        """The photos by their paths, without those that are away."""
        return {photo.path: photo for photo in self.photos.values() if photo.away is None}

    @cached_property
    def by_content(self) -> dict[str, list[Photo]]:
        """The photos of each content, oldest first."""
        found: dict[str, list[Photo]] = {}
        for _, photo in sorted(self.photos.items()):
            if photo.content:
                found.setdefault(photo.content, []).append(photo)
        return found

    @cached_property
    def by_time(self) -> list[Photo]:
        """All photos, the newest first."""
        photos = self.photos.values()
        return sorted(photos, key=lambda photo: (photo.moment, photo.id), reverse=True)

    def space(self, space: str) -> Space:
        """Return a space by its id.

        Raises
        ------
        LibraryError
            There is none.
        """
        try:
            return self.spaces[space]
        except KeyError:
            raise LibraryError(f"the library has no embeddings of {space}") from None

    def contents(self, space: str, where: Filter = EVERYTHING) -> list[str]:
        """Return the contents with an embedding of which a photo passes, in a fixed order."""
        self.space(space)
        every = where == EVERYTHING  # Then no photo needs to be looked at closer.
        if every and space in self._alive:
            return self._alive[space]
        passing = {
            photo.content
            for photo in self.photos.values()
            if space in photo.spaces and (every or where.passes(photo))
        }
        found = [content for content in self.embeddings[space] if content in passing]
        if every:
            self._alive[space] = found
        return found

    def stacked(self, space: str, contents: Iterable[str]) -> Array32:
        """Return the embeddings of contents that have one, (n, d)."""
        vectors = [self.embeddings[space][content] for content in contents]
        return np.array(vectors, np.float32).reshape(len(vectors), self.space(space).dimension)

    def embedded(self, space: str) -> Table:
        """Return the embeddings of all contents, those too that no photo has any more."""
        if space not in self._embedded:
            contents = self.embeddings.get(space, {})
            self._embedded[space] = Table.of(contents, self.stacked(space, contents))
        return self._embedded[space]

    def info(self, space: str) -> IndexInfo | None:
        """Return what is known of the index of a space; None where there is none."""
        if space not in self.indexes:
            return None
        if space not in self._infos:
            index = self.indexes[space]
            alive, built_on = set(self.contents(space)), set(index.contents)
            self._infos[space] = replace(
                index.info, fresh=len(alive - built_on), gone=len(built_on - alive)
            )
        return self._infos[space]

    def points(self, space: str) -> Table:
        """Return the points of all contents, those too that came after the index was built."""
        if space not in self.indexes:
            raise LibraryError(f"the library has no index of {space}")
        if space not in self._points:
            self._points[space] = self._placed(space)
        return self._points[space]

    def _placed(self, space: str) -> Table:
        index, alive = self.indexes[space], self.contents(space)
        points = dict(zip(index.contents, index.smoothed, strict=True))
        fresh = [content for content in alive if content not in points]

        pictures = index.smoothed[[content not in index.repeats for content in index.contents]]

        def nearest(queries: Array32, count: int) -> tuple[Array32, Array32]:
            positions, similarities = nearest_exactly(pictures, queries, count)
            return pictures[positions], similarities

        if fresh:
            projected = index.info.projection.project(self.stacked(space, fresh))
            smoothed = smooth_new(projected, nearest, len(pictures))
            points.update(zip(fresh, smoothed, strict=True))
        rows = np.array([points[content] for content in alive], np.float32)
        return Table.of(alive, rows.reshape(len(alive), index.smoothed.shape[1]))


def place(photos: list[Photo], old: State, new: State) -> list[Photo]:
    """Put photos at their paths, the last of two at one, and return them with their ids."""
    named = {photo.id for photo in photos}
    kept = []
    for (path, away), photo in {(photo.path, photo.away): photo for photo in photos}.items():
        there = old.by_path.get(path) if away is None else None
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


def completed(photo: Photo, state: State, tags: Mapping[str, Tags]) -> Photo:
    """Return a photo with the spaces of its content, the tags that go with them, what was said."""
    photo = replace(photo, said=said_of(photo.content, state.tag_judgements.values()))
    if photo.failure is not None:
        return replace(photo, spaces=(), tags={})
    spaces = tuple(one for one, known in state.embeddings.items() if photo.content in known)
    return replace(
        photo,
        spaces=spaces,
        tags={space: tags[space] for space in spaces if tags.get(space)},
        refusals={space: why for space, why in photo.refusals.items() if space not in spaces},
    )


def said_of(content: str, judgements: Iterable[TagJudgement]) -> dict[str, bool]:
    """Return what was said of the tags of a content."""
    return {one.name: one.is_right for one in judgements if one.content == content}


def rounded(vector: Array32, space: Space) -> Array32:
    """Return an embedding as it is kept, in float16's precision."""
    with np.errstate(over="ignore"):
        rounded = np.asarray(vector, np.float16).astype(np.float32)
    if rounded.shape != (space.dimension,):
        raise LibraryError(f"an embedding of shape {rounded.shape} does not fit {space.id}")
    if not np.isfinite(rounded).all():
        raise LibraryError("an embedding holds a value that is no number or beyond float16's 65504")
    return rounded
