"""Changes of spaces: opened, removed, and what extractors refused tried again."""

from __future__ import annotations

from typing import Any

from photofind.errors import LibraryError
from photofind.model.filters import Filter
from photofind.model.records import Photo, Space
from photofind_milvus.changing import Change
from photofind_milvus.library import KeptSpace, Library
from photofind_milvus.photos import rewrite
from photofind_milvus.rows import Record
from photofind_milvus.vectors import Embeddings

__all__ = ["clear_refusals", "end_index", "open_space", "remove_space"]


def open_space(
    library: Library, change: Change, embeddings: Embeddings, space: Space
) -> KeptSpace | None:
    """Make a space, or give one its new build; return the one that was there.

    Raises
    ------
    LibraryError
        It holds embeddings of another dimension.
    """
    old = next((one for one in library.spaces() if one.space.id == space.id), None)
    if old is None:
        record = Record("space", space.id, _value(space, change.new_id()))
        embeddings.make(KeptSpace(record))
        change.put_record(record)
        return None
    if old.space.dimension != space.dimension:
        raise LibraryError(
            f"{space.id} makes embeddings of {space.dimension} numbers, "
            f"but made {old.space.dimension} before",
            "an extractor needs a new version when its dimension changes",
        )
    if old.space.build != space.build:
        change.end_records([old.record])
        change.put_record(Record("space", space.id, _value(space, old.made)))
        clear_refusals(library, change, space.id, None)
    return old


def remove_space(library: Library, change: Change, space: str) -> tuple[KeptSpace, list[str]]:
    """Remove a space from all photos; return it, and the parts of its indexes.

    Raises
    ------
    LibraryError
        There is none.
    """
    known = library.space(space)
    change.end_records([known.record])
    parts = end_index(library, change, space)

    def without(photo: Photo) -> Photo:
        return photo.without_space(space).without_refusal(space)

    def without_refusal(photo: Photo) -> Photo | None:
        if space in photo.spaces or space not in photo.refusals:
            return None
        return without(photo)

    rewrite(library, change, Filter(embedded=space), without)
    rewrite(library, change, Filter(refused=True), without_refusal)
    return known, parts


def end_index(library: Library, change: Change, space: str) -> list[str]:
    """End the index of a space, where it has one; return the parts that have its points."""
    records = [one for one in library.records("index") if one.name == space]
    change.end_records(records)
    parts = [str(one.document["part"]) for one in records]
    for part in parts:
        change.end_records(library.records("projection", [part]))
    return parts


def clear_refusals(library: Library, change: Change, space: str | None, folder: str | None) -> None:
    """Have photos tried again that an extractor refused: of a space, in a folder, or all."""

    def cleared(photo: Photo) -> Photo | None:
        if space is not None and space not in photo.refusals:
            return None
        return photo.without_refusal(space)

    rewrite(library, change, Filter(folder=folder, refused=True), cleared)


def _value(space: Space, made: int) -> dict[str, Any]:
    return {
        "extractor": space.extractor,
        "version": space.version,
        "dimension": space.dimension,
        "build": space.build,
        "made": made,
    }
