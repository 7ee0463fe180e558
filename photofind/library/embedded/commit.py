"""One commit: photos and their embeddings, all or nothing (docs/develop/storage.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from photofind.errors import LibraryError
from photofind.library.embedded.catalog import Catalog
from photofind.library.embedded.contents import digest_of
from photofind.library.embedded.records import Record
from photofind.library.embedded.spaces import Spaces
from photofind.library.store import Array32
from photofind.model.records import Photo, Tags

__all__ = ["commit"]


def commit(
    catalog: Catalog,
    spaces: Spaces,
    photos: Iterable[Photo],
    space: str,
    embeddings: Mapping[str, Array32],
) -> tuple[list[Photo], list[Record]]:
    """Put photos into the library, as `Store.commit` says; the caller keeps others from writing.

    Returns
    -------
    photos
        As they are now, one for each path.
    replaced
        The photos that stood at these paths, or had these ids, as they were before.
    """
    kept, gone, replaced = _place(catalog, list(photos))
    contents = [photo.content for photo in kept if photo.content and photo.failure is None]
    there = catalog.by_content(dict.fromkeys([*contents, *embeddings]))
    contents += [
        content
        for content in embeddings
        if any(record.photo.failure is None for record in there.get(content, ()))
    ]
    embedded = _embedded_contents(contents, there)
    for photo in kept:
        if photo.failure is None and photo.content:
            embedded[photo.content][1].update(photo.tags)
    new = [c for c, (rows, _) in embedded.items() if c in embeddings and space not in rows]
    first = 0
    if new:
        stacked = _stacked([embeddings[content] for content in new], space)
        first = spaces.append(space, stacked, [*map(digest_of, new)])
        for row, content in enumerate(new, first):
            embedded[content][0][space] = row
    ids = gone.union(photo.id for photo in kept)
    twins = [
        record.photo
        for content in new
        for record in there.get(content, ())
        if record.photo.id not in ids
    ]
    with catalog.storage.transaction():
        catalog.remove_photos(gone)
        if new:
            catalog.put_space(replace(spaces.get(space), rows=first + len(new)))
        stored = [
            _put(catalog, photo, *embedded.get(photo.content, ({}, {}))) for photo in kept + twins
        ]
    return stored[: len(kept)], replaced


def _stacked(embeddings: Sequence[Array32], space: str) -> Array32:
    """Return embeddings as one array, (n, d)."""
    shapes = {embedding.shape for embedding in embeddings}
    if len(shapes) > 1:
        raise LibraryError(f"embeddings of several shapes do not fit {space}: {sorted(shapes)}")
    return np.stack(embeddings)


def _place(catalog: Catalog, photos: list[Photo]) -> tuple[list[Photo], set[int], list[Record]]:
    """Return the photos to put, one a path, with their ids; the ids displaced; what stood there."""
    batch = {(photo.path, photo.away): photo for photo in photos}
    named = {photo.id for photo in photos if photo.id}
    there = catalog.by_path({path for path, away in batch if away is None})
    kept = []
    for (path, away), photo in batch.items():
        # What is there may itself be moved elsewhere by this batch.
        displaced = there[path].photo.id if away is None and path in there else 0
        identifier = photo.id or (0 if displaced in named else displaced)
        kept.append(photo if identifier == photo.id else replace(photo, id=identifier))
    gone = named.union(record.photo.id for record in there.values())
    gone.difference_update(photo.id for photo in kept)
    return kept, gone, [*there.values(), *catalog.by_id(named).values()]


def _embedded_contents(
    contents: Iterable[str], there: Mapping[str, Sequence[Record]]
) -> dict[str, tuple[dict[str, int], dict[str, Tags]]]:
    """Return the rows and the tags of contents, by space, that their photos there have."""
    embedded: dict[str, tuple[dict[str, int], dict[str, Tags]]] = {
        content: ({}, {}) for content in contents
    }
    for content in embedded:
        for photo, rows in there.get(content, ()):
            embedded[content][0].update(rows)
            embedded[content][1].update(photo.tags)
    return embedded


def _put(
    catalog: Catalog, photo: Photo, rows: Mapping[str, int], tags: Mapping[str, Tags]
) -> Photo:
    """Put a photo with these rows, the tags that go with them, and no refusals of theirs."""
    if photo.failure is not None:
        return catalog.put_photo(replace(photo, tags={}), {})
    its_tags = {space: tags[space] for space in rows if tags.get(space)}
    refusals = {space: why for space, why in photo.refusals.items() if space not in rows}
    if (its_tags, refusals) != (photo.tags, photo.refusals):  # Copying a photo takes a while.
        photo = replace(photo, tags=its_tags, refusals=refusals)
    return catalog.put_photo(photo, rows)
