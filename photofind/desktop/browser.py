"""Opening the page in the browser."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

from photofind.errors import LibraryError
from photofind.query_fields import url_parameters
from photofind.system.programs import has_display

if TYPE_CHECKING:
    from photofind.model import Query
    from photofind.operations import Operations

__all__ = ["open_in_browser", "page_path"]


def page_path(client: Operations, query: Query) -> str:
    """Return the path of the page that shows a query, or of the start page for an empty query.

    A photo in the library is given by its id (``like=5``), any other by its path, percent-encoded
    (``path=%2Fhome...``). The parameters of the other fields are in `photofind.query_fields`.
    """
    query = replace(query, like=_by_id(client, query.like), unlike=_by_id(client, query.unlike))
    parts = [f"{name}={_encoded(str(value))}" for name, value in url_parameters(query)]
    return "/?" + "&".join(parts) if parts else "/"


def open_in_browser(address: str) -> bool:
    """Open an address in the browser; return whether that succeeded."""
    import webbrowser

    if not (has_display() or os.environ.get("BROWSER")):
        return False  # webbrowser would only find a text browser, which shows no photos.
    with suppress(webbrowser.Error), _silence():
        return webbrowser.open(address)
    return False


def _by_id(client: Operations, photos: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Replace the paths of photos that are embedded in the library by their ids."""
    return tuple(photo if isinstance(photo, int) else _reference(client, photo) for photo in photos)


def _reference(client: Operations, path: str) -> int | str:
    with suppress(LibraryError):
        details = client.photo(path)
        return details.id if details.failure is None else path
    return path


def _encoded(text: str) -> str:
    return quote_from_bytes(os.fsencode(text), safe="")


@contextmanager
def _silence() -> Iterator[None]:
    """Discard a browser's output, unless $BROWSER is set: it may need the terminal."""
    if os.environ.get("BROWSER") or sys.platform == "win32":
        yield
        return
    copies = {number: os.dup(number) for number in (1, 2)}
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in copies:
            os.dup2(null, number)
        yield
    finally:
        for number, copy in copies.items():
            os.dup2(copy, number)
            os.close(copy)
        os.close(null)
