"""The documents of the catalog, and their conversion to records (docs/develop/storage.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

from photofind.model.records import Folder, Photo, Retry, Space

__all__ = [
    "Record",
    "StoredSpace",
    "folder_of",
    "from_folder",
    "from_photo",
    "from_space",
    "photo_of",
    "space_of",
]

# A document names the rows of a photo's embeddings, where the photo itself names their spaces.
_PHOTO_FIELDS = [
    (field.name, "rows" if field.name == "spaces" else field.name)
    for field in fields(Photo)
    if field.name != "id"
]


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


def photo_of(identifier: int, document: dict[str, Any]) -> Record:
    """Return the photo that `from_photo` made ``document`` of, which is used up."""
    rows = document.pop("rows", {})
    if retry := document.get("retry"):
        document["retry"] = Retry(*retry)
    photo = Photo(**_values(document), spaces=tuple(rows), id=identifier)
    return Record(photo, rows)


def from_photo(photo: Photo, rows: Mapping[str, int]) -> dict[str, Any]:
    """Return the document of a photo with the rows of its embeddings."""
    values = {name: getattr(photo, field) for field, name in _PHOTO_FIELDS} | {"rows": rows}
    return _without_blanks(values)


def folder_of(identifier: int, document: Mapping[str, Any]) -> Folder:
    """Return the folder that `from_folder` made ``document`` of."""
    return Folder(**_values(document), id=identifier)


def from_folder(folder: Folder) -> dict[str, Any]:
    """Return the document of a folder."""
    return _without_blanks({name: v for name, v in asdict(folder).items() if name != "id"})


def space_of(document: Mapping[str, Any]) -> StoredSpace:
    """Return the space that `from_space` made ``document`` of."""
    return StoredSpace(**document)


def from_space(space: StoredSpace) -> dict[str, Any]:
    """Return the document of a space."""
    return asdict(space)


def _values(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }


def _without_blanks(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say something."""
    return {
        name: value for name, value in values.items() if value is not None and value not in ((), {})
    }
