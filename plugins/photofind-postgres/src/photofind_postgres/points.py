"""The points of an index, kept true to the photos in the transactions that change these.

A content that comes after an index was built has its point at once, smoothed by what is there and
what comes with it; one that no photo refers to any more is marked, and found no longer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from photofind.library.store import Array32
from photofind.ranking.smoothing import Similarities, smooth_new
from photofind_postgres.searching import Fetch, nearest_points
from photofind_postgres.sessions import Cursor, Rows, rows_of
from photofind_postgres.spaces import Index, Spaces, StoredSpace
from photofind_postgres.vectors import array_of, copy_vectors

__all__ = ["POINTS", "fresh_points", "update_points"]

POINTS = [
    ("content", "text"),
    ("place", "int4"),
    ("neighbours", "int4[]"),
    ("is_repeat", "bool"),
    ("is_there", "bool"),
]
"""The columns of a table of points before the point itself. ``place`` counts what the index was
built on, and is -1 for what came later; ``neighbours`` are places."""

_NONE: Mapping[str, Array32] = {}
_BATCH = 1024


def fresh_points(fetch: Fetch, stored: StoredSpace, index: Index, embeddings: Array32) -> Array32:
    """Return the points of embeddings (n, D) that came after an index was built."""
    pictures = index.photos - index.repeats

    def nearest(points: Array32, count: int) -> tuple[Array32, Similarities]:
        found = nearest_points(
            fetch,
            stored,
            index,
            points,
            count,
            which="NOT p.is_repeat",
            where=None,
            passing=pictures,
            exclude=(),
            vectors=True,
        )
        return found.vectors, found.similarities

    return smooth_new(index.projection.project(embeddings), nearest, pictures)


def update_points(
    cursor: Cursor,
    spaces: Spaces,
    contents: Collection[str] | None,
    space: str = "",
    prepared: Mapping[str, Array32] = _NONE,
) -> None:
    """Have the points of all indexes be those of the photos, in the transaction of a cursor.

    Parameters
    ----------
    contents
        What changed; None for everything.
    space, prepared
        Points by content of the index of this space, where they are known already.
    """
    for stored in spaces.all:
        if stored.index is not None and (contents is None or contents):
            known = prepared if stored.space.id == space else _NONE
            _update(cursor, stored, stored.index, contents, known)


def _update(
    cursor: Cursor,
    stored: StoredSpace,
    index: Index,
    contents: Collection[str] | None,
    prepared: Mapping[str, Array32],
) -> None:
    photos = f"FROM photos f WHERE f.content = p.content AND f.spaces @> ARRAY[{stored.number}]"
    # Of a few contents each is looked up; the planner would look through all photos.
    there = f"coalesce((SELECT true {photos} LIMIT 1), false)"
    if contents is None:
        there = f"EXISTS (SELECT 1 {photos})"
    some, values = ("true", []) if contents is None else ("p.content = ANY(%s)", [[*contents]])
    cursor.execute(
        f"UPDATE {index.points} p SET is_there = NOT is_there WHERE {some} AND is_there <> {there}",
        values,
    )
    cursor.execute(
        f"SELECT p.content, halfvec_send(p.vector) FROM {stored.embeddings} p WHERE {some}"
        f" AND NOT EXISTS (SELECT 1 FROM {index.points} o WHERE o.content = p.content) AND {there}",
        values,
    )
    missing = cursor.fetchall()
    known = [row[0] for row in missing if row[0] in prepared]
    _put(cursor, index, known, [prepared[content] for content in known])
    rest = [row for row in missing if row[0] not in prepared]

    def fetch(query: str, given: Sequence[Any] = (), **options: Any) -> Rows:
        return rows_of(cursor.connection, query, given, **options)

    for start in range(0, len(rest), _BATCH):
        batch = rest[start : start + _BATCH]
        embeddings = array_of([row[1] for row in batch], stored.space.dimension)
        points = fresh_points(fetch, stored, index, embeddings)
        _put(cursor, index, [row[0] for row in batch], list(points))


def _put(cursor: Cursor, index: Index, contents: Sequence[str], points: Sequence[Array32]) -> None:
    if contents:
        nobody: list[int] = []
        rows = [(content, -1, nobody, False, True) for content in contents]
        copy_vectors(cursor, index.points, POINTS, rows, np.stack(points))
