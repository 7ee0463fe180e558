"""The photos of a query become embeddings: the library's own, or made by the extractor."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from photofind.errors import ImageError, NotAnsweringError
from photofind.library.store import Store
from photofind.model.records import Photo, Space
from photofind.ranking.projection import Vectors32, normalised
from photofind.system.reach import Reach

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction

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
        The contents of the ``like`` photos, as they are now and as the library knows them.
    """

    like: Vectors32
    unlike: Vectors32
    own: frozenset[str]


def embed_query(
    store: Store,
    space: Space,
    like: Sequence[int | str],
    unlike: Sequence[int | str],
    extraction: Callable[[str], Extraction],
    reach: Reach,
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
    found, vectors = store.embeddings(space.id, contents)
    outside = np.flatnonzero(~found).tolist()
    if outside:
        if away := [paths[place] for place in outside if isinstance(asked[place], int)]:
            raise ImageError(f"{away[0]} cannot be searched with: its drive is not connected")
        embedder = extraction(space.extractor)
        version = embedder.info().version
        if version != space.version:
            raise OtherVersion(space, version)
        results = embedder.extract([paths[place] for place in outside])
        for place, result in zip(outside, results, strict=True):
            if result.vector is None:
                raise ImageError(f"{paths[place]} cannot be used as a query: {result.failure}")
            vectors[place], contents[place] = result.vector, result.content
    vectors = normalised(vectors)
    own = {photo.content for photo in known[: len(like)] if photo}
    own = own.union(contents[: len(like)]) - {""}
    return Embedded(vectors[: len(like)], vectors[len(like) :], frozenset(own))


def _is_unchanged(photo: Photo, reach: Reach) -> bool:
    """Return whether a photo is as it was read, or out of reach and known only from then."""
    if photo.away is not None:
        return True
    try:
        status = reach.call(photo.path, os.stat, photo.path)
    except (OSError, NotAnsweringError):
        return True
    return (status.st_size, status.st_mtime_ns) == (photo.size, photo.modified)
