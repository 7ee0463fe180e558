"""Looking after a library: its size, rows that ended long ago, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from photofind.model import Check
from photofind.model.filters import Filter
from photofind_milvus.changing import Change, Changes
from photofind_milvus.expressions import joined, one_of
from photofind_milvus.library import KeptSpace, Library, chunks
from photofind_milvus.points import POINTS
from photofind_milvus.rows import PHOTOS, RECORDS, Kept
from photofind_milvus.vectors import Embeddings

__all__ = ["check", "drop_old_parts", "reclaim", "size", "verify"]

_GRACE = 3_600_000 << 18
"""What ended an hour ago is seen by no reader any more: in the server's time."""
_PHOTO_BYTES = 1000
_POINT_BYTES = 700
_PAGE = 1000


def size(library: Library) -> int:
    """Return about how many bytes the rows of a library have."""
    connection = library.connection
    total = _PHOTO_BYTES * connection.count(PHOTOS, "born >= 0")
    total += _PHOTO_BYTES * connection.count(RECORDS, "born >= 0")
    total += _POINT_BYTES * connection.count(POINTS, "born >= 0")
    for one in library.spaces():
        rows = connection.count(one.table, "born >= 0", part=one.part)
        total += rows * (4 * one.space.dimension + 100)
    return total


def drop_old_parts(library: Library) -> None:
    """Remove the points of indexes that do not count any more, once no reader can see them."""
    connection = library.connection
    old = library.state.revision - _GRACE
    for page in connection.pages(RECORDS, f'kind == "projection" and died < {old}', ["subject"]):
        for part in {row["subject"] for row in page}:
            connection.drop_part(POINTS, part)


def reclaim(library: Library) -> bool:
    """Delete rows that ended long ago, and embeddings that no photo refers to."""
    connection = library.connection
    library.revisions.refresh()
    state = library.state
    old = state.revision - _GRACE
    if old <= 0 or state.running:
        return False
    drop_old_parts(library)
    is_any = False
    parts = sorted(connection.look_for_parts(POINTS)) if connection.has(POINTS) else []
    # Of points those stay that an index was built on: so it is known what is gone of it.
    for table, part, where in (
        (PHOTOS, "", f"died < {old}"),
        (RECORDS, "", f"died < {old}"),
        *((POINTS, part, f"died < {old} and is_built == false") for part in parts),
    ):
        if connection.query(table, where, ["key"], part=part, limit=1):
            connection.delete(table, where, part)
            is_any = True
    connection.note(connection.written)
    for space in library.spaces():
        is_any = _reclaim_embeddings(library, space, old) or is_any
    return is_any


def _reclaim_embeddings(library: Library, space: KeptSpace, old: int) -> bool:
    """Delete the embeddings of contents that no row of a photo has, not even one that ended."""
    connection = library.connection
    is_any = False
    for page in connection.pages(space.table, f"born < {old}", ["key", "content"], part=space.part):
        contents = [row["content"] for row in page]
        rows = connection.pages(PHOTOS, one_of("content", contents), ["content"])
        known = {row["content"] for some in rows for row in some}
        unknown = [row["key"] for row in page if row["content"] not in known]
        if unknown:
            connection.delete(space.table, one_of("key", unknown), space.part)
            is_any = True
    return is_any


def verify(library: Library, changes: Changes, embeddings: Embeddings) -> int:
    """Have photos embedded again whose embeddings are not there; return how many."""
    lost = 0
    for space in library.spaces():
        for some in chunks(library.select(Filter(embedded=space.space.id)), _PAGE):
            if lacking := _lacking(space, embeddings, some):
                changes.make(partial(_forget, space=space, lacking=lacking))
                lost += len(lacking)
    return lost


def _lacking(space: KeptSpace, embeddings: Embeddings, some: list[Kept]) -> list[Kept]:
    there = embeddings.known(space, {one.photo.content for one in some})
    return [one for one in some if one.photo.content not in there]


def _forget(change: Change, space: KeptSpace, lacking: list[Kept]) -> None:
    for one in lacking:
        change.replace(one, one.photo.without_space(space.space.id))


def check(
    library: Library, changes: Changes, embeddings: Embeddings, *, repair: bool
) -> Iterator[Check]:
    """Check what photos refer to, that none is there twice, and that points are all there."""
    library.revisions.refresh()
    yield Check("library", "ok", f"{library.count()} photos")
    twice = _twice(library)
    if not twice:
        yield Check("photos", "ok", "each is there once")
    elif repair:
        changes.make(lambda change: change.end(twice))
        yield Check("photos", "repaired", f"{len(twice)} were there twice")
    else:
        yield Check("photos", "broken", f"{len(twice)} are there twice")
    if repair:
        lost = verify(library, changes, embeddings)
    else:
        lost = sum(
            len(_lacking(space, embeddings, some))
            for space in library.spaces()
            for some in chunks(library.select(Filter(embedded=space.space.id)), _PAGE)
        )
    if not lost:
        yield Check("embeddings", "ok", "those of all photos are there")
    else:
        state = "repaired" if repair else "broken"
        yield Check("embeddings", state, f"{lost} photos lack one and are embedded again")


def _twice(library: Library) -> list[Kept]:
    """Return the older ones of photos that are at one place, as no commit leaves them."""
    seen: dict[int, int] = {}
    keys: list[int] = []
    connection, visible = library.connection, library.state.visible
    for page in connection.pages(PHOTOS, visible, ["key", "place", "born"]):
        for row in page:
            known = seen.get(row["place"])
            if known is not None:
                keys.append(int(row["place"]))
            seen[row["place"]] = int(row["key"])
    found: list[Kept] = []
    for some in chunks(dict.fromkeys(keys), _PAGE):
        by_place: dict[int, list[tuple[int, int]]] = {}
        for page in connection.pages(
            PHOTOS, joined(visible, one_of("place", some)), ["key", "place", "born"]
        ):
            for row in page:
                by_place.setdefault(row["place"], []).append((row["born"], row["key"]))
        older = [key for rows in by_place.values() for _, key in sorted(rows)[:-1]]
        found += library.by_keys(older)
    return found
