"""The routes that only the page needs.

Errors are raised; the application that the routes are in answers them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

from fastapi import APIRouter, Query, Request
from platformdirs import user_pictures_path
from starlette.responses import Response

from photofind.errors import LibraryError, NotAnsweringError
from photofind.model import as_plain
from photofind.operations import Operations
from photofind.system.reach import Reach

__all__ = ["actions"]

SUGGESTIONS = 50


class AsciiJson(Response):
    """An answer as JSON in ASCII: bytes of a path that are not UTF-8 are escaped surrogates."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return json.dumps(content, default=as_plain, separators=(",", ":")).encode("ascii")


def actions(operations: Operations, is_named: Callable[[str], bool]) -> APIRouter:
    """Return the routes. Their functions are called in threads."""
    reach = Reach()
    routes = APIRouter(prefix="/api", include_in_schema=False)

    @routes.get("/number")
    def number(request: Request) -> Response:
        """Return the id of the photo at ``path``; null if it is not in the library."""
        try:
            known: int | None = operations.photo(_required(request, "path")).id
        except LibraryError:
            known = None
        return AsciiJson({"id": known})

    @routes.get("/thumbnail")
    def picture(request: Request, size: Annotated[int, Query(ge=1, le=1024)] = 512) -> Response:
        """Return a JPEG of the picture at ``path``, outside the library, that a query names.

        Only of one that a link of the daemon named: a page cannot see other files with this.
        """
        path = _required(request, "path")
        if not is_named(path):
            raise LibraryError(f"{path} is no picture of this query", "drop it onto the page")
        return Response(
            operations.thumbnail_of(path, size),
            media_type="image/jpeg",
            headers={"cache-control": "private, no-cache", "x-content-type-options": "nosniff"},
        )

    @routes.get("/folders/suggestions")
    def suggestions(request: Request) -> Response:
        """Return folders of this machine whose paths begin with ``path``, to choose one from."""
        typed = _path(request, "path") or ""
        try:
            found = reach.call(typed, lambda: list(_suggestions(typed)))
        except NotAnsweringError:
            found = []
        return AsciiJson({"home": str(Path.home()), "folders": found})

    return routes


def _path(request: Request, name: str) -> str | None:
    """Return a path from the query, whose bytes are percent-encoded and need not be UTF-8.

    Raises
    ------
    LibraryError
        It is not absolute.
    """
    for item in request.scope["query_string"].split(b"&"):
        key, _, value = item.partition(b"=")
        if key == name.encode() and value:
            path = os.fsdecode(unquote_to_bytes(value.replace(b"+", b" ")))
            if "\0" in path or not os.path.isabs(os.path.expanduser(path)):  # noqa: PTH111, PTH117
                raise LibraryError(f"{path!r} is not an absolute path", "begin at the root")
            return os.path.normpath(path) if not path.endswith(os.sep) else path
    return None


def _required(request: Request, name: str) -> str:
    path = _path(request, name)
    if path is None:
        raise LibraryError(f"no {name} is given", "give one that is absolute")
    return path


def _suggestions(typed: str) -> Iterator[str]:
    """Yield folders whose paths begin as typed; the likely ones if nothing was typed."""
    if not typed:
        likely = (user_pictures_path(), Path.home())
        yield from dict.fromkeys(str(folder) for folder in likely if folder.is_dir())
        return
    parent, beginning = os.path.split(os.path.expanduser(typed))  # noqa: PTH111
    try:
        with os.scandir(parent) as entries:
            names = sorted(
                entry.name
                for entry in entries
                if entry.name.casefold().startswith(beginning.casefold())
                and (beginning.startswith(".") or not entry.name.startswith("."))
                and entry.is_dir()
            )
    except OSError:
        return
    for name in names[:SUGGESTIONS]:
        yield os.path.join(parent, name)  # noqa: PTH118
