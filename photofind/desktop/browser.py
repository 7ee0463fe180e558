"""Opening the page in the browser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

from photofind.errors import DesktopError, LibraryError
from photofind.query_fields import url_parameters
from photofind.system.programs import has_display, start_detached

if TYPE_CHECKING:
    from photofind.daemon.client import Client
    from photofind.model import Query
    from photofind.operations import Operations

__all__ = ["FIND_PAGE", "known_page_path", "page_path", "show_page"]

FIND_PAGE = "/?find"
"""The path of the page with the cursor in its search box."""


def page_path(client: Operations, query: Query) -> str:
    """Return the path of the page that shows a query, or of the start page for an empty query.

    A photo in the library is given by its id (``like=5``), any other by its path, percent-encoded
    (``path=%2Fhome...``). The parameters of the other fields are in `photofind.query_fields`.
    """
    query = replace(query, like=_by_id(client, query.like), unlike=_by_id(client, query.unlike))
    parts = [f"{name}={_encoded(str(value))}" for name, value in url_parameters(query)]
    return "/?" + "&".join(parts) if parts else "/"


def known_page_path(folder: str) -> str:
    """Return the path of the page that says which photos of a folder are new."""
    return f"/?view=known&folder={_encoded(folder)}"


def show_page(client: Client, path: str) -> bool:
    """Open a page of the daemon in the browser; return whether that succeeded.

    The browser is given a file that leads on to the page (`photofind.daemon.doors`).
    """
    if os.environ.get("BROWSER"):
        return _open(Path(client.door(path)).as_uri())
    if not has_display():
        return False  # webbrowser would only find a text browser, which shows no photos.
    browser = _handler("x-scheme-handler/http")
    door = Path(client.door(path, snap=_snap_of(browser))).as_uri()
    # Files of this type may be opened by an editor.
    if browser and browser != _handler("text/html"):
        with suppress(DesktopError):
            start_detached(["gtk-launch", browser, door])
            return True
    return _open(door)


def _open(address: str) -> bool:
    import webbrowser

    with suppress(webbrowser.Error), _silence():
        return webbrowser.open(address)
    return False


def _handler(kind: str) -> str | None:
    """Return the desktop entry that opens a type; None if there is none, or no such thing."""
    if sys.platform in ("win32", "darwin") or not shutil.which("xdg-mime"):
        return None
    with suppress(OSError, subprocess.SubprocessError):
        command = ["xdg-mime", "query", "default", kind]
        run = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
        return run.stdout.strip() or None
    return None


def _snap_of(entry: str | None) -> str | None:
    """Return the snap that a desktop entry is of, if it is of one that keeps files here."""
    found = re.fullmatch(r"([a-z0-9-]+)_[\w.-]+\.desktop", entry or "")
    if found and (Path.home() / "snap" / found[1] / "common").is_dir():
        return found[1]
    return None


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
