"""Photos as rows: what is filtered by stands in columns, the rest in a JSON document.

Documents are text of ASCII: JSON types of the server keep neither NUL nor lone surrogates.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, NamedTuple

from photofind.model.records import Photo, Retry
from photofind_postgres.locations import Locations
from photofind_postgres.sessions import Cursor, Rows

__all__ = ["COLUMNS", "FROM", "ONE", "Stored", "column_text", "photo_of", "put_rows", "stored_of"]

FROM = "photos f JOIN places p ON p.id = f.place"
COLUMNS = "f.id, p.origin, p.path, f.name, f.spaces, f.document"
ONE = f"SELECT {COLUMNS} FROM {FROM}"

_APART = ("path", "id", "spaces")
_DEFAULTS: dict[str, Any] = {
    field.name: field.default if field.default_factory is MISSING else field.default_factory()
    for field in fields(Photo)
    if field.name not in _APART
}
_NAMES = frozenset(_DEFAULTS)


class Stored(NamedTuple):
    """A photo as it is in the library, with the numbers of its spaces."""

    photo: Photo
    spaces: tuple[int, ...]


def photo_of(row: Sequence[Any], locations: Locations, spaces: Mapping[int, str]) -> Photo:
    """Return the photo of a row of ``COLUMNS``; ``spaces`` has ids of spaces by number."""
    identifier, origin, folder, name, numbers, document = row
    values = {key: value for key, value in json.loads(document).items() if key in _NAMES}
    values["keywords"] = tuple(values.get("keywords", ()))
    if (retry := values.get("retry")) is not None:
        values["retry"] = Retry(*retry)
    return Photo(
        path=locations.path(origin, folder, name),
        id=identifier,
        spaces=tuple(spaces[number] for number in numbers if number in spaces),
        **values,
    )


def stored_of(rows: Rows, locations: Locations, spaces: Mapping[int, str]) -> list[Stored]:
    """Return the photos of rows of ``COLUMNS``."""
    return [Stored(photo_of(row, locations, spaces), tuple(row[4])) for row in rows]


def put_rows(
    cursor: Cursor,
    photos: Sequence[Stored],
    words: Sequence[Sequence[int]],
    locations: Locations,
) -> None:
    """Put photos in the place of those with their ids, each with the numbers of its words."""
    if not photos:
        return
    places = _place_ids(cursor, [one.photo.path for one in photos], locations)
    cursor.execute(
        "DELETE FROM photos WHERE id = ANY(%s::bigint[])", [[one.photo.id for one in photos]]
    )
    with cursor.copy(
        "COPY photos (id, place, name, away, content, moment, failed, noted, passing, preliminary,"
        " unmarked, refused, spaces, words, document) FROM STDIN (FORMAT BINARY)"
    ) as copy:
        copy.set_types(
            [
                "int8",
                "int4",
                "bytea",
                "bool",
                "text",
                "text",
                "bool",
                "bool",
                "bool",
                "bool",
                "bool",
                "text[]",
                "int4[]",
                "int4[]",
                "text",
            ]
        )
        for (photo, spaces), own in zip(photos, words, strict=True):
            place, name = places[photo.path]
            has_failed = photo.failure is not None
            copy.write_row(
                (
                    photo.id,
                    place,
                    name,
                    photo.away is not None,
                    column_text(photo.content),
                    column_text(photo.moment),
                    has_failed,
                    photo.note is not None,
                    photo.retry is not None,
                    photo.preliminary,
                    photo.fingerprint is None and bool(spaces) and not photo.preliminary,
                    [column_text(space) for space in photo.refusals],
                    list(spaces),
                    list(own),
                    _document(photo),
                )
            )


def column_text(text: str) -> str:
    """Return a text as a column keeps it: the server has neither NUL nor lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _document(photo: Photo) -> str:
    values = {name: getattr(photo, name) for name in _DEFAULTS}
    given = {name: value for name, value in values.items() if value != _DEFAULTS[name]}
    return json.dumps(given, default=dict, separators=(",", ":"))


def _place_ids(
    cursor: Cursor, paths: Iterable[str], locations: Locations
) -> dict[str, tuple[int, bytes]]:
    """Return the id of the folder of each path, made where there is none, and its name."""
    where = {path: locations.location(path) for path in paths}
    folders = list({(one.origin, one.folder) for one in where.values()})
    origins, raws = [origin for origin, _ in folders], [folder for _, folder in folders]
    cursor.execute(
        "INSERT INTO places (origin, path) SELECT * FROM unnest(%s::text[], %s::bytea[]) AS given"
        " (origin, path) WHERE NOT EXISTS (SELECT 1 FROM places p WHERE p.origin = given.origin"
        " AND sha256(p.path) = sha256(given.path))",
        [origins, raws],
    )
    cursor.execute(
        "SELECT p.origin, p.path, p.id FROM places p JOIN unnest(%s::text[], %s::bytea[]) AS given"
        " (origin, path) ON p.origin = given.origin AND sha256(p.path) = sha256(given.path)",
        [origins, raws],
    )
    ids = {(origin, bytes(folder)): number for origin, folder, number in cursor.fetchall()}
    return {path: (ids[one.origin, one.folder], one.name) for path, one in where.items()}
