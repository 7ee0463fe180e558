"""Doors: files by which a browser is given a link that nobody else may see.

Every user of the machine can read the command line of a browser, so the link must not be on it. The
browser is given a file instead. Only the user can read it, its name cannot be guessed, and it leads
on to the link. It is removed once the link was used or is too old.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from html import escape
from pathlib import Path

from photofind.daemon.links import LINK_SECONDS
from photofind.errors import RequestError
from photofind.paths import Home, private_folder, remove_file
from photofind.system.disk import explain_disk_errors

__all__ = ["Doors", "snap_folder"]

_PREFIX = "photofind-door-"
_PATTERN = f"{_PREFIX}*.html"


def snap_folder(snap: str) -> Path:
    """Return the folder of this user that a browser from a snap can read.

    Snaps cannot read hidden folders, and most homes are in one.
    """
    return Path.home() / "snap" / snap / "common"


class Doors:
    """The doors of one daemon. Threads may share it."""

    def __init__(self, home: Home) -> None:
        self._folder = home.doors
        self._lock = threading.Lock()
        self._open: dict[str, tuple[Path, threading.Timer]] = {}

    def clear(self) -> None:
        """Remove the doors that an ended daemon has left."""
        for door in self._folder.glob(_PATTERN):
            remove_file(door)
        for door in (Path.home() / "snap").glob(f"*/common/{_PATTERN}"):
            # A daemon with another home may have made it just now.
            if time.time() - door.lstat().st_mtime > LINK_SECONDS:
                remove_file(door)

    def make(self, code: str, address: str, snap: str | None) -> Path:
        """Write the door to the link with this code, at this address.

        Parameters
        ----------
        snap
            The name of the snap that the browser is from, if it is from one.

        Raises
        ------
        RequestError
            There is no such snap.
        LibraryError
            The disk refuses.
        """
        folder = private_folder(self._folder) if snap is None else _existing(snap)
        path = folder / f"{_PREFIX}{secrets.token_urlsafe(24)}.html"
        with explain_disk_errors(folder):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
            with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(_page(address))
        timer = threading.Timer(LINK_SECONDS, self.close, [code])
        timer.daemon = True
        with self._lock:
            self._open[code] = path, timer
        timer.start()
        return path

    def close(self, code: str) -> None:
        """Remove the door to the link with this code, if it has one."""
        with self._lock:
            path, timer = self._open.pop(code, (None, None))
        if path is not None and timer is not None:
            timer.cancel()
            remove_file(path)

    def close_all(self) -> None:
        """Remove all doors."""
        for code in list(self._open):
            self.close(code)


def _existing(snap: str) -> Path:
    folder = snap_folder(snap)
    if not re.fullmatch("[a-z0-9-]+", snap) or not folder.is_dir():
        raise RequestError(f"there is no folder of a snap {snap!r}")
    return folder


def _page(address: str) -> str:
    there = escape(address)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>photofind</title>"
        "<meta name=referrer content=no-referrer>"
        f'<meta http-equiv=refresh content="0; url={there}">'
        f'<p><a href="{there}">Open photofind</a></p>'
    )
