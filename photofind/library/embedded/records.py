"""The documents of the catalog, and their conversion to records (docs/develop/storage.md)."""

# Each photo is checked; loops take half the time of `all` with a generator.
# ruff: noqa: SIM110

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any, NamedTuple

from photofind.model.records import Folder, Photo, Retry, Space

__all__ = [
    "PHOTO_SHAPE",
    "Record",
    "StoredSpace",
    "folder_of",
    "from_folder",
    "from_photo",
    "from_space",
    "is_folder",
    "is_pair",
    "is_photo",
    "is_space",
    "photo_of",
    "space_of",
]

# A document names the rows of a photo's embeddings, where the photo itself names their spaces.
# What was said of its tags stands in a table of its own.
_PHOTO_FIELDS = [
    (field.name, "rows" if field.name == "spaces" else field.name)
    for field in fields(Photo)
    if field.name not in ("id", "said")
]


# Beyond this a number is none of a file or a time.
_LARGEST = 2**63
# Memory is taken for all rows up to the highest one.
_MOST_ROWS = 2**27

# Of a folder: its id stands before the document, and nobody else watches it.
_NOT_KEPT = ("id", "host")

_NOTHING: Mapping[str, bool] = {}

_TEXT, _WHOLE, _NUMBER, _LIST, _MAP = (str,), (int,), (int, float), (list,), (dict,)
PHOTO_SHAPE: dict[str, tuple[type, ...]] = {
    "path": _TEXT, "size": _WHOLE, "modified": _WHOLE, "inode": _WHOLE, "content": _TEXT,
    "rows": _MAP, "width": _WHOLE, "height": _WHOLE, "format": _TEXT, "fingerprint": _TEXT,
    "captured": _TEXT, "camera": _TEXT, "latitude": _NUMBER, "longitude": _NUMBER,
    "keywords": _LIST, "caption": _TEXT, "tags": _MAP, "failure": _TEXT, "refusals": _MAP,
    "retry": _LIST, "sidecar": _WHOLE, "changed": _WHOLE, "sidecar_changed": _WHOLE,
    "away": _TEXT, "note": _TEXT,
}  # fmt: skip
_FOLDER_SHAPE: dict[str, tuple[type, ...]] = {
    "path": _TEXT, "added": _NUMBER, "state": _TEXT, "mounts": _LIST, "scanned": _NUMBER,
    "excludes": _LIST, "reason": _TEXT, "volumes": _MAP,
}  # fmt: skip
_SPACE_SHAPE: dict[str, tuple[type, ...]] = {
    "extractor": _TEXT, "version": _TEXT, "dimension": _WHOLE, "generation": _WHOLE,
    "rows": _WHOLE, "build": _TEXT,
}  # fmt: skip


class Record(NamedTuple):
    """A photo, and the row of its content's embedding in each space, by the space's id."""

    photo: Photo
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class StoredSpace:
    """An embedding space with where its embeddings are.

    Parameters
    ----------
    extractor, version, dimension, build
        As in :class:`~photofind.model.records.Space`.
    generation
        Which file holds the embeddings; a new one numbers its rows anew.
    rows
        How many rows of that file are committed, those that no photo refers to included.
    """

    extractor: str
    version: str
    dimension: int
    generation: int = 1
    rows: int = 0
    build: str = ""

    @property
    def id(self) -> str:
        """The extractor and its version, as in ``mobilenet@1``."""
        return f"{self.extractor}@{self.version}"

    @property
    def space(self) -> Space:
        """The space as others know it."""
        return Space(self.extractor, self.version, self.dimension, self.build)


def is_photo(document: Mapping[str, Any]) -> bool:
    """Return whether `photo_of` can make a photo of a document.

    It is asked of each photo when a library is opened, so the common ones pass quickly.
    """
    return (
        # There are few kinds of documents in a library, and many documents.
        _is_photo_kind((*document, *map(type, document.values())))
        and ("rows" not in document or _are_rows(document["rows"].values()))
        and ("tags" not in document or _are_tags(document["tags"].values()))
        and ("keywords" not in document or _are_texts(document["keywords"]))
        and ("refusals" not in document or _are_texts(document["refusals"].values()))
        and ("retry" not in document or _is_retry(document["retry"]))
        and -_LARGEST < document.get("modified", 0) < _LARGEST
    )


