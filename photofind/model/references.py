"""How photos are referred to: by id, by path, and in a query by an upload."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from photofind.errors import LibraryError
from photofind.model.parameters import PATH_SCHEMA, Between, Checked, absolute_path, text

__all__ = [
    "UPLOAD",
    "InAddress",
    "OutsidePhoto",
    "PhotoId",
    "PhotoNotFoundError",
    "PhotoReference",
    "QueryPhoto",
]

UPLOAD = "upload:"
"""What the reference to an uploaded picture begins with."""


class PhotoNotFoundError(LibraryError):
    """A photo, or an upload, that was referred to is not there.

    Over HTTP it is a LibraryError, with status 404.
    """


class InAddress(NamedTuple):
    """What stands for a value in the path of an address, where there is no room for all values."""

    kind: Any


def _query_photo(value: Any) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str):
        return text(value) if value.startswith(UPLOAD) else absolute_path(value)
    raise ValueError("it is neither an absolute path nor the id of a photo nor an upload")


PhotoId = Annotated[int, Between(0, 2**53)]
PhotoReference = Annotated[int | str, InAddress(PhotoId)]
"""The id of a photo of the library, or its absolute path."""

QueryPhoto = Annotated[
    int | str,
    Checked(
        _query_photo,
        {
            "anyOf": [
                PATH_SCHEMA,
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": "^upload:[0-9a-f]{32}$"},
            ]
        },
    ),
]
"""The id of a photo of the library, or the absolute path of any picture.

The daemon takes an upload too, ``upload:`` and 32 hexadecimal digits.
"""


def _outside_photo(value: Any) -> str:
    if isinstance(value, str) and value.startswith(UPLOAD):
        return text(value)
    return absolute_path(value)


OutsidePhoto = Annotated[
    str,
    Checked(
        _outside_photo,
        {"anyOf": [PATH_SCHEMA, {"type": "string", "pattern": "^upload:[0-9a-f]{32}$"}]},
    ),
]
"""The absolute path of any picture. The daemon takes an upload too."""
