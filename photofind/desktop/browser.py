"""Opening the page in the browser."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

from photofind.errors import LibraryError
from photofind.system.programs import has_display

if TYPE_CHECKING:
    from photofind.daemon.client import Client

__all__ = ["open_in_browser", "page_path"]


def page_path(
    client: Client,
    like: Sequence[str],
    unlike: Sequence[str],
    filters: Mapping[str, str | float | Sequence[str] | None],
) -> str:
    """Return the path of the page that shows a query, or of the start page for an empty query.

    A photo in the library is given by its id (``like=5``), any other by its path, percent-encoded
    (``path=%2Fhome...``); photos that hits should not be like are given as ``unlike`` and
    ``unpath``. The filters are those of the page: ``folder``, ``since``, ``until``, ``min`` (a
    score), ``extractor``, and ``tag``, which can have several values.
    """
    parts = []
    for paths, by_id, by_path in ((like, "like", "path"), (unlike, "unlike", "unpath")):
        for path in paths:
            photo_id = _photo_id(client, path)
            parts.append(f"{by_id}={photo_id}" if photo_id else f"{by_path}={_encoded(path)}")
    for name, wanted in filters.items():
        values = wanted if isinstance(wanted, tuple | list) else (wanted,)
        parts += [f"{name}={_encoded(str(value))}" for value in values if value is not None]
    return "/?" + "&".join(parts) if parts else "/"


def open_in_browser(address: str) -> bool:
    """Open an address in the browser; return whether that succeeded."""
    import webbrowser

    if not (has_display() or os.environ.get("BROWSER")):
        return False  # webbrowser would only find a text browser, which shows no photos.
    with suppress(webbrowser.Error), _silence():
        return webbrowser.open(address)
    return False


def _photo_id(client: Client, path: str) -> int | None:
    """Return the id of a photo that is embedded in the library; None for others."""
    with suppress(LibraryError):
        details = client.photo(path)
        return details.id if details.failure is None else None
    return None


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