@lru_cache
def _is_photo_kind(names_and_types: tuple[Any, ...]) -> bool:
    half = len(names_and_types) // 2
    names, types = names_and_types[:half], names_and_types[half:]
    return "path" in names and _are_of(names, types, PHOTO_SHAPE)


def _are_rows(values: Iterable[object]) -> bool:
    for row in values:
        if type(row) is not int or not 0 <= row < _MOST_ROWS:
            return False
    return True


def _are_tags(values: Iterable[object]) -> bool:
    for some in values:
        if type(some) is not dict or not _are_numbers(some.values()):
            return False
    return True


def is_folder(document: Mapping[str, Any]) -> bool:
    """Return whether `folder_of` can make a folder of a document."""
    return (
        document.keys() >= {"path", "added"}
        and _has_shape(document, _FOLDER_SHAPE)
        and _are_texts(document.get("mounts", ()))
        and _are_texts(document.get("excludes", ()))
        and _are_texts(document.get("volumes", {}).values())
    )


def is_pair(document: Mapping[str, Any]) -> bool:
    """Return whether a document is of two contents that were told apart."""
    return document.keys() == {"first", "second"} and _are_texts(document.values())


def is_space(document: Mapping[str, Any]) -> bool:
    """Return whether `space_of` can make a space of a document."""
    return (
        document.keys() >= {"extractor", "version", "dimension"}
        and _has_shape(document, _SPACE_SHAPE)
        and 0 < document["dimension"] < _MOST_ROWS
        and 0 < document.get("generation", 1) < _LARGEST
        and 0 <= document.get("rows", 0) < _MOST_ROWS
    )


def photo_of(
    identifier: int, document: dict[str, Any], said: Mapping[str, bool] = _NOTHING
) -> Record:
    """Return the photo that `from_photo` made ``document`` of, which is used up.

    ``said`` is what was said of its tags.
    """
    rows = document.pop("rows", {})
    if "retry" in document:
        document["retry"] = Retry(*document["retry"])
    if "keywords" in document:
        document["keywords"] = tuple(document["keywords"])
    return Record(Photo(**document, spaces=tuple(rows), said=said, id=identifier), rows)


def from_photo(photo: Photo, rows: Mapping[str, int]) -> dict[str, Any]:
    """Return the document of a photo with the rows of its embeddings."""
    values = {name: getattr(photo, field) for field, name in _PHOTO_FIELDS} | {"rows": rows}
    return _without_blanks(values)


def folder_of(identifier: int, document: Mapping[str, Any]) -> Folder:
    """Return the folder that `from_folder` made ``document`` of."""
    return Folder(**_values(document), id=identifier)


def from_folder(folder: Folder) -> dict[str, Any]:
    """Return the document of a folder."""
    return _without_blanks({name: v for name, v in asdict(folder).items() if name not in _NOT_KEPT})


def space_of(document: Mapping[str, Any]) -> StoredSpace:
    """Return the space that `from_space` made ``document`` of."""
    return StoredSpace(**document)


def from_space(space: StoredSpace) -> dict[str, Any]:
    """Return the document of a space."""
    return asdict(space)


def _has_shape(document: Mapping[str, Any], shape: Mapping[str, tuple[type, ...]]) -> bool:
    return _are_of(document, map(type, document.values()), shape)


def _are_of(
    names: Iterable[str], kinds: Iterable[type], shape: Mapping[str, tuple[type, ...]]
) -> bool:
    """Return whether all fields are known, and their values of the right kinds."""
    return all(kind in shape.get(name, ()) for name, kind in zip(names, kinds, strict=True))


def _are_texts(values: Iterable[object]) -> bool:
    for value in values:
        if type(value) is not str:
            return False
    return True


def _are_numbers(values: Iterable[object]) -> bool:
    for value in values:
        if type(value) not in _NUMBER:
            return False
    return True


def _is_retry(values: Sequence[Any]) -> bool:
    return len(values) == len(Retry._fields) and all(
        type(value) is int and 0 <= value < _LARGEST for value in values
    )


def _values(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }


def _without_blanks(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say something."""
    return {
        name: value for name, value in values.items() if value is not None and value not in ((), {})
    }
