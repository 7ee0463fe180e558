"""What the API takes and gives, as JSON: requests checked by pydantic, answers, and errors.

Paths are bytes where it comes to that. In JSON, bytes that are not UTF-8 are lone surrogates, as
:func:`os.fsdecode` makes them, and they are escaped; in query strings they are percent-encoded.
"""

from __future__ import annotations

import json
import os
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from photofind import errors
from photofind.errors import (
    ImageError,
    LibraryError,
    LockedError,
    PhotofindError,
    RequestError,
    SettingsError,
)
from photofind.model import as_plain

__all__ = [
    "UPLOAD",
    "AbsolutePath",
    "Date",
    "FolderRequest",
    "IndexRequest",
    "JsonResponse",
    "LinkRequest",
    "PathRequest",
    "PauseRequest",
    "Refused",
    "SettingRequest",
    "SimilarRequest",
    "TagName",
    "Tags",
    "Text",
    "ThumbnailSize",
    "as_error",
    "error_response",
    "json_bytes",
    "not_found",
    "too_large",
    "unexpected",
]

UPLOAD = "upload:"
"""What the name of an uploaded picture begins with, where a query says what it is like."""

THUMBNAIL_SIZES = (128, 256, 512, 1024)

_LONGEST = 4096
_LONGEST_TAG = 200
"""As many as may be asked for at once have to fit into an address, however they are quoted."""

_STATUSES: tuple[tuple[type[PhotofindError], int], ...] = (
    (ImageError, 422),
    (SettingsError, 422),
    (RequestError, 422),
    (LockedError, 423),
    (PhotofindError, 409),
)


def json_bytes(value: Any) -> bytes:
    """Return a value as JSON in ASCII, where lone surrogates are escaped."""
    return json.dumps(value, default=as_plain, separators=(",", ":")).encode("ascii")


class JsonResponse(JSONResponse):
    """An answer as JSON in ASCII."""

    def render(self, content: Any) -> bytes:
        """Return the body; bytes are JSON already."""
        return content if isinstance(content, bytes) else json_bytes(content)


class Refused(HTTPException):
    """Ends a request with an error, and a status that the error alone does not tell."""

    def __init__(self, status: int, error: PhotofindError, **headers: str) -> None:
        super().__init__(status, error.message, headers)
        self.error = error


def not_found(error: LibraryError) -> Refused:
    """Return what says that something asked for by its number or path is not there."""
    return Refused(404, error)


def too_large(limit: int) -> Refused:
    """Return what says that a request is larger than ``limit`` bytes."""
    return Refused(413, RequestError(f"the request is larger than {limit:,} bytes"))


def unexpected() -> PhotofindError:
    """Return what is said of an error that nobody expected; the log says more."""
    return PhotofindError(
        "photofind's daemon has made a mistake", "`photofind daemon logs` says which"
    )


def as_error(error: PhotofindError) -> dict[str, dict[str, str]]:
    """Return an error as the object that stands for it in JSON."""
    known = next(kind for kind in type(error).__mro__ if getattr(errors, kind.__name__, 0) is kind)
    return {"error": {"type": known.__name__, "message": error.message, "hint": error.hint}}


def error_response(error: PhotofindError, status: int | None = None, **headers: str) -> Response:
    """Return the answer that an error is, with the status that goes with it."""
    if status is None:
        status = next(status for kind, status in _STATUSES if isinstance(error, kind))
    return JsonResponse(as_error(error), status, headers)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("it is not a text")
    if len(value) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST:,} characters")
    if "\0" in value:
        raise ValueError("it holds a null character")
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        raise ValueError("it holds half a character") from None
    return value


def _tag(value: Any) -> str:
    if not _text(value).strip():
        raise ValueError("it is empty")
    if len(value) > _LONGEST_TAG:
        raise ValueError(f"it is longer than {_LONGEST_TAG} characters")
    return str(value)


def _absolute(value: Any) -> str:
    path = _text(value)
    if not os.path.isabs(path):  # noqa: PTH117
        raise ValueError("it is not an absolute path")
    path = os.path.normpath(path)
    return path[1:] if path.startswith("//") else path  # Which POSIX lets it keep.


def _like(value: Any) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str):
        return _text(value) if value.startswith(UPLOAD) else _absolute(value)
    raise ValueError("it is neither an absolute path nor the number of a photo nor an upload")


def _size(value: int) -> int:
    if value not in THUMBNAIL_SIZES:
        raise ValueError(f"it is none of {', '.join(map(str, THUMBNAIL_SIZES))}")
    return value


# Pydantic's own texts refuse lone surrogates, so these are plain to it.
_PATH_SCHEMA = {"type": "string", "pattern": r"^(/|[A-Za-z]:)", "maxLength": _LONGEST}

Text = Annotated[
    str, PlainValidator(_text), WithJsonSchema({"type": "string", "maxLength": _LONGEST})
]
TagName = Annotated[
    str,
    PlainValidator(_tag),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": _LONGEST_TAG}),
]
AbsolutePath = Annotated[str, PlainValidator(_absolute), WithJsonSchema(_PATH_SCHEMA)]
Like = Annotated[
    int | str,
    PlainValidator(_like),
    WithJsonSchema(
        {
            "anyOf": [
                _PATH_SCHEMA,
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": "^upload:[0-9a-f]{32}$"},
            ]
        }
    ),
]
Date = Annotated[
    str, Field(pattern=r"^\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d)?)?)?)?$", examples=["2021-05"])
]
ThumbnailSize = Annotated[
    int,
    AfterValidator(_size),
    WithJsonSchema({"type": "integer", "enum": list(THUMBNAIL_SIZES)}),
]
Photos = Annotated[list[Like], Field(max_length=100)]
Tags = Annotated[list[TagName], Field(max_length=20)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class PathRequest(_Request):
    """Names a folder."""

    path: AbsolutePath


class FolderRequest(PathRequest):
    """A folder to add, or to change: what is excluded in it, in gitignore's syntax."""

    excludes: Annotated[list[Text], Field(max_length=1000)] = []


class IndexRequest(_Request):
    """What to bring up to date, and how; all folders where none is named."""

    folders: Annotated[list[AbsolutePath], Field(max_length=1000)] | None = None
    accept_removals: bool = False
    retry_failed: bool = False
    wait: bool = False


class SimilarRequest(_Request):
    """Photos to find the like of, and what the hits are limited to.

    ``like`` and ``unlike`` hold absolute paths, numbers of photos, and uploads. Where ``limit``
    or ``min_score`` is missing, the settings say it. Hits carry all of the ``tags``.
    """

    like: Annotated[Photos, Field(min_length=1)]
    unlike: Photos = []
    limit: Annotated[int, Field(ge=1, le=10_000)] | None = None
    min_score: Annotated[float, Field(ge=0, le=1)] | None = None
    folder: AbsolutePath | None = None
    since: Date | None = None
    until: Date | None = None
    tags: Tags = []
    extractor: Text | None = None
    plain: bool = False
    every: bool = False


class PauseRequest(_Request):
    """For how long to pause; until resumed where nothing is said."""

    seconds: Annotated[float, Field(gt=0, le=366 * 86400)] | None = None


class SettingRequest(_Request):
    """A value as a person types it."""

    value: Text


class LinkRequest(_Request):
    """A page of this server: its path, with its query where it has one."""

    path: Text = "/"
