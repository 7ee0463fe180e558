"""Every error that a request can end with, as the API answers it."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from photofind.daemon.answers import Refused, error_response, unexpected
from photofind.errors import LibraryError, PhotofindError, RequestError, WorkerError

__all__ = ["add_error_handlers"]

log = logging.getLogger("photofind.daemon.api")


def add_error_handlers(app: FastAPI) -> None:
    """Have an application answer errors as JSON (docs/reference/api.md)."""
    app.add_exception_handler(PhotofindError, _known)
    app.add_exception_handler(OSError, _of_the_system)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _unexpected)


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, PhotofindError)
    if isinstance(error, WorkerError) and error.details:
        log.warning("%s: %s", error.message, error.details)
    return error_response(error)


async def _of_the_system(request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)
    log.warning("%s failed", request.scope["path"], exc_info=error)
    where = f"{error.filename}: " if isinstance(error.filename, str) else ""
    known = LibraryError(f"{where}{error.strerror or error}")
    known.__cause__ = error
    return error_response(known)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    reason = first["msg"].removeprefix("Value error, ")
    return error_response(
        RequestError(f"{where}: {reason}", "docs/reference/api.md says what it takes")
    )


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = error.error if isinstance(error, Refused) else None
    what = RequestError(f"{error.detail}: {request.method} {request.scope['path']}")
    return error_response(known or what, error.status_code, **(error.headers or {}))


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.scope["path"], exc_info=error)
    return error_response(unexpected(), 500)
