"""The photos of a query become embeddings: the library's own, or made by the extractor."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from photofind.errors import ImageError, NotAnsweringError
from photofind.library.store import Store
from photofind.model.records import Photo, Space
from photofind.ranking.projection import Vectors32, normalised
from photofind.system.reach import Reach

if TYPE_CHECKING:
    from typing import Self

    from photofind.extractors.extraction import Extracted, Extraction

__all__ = ["Embedded", "OtherVersion", "embed_query"]


class OtherVersion(Exception):
    """A photo cannot be compared in a space: another version of its extractor is installed."""

    def __init__(self, space: Space, installed: str) -> None:
        super().__init__(space.id, installed)
        self.space = space
        self.installed = installed


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
    path, content
        The first ``like`` photo.
    outside
        Whether the extractor embedded a ``like`` photo, of which the library had no embedding.
    """

    like: Vectors32
    unlike: Vectors32
    own: frozenset[str]
    turned: Vectors32 = field(default_factory=lambda: np.empty((0, 0), np.float32))
    outside: bool = False
    path: str = ""
    content: str = ""

    @classmethod
    def nothing(cls) -> Self:
        """Return the photos of a query that has none."""
        none = np.empty((0, 0), np.float32)
        return cls(none, none, frozenset())

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
    OtherVersion
        A photo has to be embedded, and the extractor's version is another than the space's.
    """
    asked = [*like, *unlike]
    by_path = store.by_path(one for one in asked if isinstance(one, str))
    by_id = store.by_id(one for one in asked if isinstance(one, int))
    known = [by_id.get(one) if isinstance(one, int) else by_path.get(one) for one in asked]
    paths = [photo.path if photo else str(one) for one, photo in zip(asked, known, strict=True)]
    # The embedding of a thumbnail is good enough to be found by, not to search with.
    contents = [
        photo.content
        if photo
        and space.id in photo.spaces
        and not photo.preliminary
        and _is_unchanged(photo, reach)
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
        embedder = extraction(space.extractor)
        version = embedder.info().version
        if version != space.version:
            raise OtherVersion(space, version)
        if by_views:
            place = outside.pop(0)
            result = embedder.extract_views(paths[place], box=box, turned=turned)
            vector, *rows = _vector(result)
            vectors[place], contents[place] = vector, result.content
            others = np.array(rows, np.float32).reshape(-1, space.dimension)
        results = embedder.extract([paths[place] for place in outside]) if outside else []
        for place, result in zip(outside, results, strict=True):
            vectors[place], contents[place] = _vector(result), result.content
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
        contents[0],
    )


def _vector(result: Extracted) -> Vectors32:
    if result.vector is None:
        raise ImageError(f"{result.path} cannot be used as a query: {result.failure}")
    return result.vector


def _is_unchanged(photo: Photo, reach: Reach) -> bool:
    """Return whether a photo is as it was read, or out of reach and known only from then."""
    if photo.away is not None:
        return True
    try:
        status = reach.call(photo.path, os.stat, photo.path)
    except (OSError, NotAnsweringError):
        return True
    return (status.st_size, status.st_mtime_ns) == (photo.size, photo.modified)
