"""What the API answers: values and errors as JSON, each error with its HTTP status.

In JSON, bytes of a path that are not UTF-8 are lone surrogates, as :func:`os.fsdecode` makes them,
and they are escaped.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from photofind import errors
from photofind.errors import (
    ImageError,
    LockedError,
    NotAnsweringError,
    PhotofindError,
    RequestError,
    SettingsError,
    WorkerKilledError,
    WorkerResourceError,
    WorkerStoppedError,
)
from photofind.model import as_plain
from photofind.model.references import PhotoNotFoundError
from photofind.system.disk import is_of_the_disk
from photofind.system.resources import lacks_resources

__all__ = [
    "RETRY_SECONDS",
    "JsonResponse",
    "Refused",
    "as_error",
    "error_response",
    "json_bytes",
    "too_large",
    "unexpected",
]

RETRY_SECONDS = 5
"""After which a client may try again what the machine could not do at that moment."""

_STATUSES: tuple[tuple[type[PhotofindError], int], ...] = (
    (ImageError, 422),
    (SettingsError, 422),
    (RequestError, 422),
    (PhotoNotFoundError, 404),
    (LockedError, 423),
    (NotAnsweringError, 503),
    (WorkerKilledError, 503),
    (WorkerStoppedError, 503),
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
    """Ends a request with an error whose status does not follow from its class."""

    def __init__(self, status: int, error: PhotofindError, **headers: str) -> None:
        super().__init__(status, error.message, headers)
        self.error = error


def too_large(limit: int) -> Refused:
    """Return the refusal of a request that is larger than ``limit`` bytes."""
    return Refused(413, RequestError(f"the request is larger than {limit:,} bytes"))


def unexpected() -> PhotofindError:
    """Return the error that is answered for an unexpected exception; the log says more."""
    return PhotofindError(
        "photofind's daemon has made a mistake", "`photofind daemon logs` says which"
    )


def as_error(error: PhotofindError) -> dict[str, dict[str, str]]:
    """Return an error as the object that stands for it in JSON."""
    known = next(kind for kind in type(error).__mro__ if getattr(errors, kind.__name__, 0) is kind)
    return {"error": {"type": known.__name__, "message": error.message, "hint": error.hint}}


def error_response(error: PhotofindError, status: int | None = None, **headers: str) -> Response:
    """Return the answer that an error is, with the status that goes with it.

    One that is due to the machine or its disk says when to try again.
    """
    if status is None and _is_of_the_moment(error):
        status = 503
    if status is None:
        status = next(status for kind, status in _STATUSES if isinstance(error, kind))
    if status == 503:
        headers = {"Retry-After": str(RETRY_SECONDS)} | headers
    return JsonResponse(as_error(error), status, headers)


def _is_of_the_moment(error: BaseException) -> bool:
    """Return whether an error, or what caused it, is a lack of the machine or its disk."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, WorkerResourceError) or lacks_resources(cause):
            return True
        if is_of_the_disk(cause):
            return True
        cause = cause.__cause__
    return False
