"""The photos of a query become embeddings: the library's own, or made by the extractor."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from photofind.errors import ExtractorError, ImageError, NotAnsweringError, PhotofindError
from photofind.library.made_by import own_version_of, space_made_by
from photofind.library.store import Store
from photofind.model.records import Photo, Space
from photofind.ranking.projection import Vectors32, normalised
from photofind.system.reach import Reach

if TYPE_CHECKING:
    from typing import Self

    from photofind.extractors.extracted import Extracted
    from photofind.extractors.extraction import Extraction

__all__ = ["CannotEmbed", "Embedded", "embed_query", "embedder_for", "require_version"]


class CannotEmbed(Exception):
    """A photo cannot be embedded for a space.

    Parameters
    ----------
    space
        The space.
    reason
        The extractor does not work, or a line that says that another one is installed.
    instead
        The space of the version that is installed, where there is one.
    """

    def __init__(self, space: Space, reason: ExtractorError, instead: Space | None = None) -> None:
        super().__init__(space.id, str(reason))
        self.space = space
        self.reason = reason
        self.instead = instead


def require_version(space: Space, extraction: Extraction) -> None:
    """Raise if another version of an extractor is installed than made the embeddings of a space.

    Raises
    ------
    CannotEmbed
        It is.
    ExtractorError
        The extractor does not work.
    """
    version = extraction.info().version
    if version != own_version_of(space):
        reason = f"version {version} of {space.extractor} is installed by now"
        raise CannotEmbed(space, ExtractorError(reason, "run `photofind index`"))


@dataclass(frozen=True, eq=False)
class Embedded:
    """The photos of a query in one space.

    Parameters
    ----------
    like, unlike
        Their embeddings at unit length, float32 (p, D) and (q, D).
    own
        The contents of the ``like`` photos, as they are now and as the library knows them; none
        where a part of a photo is compared.
    turned
        The one ``like`` photo turned and mirrored, (t, D).
    path
        The first ``like`` photo.
    contents
        The contents of the ``like`` photos as they are now.
    files
        Inode and size of the photos of the query that were looked at, by their paths; None where
        there is no file to be had.
    outside
        Whether the extractor embedded a ``like`` photo, of which the library had no embedding.
    """

    like: Vectors32
    unlike: Vectors32
    own: frozenset[str]
    turned: Vectors32 = field(default_factory=lambda: np.empty((0, 0), np.float32))
    outside: bool = False
    path: str = ""
    contents: tuple[str, ...] = ()
    files: Mapping[str, tuple[int, int] | None] = field(default_factory=dict)

    @classmethod
    def nothing(cls) -> Self:
        """Return the photos of a query that has none."""
        none = np.empty((0, 0), np.float32)
        return cls(none, none, frozenset())

    @property
    def content(self) -> str:
        """The content of the first ``like`` photo."""
        return self.contents[0] if self.contents else ""

    @property
    def ways(self) -> list[Embedded]:
        """The query with its photo laid each way, as it is first."""
        return [self, *(replace(self, like=one[np.newaxis]) for one in self.turned)]


def embed_query(
    store: Store,
    space: Space,
    like: Sequence[int | str],
    unlike: Sequence[int | str],
    extraction: Callable[[str], Extraction],
    reach: Reach,
    *,
    retired: Callable[[str], Sequence[Extraction]] = lambda extractor: (),
    box: Sequence[float] | None = None,
    turned: bool = False,
) -> Embedded:
    """Return the embeddings of the photos of a query.

    Parameters
    ----------
    like, unlike
        Absolute paths, inside or outside of the library, and ids of photos in it.
    extraction
        Gives what embeds photos, by the extractor's name; asked where the library has no embedding
        of a photo as it is now.
    reach
        Looks at the photos.
    retired
        Gives what embeds photos as an extractor did before another version was installed.
    box
        The part of the one ``like`` photo that is compared.
    turned
        Whether the one ``like`` photo is embedded turned and mirrored too.

    Raises
    ------
    ImageError
        A photo cannot be read.
    NotAnsweringError
        The folder of a photo does not answer, and the library has no embedding of it.
    CannotEmbed
        A photo has to be embedded, and the extractor does not work, or its version is another than
        the space's.
    """
    asked = [*like, *unlike]
    by_path = store.by_path(one for one in asked if isinstance(one, str))
    by_id = store.by_id(one for one in asked if isinstance(one, int))
    known = [by_id.get(one) if isinstance(one, int) else by_path.get(one) for one in asked]
    paths = [photo.path if photo else str(one) for one, photo in zip(asked, known, strict=True)]
    # The embedding of a thumbnail is good enough to be found by, not to search with.
    files: dict[str, tuple[int, int] | None] = {}
    contents = [
        photo.content
        if photo
        and space.id in photo.spaces
        and not photo.preliminary
        and _is_unchanged(photo, reach, files)
        else ""
        for photo in known
    ]
    by_views = turned or box is not None
    found, vectors = store.embeddings(space.id, ["", *contents[1:]] if by_views else contents)
    others = np.empty((0, space.dimension), np.float32)
    outside = np.flatnonzero(~found).tolist()
    if outside:
        if away := [paths[place] for place in outside if isinstance(asked[place], int)]:
            raise ImageError(f"{away[0]} cannot be searched with: its drive is not connected")
        try:
            embedder, made_by = embedder_for(store, space, extraction, retired)
            if by_views:
                place = outside.pop(0)
                result = embedder.extract_views(paths[place], box=box, turned=turned)
                vector, *rows = _vector(result, space, made_by)
                vectors[place], contents[place] = vector, result.content
                others = np.array(rows, np.float32).reshape(-1, space.dimension)
            results = embedder.extract([paths[place] for place in outside]) if outside else []
        except ExtractorError as error:
            raise CannotEmbed(space, error) from error
        for place, result in zip(outside, results, strict=True):
            vectors[place], contents[place] = _vector(result, space, made_by), result.content
    vectors = normalised(vectors)
    own = {photo.content for photo in known[: len(like)] if photo}
    own = own.union(contents[: len(like)]) - {""}
    return Embedded(
        vectors[: len(like)],
        vectors[len(like) :],
        frozenset(own if box is None else ()),
        normalised(others),
        not found[: len(like)].all(),
        paths[0],
        tuple(contents[: len(like)]),
        files,
    )


def embedder_for(
    store: Store,
    space: Space,
    extraction: Callable[[str], Extraction],
    retired: Callable[[str], Sequence[Extraction]],
) -> tuple[Extraction, str]:
    """Return what embeds photos for a space, and the identity of the extractor.

    While another version is installed, that is a worker that has loaded the old one before.

    Raises
    ------
    CannotEmbed
        There is none: another version is installed.
    ExtractorError
        The extractor does not work.
    """
    for embedder in retired(space.extractor):
        with suppress(PhotofindError):
            info = embedder.info()
            if (info.version, info.build) == (own_version_of(space), space.build):
                return embedder, info.identity
    embedder = extraction(space.extractor)
    info = embedder.info()
    made = space_made_by(store, info, space.id)
    if made is None or made.id != space.id:
        reason = f"version {info.version} of {space.extractor} is installed by now"
        if made is None or not store.space_counts(made.id).embedded:
            reason += ", and has embedded no photo yet"
        raise CannotEmbed(space, ExtractorError(reason, "run `photofind index`"), made)
    return embedder, info.identity


def _vector(result: Extracted, space: Space, made_by: str) -> Vectors32:
    if result.made_by not in (None, made_by):  # It was installed at this very moment.
        raise CannotEmbed(space, ExtractorError(f"{space.extractor} was installed anew"))
    if result.vector is None:
        raise ImageError(f"{result.path} cannot be used as a query: {result.failure}")
    return result.vector


def _is_unchanged(photo: Photo, reach: Reach, files: dict[str, tuple[int, int] | None]) -> bool:
    """Return whether a photo is as it was read, or out of reach and known only from then.

    What is seen of its file is added to ``files``.
    """
    if photo.away is not None:
        return True
    try:
        status = reach.call(photo.path, os.stat, photo.path)
    except (OSError, NotAnsweringError):
        files[photo.path] = None
        return True
    files[photo.path] = status.st_ino, status.st_size
    return (status.st_size, status.st_mtime_ns) == (photo.size, photo.modified)
