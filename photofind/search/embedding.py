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
    like: Sequence[str],
    unlike: Sequence[str],
    extraction: Callable[[str], Extraction],
    reach: Reach,
) -> Embedded:
    """Return the embeddings of the photos of a query.

    Parameters
    ----------
    like, unlike
        Absolute paths, inside or outside of the library.
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
    paths = [*like, *unlike]
    known = store.by_path(paths)
    # The embedding of a thumbnail is good enough to be found by, not to search with.
    contents = [
        photo.content
        if (photo := known.get(path))
        and space.id in photo.spaces
        and not photo.preliminary
        and _is_unchanged(photo, reach)
        else ""
        for path in paths
    ]
    found, vectors = store.embeddings(space.id, contents)
    outside = np.flatnonzero(~found).tolist()
    if outside:
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
    asked = {photo.content for path in like if (photo := known.get(path))}
    own = asked.union(contents[: len(like)]) - {""}
    return Embedded(vectors[: len(like)], vectors[len(like) :], frozenset(own))


def _is_unchanged(photo: Photo, reach: Reach) -> bool:
    """Return whether a photo is as it was read, or out of reach and known only from then."""
    try:
        status = reach.call(photo.path, os.stat, photo.path)
    except (OSError, NotAnsweringError):
        return True
    return (status.st_size, status.st_mtime_ns) == (photo.size, photo.modified)
