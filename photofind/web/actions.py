"""What the page has done to files, and asks about folders: the routes that only it needs.

Errors are raised; the application that the routes are in answers them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

import fastapi
from fastapi import APIRouter, Query, Request
from platformdirs import user_pictures_path
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from photofind.errors import LibraryError
from photofind.model import as_plain
from photofind.web.surface import Surface

__all__ = ["actions"]

# As many photos can be moved to the trash in one go.
MOST_PHOTOS = 1000
SUGGESTIONS = 50

Number = Annotated[int, fastapi.Path(ge=0, lt=2**63)]


class TrashRequest(BaseModel):
    """Photos, by their numbers."""

    model_config = ConfigDict(extra="forbid", strict=True)
    ids: Annotated[list[int], Field(min_length=1, max_length=MOST_PHOTOS)]


class UntrashRequest(BaseModel):
    """What moving photos to the trash answered."""

    model_config = ConfigDict(extra="forbid", strict=True)
    undo: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class AsciiJson(Response):
    """An answer as JSON in ASCII: bytes of a path that are not UTF-8 are escaped surrogates."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return json.dumps(content, default=as_plain, separators=(",", ":")).encode("ascii")


def actions(surface: Surface, is_named: Callable[[str], bool]) -> APIRouter:
    """Return the routes. Their functions are called in threads."""
    routes = APIRouter(prefix="/api", include_in_schema=False)

    @routes.post("/photos/{photo}/open", status_code=204)
    def open_photo(photo: Number) -> None:
        """Open a photo with what the system opens photos with."""
        surface.open(photo)

    @routes.post("/photos/{photo}/reveal", status_code=204)
    def reveal_photo(photo: Number) -> None:
        """Show a photo in its folder, in the file manager."""
        surface.reveal(photo)

    @routes.post("/photos/trash")
    def trash_photos(request: TrashRequest) -> Response:
        """Move photos to the system's trash; ``undo`` in the answer puts them back."""
        return AsciiJson(surface.trash(request.ids))

    @routes.post("/photos/untrash")
    def untrash_photos(request: UntrashRequest) -> Response:
        """Put photos back from the trash."""
        return AsciiJson(surface.untrash(request.undo))

    @routes.get("/overview")
    def overview(request: Request) -> Response:
        """Return in which folders and months photos are: all, or those below ``folder``."""
        return AsciiJson(surface.overview(_path(request, "folder")))

    @routes.get("/number")
    def number(request: Request) -> Response:
        """Return the number of the photo at ``path``; null where it is not in the library."""
        try:
            known: int | None = surface.photo(_required(request, "path")).id
        except LibraryError:
            known = None
        return AsciiJson({"id": known})

    @routes.get("/thumbnail")
    def picture(request: Request, size: Annotated[int, Query(ge=1, le=1024)] = 512) -> Response:
        """Return a JPEG of the picture at ``path``, outside the library, that a query is about.

        Only of one that a link of the daemon's named: no page can look at other files with this.
        """
        path = _required(request, "path")
        if not is_named(path):
            raise LibraryError(f"{path} is no picture of this query", "drop it onto the page")
        return Response(
            surface.thumbnail_of(path, size),
            media_type="image/jpeg",
            headers={"cache-control": "private, no-cache", "x-content-type-options": "nosniff"},
        )

    @routes.get("/folders/suggestions")
    def suggestions(request: Request) -> Response:
        """Return folders of this machine whose paths begin with ``path``, to choose one from."""
        found = list(_suggestions(_path(request, "path") or ""))
        return AsciiJson({"home": str(Path.home()), "folders": found})

    return routes


def _path(request: Request, name: str) -> str | None:
    """Return a path out of the query: its bytes are percent-encoded, and need not be UTF-8.

    Raises
    ------
    LibraryError
        Where it is not absolute.
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
    """Yield folders that complete what was typed; where that is nothing, where photos may be."""
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
