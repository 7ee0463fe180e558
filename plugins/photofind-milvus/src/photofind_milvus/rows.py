"""What stands in the rows of a library: photos, and small records of several kinds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from pymilvus import DataType

from photofind.errors import LibraryError
from photofind.model.records import Photo, Retry
from photofind_milvus.connection import Connection, Row
from photofind_milvus.expressions import digest
from photofind_milvus.naming import Naming
from photofind_milvus.revisions import ALIVE, Running

__all__ = [
    "FILTERED",
    "PHOTOS",
    "PHOTO_FIELDS",
    "RECORDS",
    "RECORD_FIELDS",
    "Kept",
    "Record",
    "born",
    "ended",
    "filtered_fields",
    "lasting_fields",
    "make_tables",
    "photo_in",
    "photo_row",
    "place_of",
    "record_in",
    "record_row",
    "taken_of",
]

PHOTOS, RECORDS = "photos", "records"
_NOTHING = [1.0, 0.0]
"""Each collection has to have vectors."""

_MOST_WORDS = 1000
_LONGEST_PATH = 16_000
_LONGEST = 65_535
_WHOLE: dict[str, Any] = {}

FILTERED = [
    "path", "moment", "failed", "refused", "passing", "noted", "preliminary", "unmarked",
    "spaces", "refusals", "words",
]  # fmt: skip
"""The fields that filters look at; points have them too."""

PHOTO_FIELDS = ["key", "id", "path", "document", "is_copy"]
RECORD_FIELDS = ["key", "kind", "subject", "document"]

# What a document has not: it stands in fields of its own, or is made anew.
_APART = ("path", "id")
_PHOTO_NAMES = frozenset(one.name for one in fields(Photo)) - {*_APART}


@dataclass(frozen=True)
class Kept:
    """A photo, the key of its row, and whether another photo is the first of its content.

    Of the embedded photos of a content all are copies but one, so that contents can be counted.
    """

    key: int
    photo: Photo
    is_copy: bool = False


@dataclass(frozen=True)
class Record:
    """A small record: a folder, a space, what a person said.

    Parameters
    ----------
    kind
        What it is of.
    name
        Tells it from others of its kind.
    document
        What it says, as JSON has it.
    subject
        The content that it is about, if any.
    key
        The key of its row; 0 before it has one.
    """

    kind: str
    name: str
    document: Mapping[str, Any]
    subject: str = ""
    key: int = 0


def lasting_fields() -> list[tuple[str, DataType, dict[str, Any]]]:
    """Return the fields that say from when to when a row counts."""
    return [(name, DataType.INT64, _WHOLE) for name in ("born", "born_by", "died", "died_by")]


def filtered_fields() -> list[tuple[str, DataType, dict[str, Any]]]:
    """Return the fields that filters look at."""
    whole = {"element_type": DataType.INT64}
    flags = ("failed", "refused", "passing", "noted", "preliminary", "unmarked")
    return [
        ("path", DataType.VARCHAR, {"max_length": _LONGEST_PATH}),
        ("moment", DataType.VARCHAR, {"max_length": 100}),
        *((flag, DataType.BOOL, _WHOLE) for flag in flags),
        ("spaces", DataType.ARRAY, {**whole, "max_capacity": 200}),
        ("refusals", DataType.ARRAY, {**whole, "max_capacity": 200}),
        ("words", DataType.ARRAY, {**whole, "max_capacity": _MOST_WORDS}),
    ]


def make_tables(connection: Connection) -> None:
    """Make the collections of photos and of records."""
    index = {"index_type": "FLAT", "metric_type": "COSINE", "params": {}}
    connection.make(
        PHOTOS,
        [
            ("key", DataType.INT64, _WHOLE),
            *lasting_fields(),
            ("place", DataType.INT64, _WHOLE),
            ("id", DataType.INT64, _WHOLE),
            ("content", DataType.VARCHAR, {"max_length": 200}),
            ("taken", DataType.INT64, _WHOLE),
            ("is_copy", DataType.BOOL, _WHOLE),
            *filtered_fields(),
            ("document", DataType.VARCHAR, {"max_length": _LONGEST}),
            ("vector", DataType.FLOAT_VECTOR, {"dim": 2}),
        ],
        index,
    )
    connection.make(
        RECORDS,
        [
            ("key", DataType.INT64, _WHOLE),
            *lasting_fields(),
            ("place", DataType.INT64, _WHOLE),
            ("kind", DataType.VARCHAR, {"max_length": 40}),
            ("subject", DataType.VARCHAR, {"max_length": 200}),
            ("document", DataType.VARCHAR, {"max_length": _LONGEST}),
            ("vector", DataType.FLOAT_VECTOR, {"dim": 2}),
        ],
        index,
    )


def born(running: Running) -> Row:
    """Return the fields of a row that a commit puts."""
    return {"born": running.revision, "born_by": running.number, "died": ALIVE, "died_by": 0}


def ended(row: Row, running: Running) -> Row:
    """Return a whole row as it is once a commit has ended it."""
    return row | {"died": running.revision, "died_by": running.number}


def place_of(kept_path: str, away: str | None) -> int:
    """Return what names the place of a photo: no two there at once."""
    return digest("place", kept_path, away or "", away is None)


def photo_row(photo: Photo, naming: Naming, words: Iterable[int], running: Running) -> Row:
    """Return the row of a photo, with the digests of the words it carries."""
    path = naming.kept(photo.path)
    place = place_of(path, photo.away)
    document = {
        name: value
        for name in sorted(_PHOTO_NAMES)
        if (value := getattr(photo, name)) is not None and value not in ((), {}, "", 0)
    }
    for name in ("latitude", "longitude", "sidecar", "failure", "caption", "note", "away"):
        if (value := getattr(photo, name)) is not None:  # 0 and "" say something here.
            document[name] = value
    text = json.dumps(document, separators=(",", ":"))
    if len(text) > _LONGEST or len(path) > _LONGEST_PATH:
        raise LibraryError(f"what is known of {photo.path!r} is too long for a row")
    return {
        "key": digest("photo", place, running.number),
        **born(running),
        "place": place,
        "id": photo.id,
        "content": photo.content,
        "taken": taken_of(photo.moment),
        "is_copy": False,
        "path": path,
        "moment": photo.moment,
        "failed": photo.failure is not None,
        "refused": bool(photo.refusals),
        "passing": photo.retry is not None,
        "noted": photo.note is not None,
        "preliminary": photo.preliminary,
        "unmarked": photo.fingerprint is None and bool(photo.spaces) and not photo.preliminary,
        "spaces": [digest(space) for space in photo.spaces],
        "refusals": [digest(space) for space in photo.refusals],
        "words": list(dict.fromkeys(words))[:_MOST_WORDS],
        "document": text,
        "vector": _NOTHING,
    }


def photo_in(row: Row, naming: Naming) -> Kept:
    """Return the photo of a row."""
    document: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in json.loads(row["document"]).items()
        if name in _PHOTO_NAMES  # A later version may know more.
    }
    if retry := document.get("retry"):
        document["retry"] = Retry(*retry)
    photo = Photo(path=naming.shown(row["path"]), id=int(row["id"]), **document)
    return Kept(int(row["key"]), photo, bool(row["is_copy"]))


def record_row(record: Record, running: Running) -> Row:
    """Return the row of a record."""
    place = digest("record", record.kind, record.name)
    text = json.dumps({"name": record.name, "value": record.document}, separators=(",", ":"))
    if len(text) > _LONGEST:
        raise LibraryError(f"a record of {record.kind} is too long for a row")
    return {
        "key": digest("record", place, running.number),
        **born(running),
        "place": place,
        "kind": record.kind,
        "subject": record.subject,
        "document": text,
        "vector": _NOTHING,
    }


def record_in(row: Row) -> Record:
    """Return the record of a row."""
    document = json.loads(row["document"])
    return Record(row["kind"], document["name"], document["value"], row["subject"], int(row["key"]))


def taken_of(moment: str) -> int:
    """Return a moment, ISO 8601, as a number in the same order, as exact as a second."""
    digits = "".join(one for one in moment[:19] if one.isdecimal() and one.isascii())
    return int(digits.ljust(14, "0")[:14])
