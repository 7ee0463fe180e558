"""The page that the daemon serves, and the static files that it is made of.

The page is one document; its modules ask the API for everything else. Nothing of it comes from
elsewhere, and its Content-Security-Policy has browsers refuse anything that would.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files

from fastapi import APIRouter
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import Response

from photofind import __version__
from photofind.images.formats import PHOTO_SUFFIXES
from photofind.operations import Operations
from photofind.web.actions import actions

__all__ = ["CONTENT_SECURITY_POLICY", "router"]

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "img-src 'self' blob:",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
# Not every system's table of types knows these, and some have wrong ones.
_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}


def router(operations: Operations, is_named: Callable[[str], bool]) -> APIRouter:
    """Return the routes of the page, and those of the API that only it needs.

    Parameters
    ----------
    operations
        Carries them out.
    is_named
        Tells whether a link of the daemon leads to a page that shows this path.
    """
    routes = APIRouter()
    routes.include_router(actions(operations, is_named))

    @routes.get("/", include_in_schema=False)
    def page() -> Response:
        headers = {**_HEADERS, "cache-control": "no-store"}
        return Response(_page(operations.settings.theme), media_type="text/html", headers=headers)

    @routes.get("/static/{version}/{name}", include_in_schema=False)
    def static(version: str, name: str) -> Response:
        content = _static().get(name)
        # Another version's page must not be put together from files of this one.
        if content is None or version != _stamp():
            raise HTTPException(404)
        return Response(
            content,
            media_type=_media_type(name),
            headers={**_HEADERS, "cache-control": "private, max-age=31536000, immutable"},
        )

    return routes


@lru_cache
def _page(theme: str) -> bytes:
    environment = Environment(
        loader=PackageLoader("photofind.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    modules = sorted(name for name in _static() if name.endswith(".js"))
    page = environment.get_template("page.html").render(
        version=__version__,
        static=f"/static/{_stamp()}",
        modules=modules,
        theme=theme,
        suffixes=" ".join(sorted(PHOTO_SUFFIXES)),
    )
    return page.encode()


@lru_cache
def _static() -> dict[str, bytes]:
    """Return the static files by their names: they are few, and small."""
    folder = files("photofind.web") / "static"
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


@lru_cache
def _stamp() -> str:
    """Return what stands in the addresses of static files, and changes when one of them does."""
    digest = hashlib.sha256()
    for name, content in sorted(_static().items()):
        digest.update(b"%s %d\n" % (name.encode(), len(content)))
        digest.update(content)
    return digest.hexdigest()[:16]


def _media_type(name: str) -> str:
    suffix = name[name.rfind(".") :]
    return _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
