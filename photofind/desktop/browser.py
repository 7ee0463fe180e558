"""The page, opened in the browser by a link that lets it in once."""

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
    """Return the path of the page that shows a query, or of the first page where it is empty.

    A photo of the library stands in it by its number (``like=5``), any other by its path, byte
    by byte (``path=%2Fhome...``); those that hits should not be like as ``unlike`` and
    ``unpath``. The filters are those of the page: ``folder``, ``since``, ``until``, ``min`` (a
    score), ``extractor``, and ``tag``, of which there may be several.
    """
    parts = []
    for paths, by_number, by_path in ((like, "like", "path"), (unlike, "unlike", "unpath")):
        for path in paths:
            number = _number(client, path)
            parts.append(f"{by_number}={number}" if number else f"{by_path}={_encoded(path)}")
    for name, wanted in filters.items():
        every = wanted if isinstance(wanted, tuple | list) else (wanted,)
        parts += [f"{name}={_encoded(str(value))}" for value in every if value is not None]
    return "/?" + "&".join(parts) if parts else "/"


def open_in_browser(address: str) -> bool:
    """Open an address; return whether there is a browser that took it."""
    import webbrowser

    if not (has_display() or os.environ.get("BROWSER")):
        return False  # What it finds then is a browser for terminals, which shows no photos.
    with suppress(webbrowser.Error), _silence():
        return webbrowser.open(address)
    return False


def _number(client: Client, path: str) -> int | None:
    """Return the number of a photo that the library can find the like of; None for others."""
    with suppress(LibraryError):
        details = client.photo(path)
        return details.id if details.failure is None else None
    return None


def _encoded(text: str) -> str:
    return quote_from_bytes(os.fsencode(text), safe="")


@contextmanager
def _silence() -> Iterator[None]:
    """Let what a browser has to say go nowhere; one that was chosen may want the terminal."""
    if os.environ.get("BROWSER") or sys.platform == "win32":
        yield
        return
    kept = {number: os.dup(number) for number in (1, 2)}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in kept:
            os.dup2(nowhere, number)
        yield
    finally:
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)
