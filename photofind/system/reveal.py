"""Opening a file in its default program, or showing it in the file manager."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote_from_bytes

from photofind.errors import DesktopError
from photofind.system.bus import call
from photofind.system.programs import start_detached

__all__ = ["open_file", "show_in_folder"]


def open_file(path: str | os.PathLike[str]) -> None:
    """Open a file or folder in its default program.

    Raises
    ------
    DesktopError
        If it does not exist, or no program opens it.
    """
    where = _present(path)
    if sys.platform == "win32":
        os.startfile(where)
    elif sys.platform == "darwin":
        start_detached(["open", where])
    else:
        # xdg-open fails on names that are not UTF-8, and on a busy machine after it is believed to
        # have succeeded. URIs are always ASCII.
        by_path, by_uri = ["xdg-open", where], ["gio", "open", _uri(where)]
        first, second = (by_path, by_uri) if _is_utf8(where) else (by_uri, by_path)
        try:
            start_detached(first)
        except DesktopError:
            if not shutil.which(second[0]):
                raise
            start_detached(second)


def show_in_folder(path: str | os.PathLike[str]) -> None:
    """Open the folder of a file, with the file selected if the file manager supports that.

    Raises
    ------
    DesktopError
        If it does not exist, or the folder cannot be shown.
    """
    where = _present(path)
    if sys.platform == "win32":
        # Explorer accepts only this quoting; names on Windows cannot contain quotation marks.
        subprocess.Popen(f'explorer /select,"{where}"')
    elif sys.platform == "darwin":
        start_detached(["open", "-R", where])
    else:
        try:
            _show_items(where)
        except DesktopError:
            open_file(Path(where).parent)


def _show_items(path: str) -> None:
    """Ask the running file manager, by freedesktop.org's file manager interface."""
    name, interface = "org.freedesktop.FileManager1", "org.freedesktop.FileManager1"
    call(name, "/org/freedesktop/FileManager1", interface, "ShowItems", "ass", [_uri(path)], "")


def _uri(path: str) -> str:
    return "file://" + quote_from_bytes(os.fsencode(path))


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _present(path: str | os.PathLike[str]) -> str:
    where = os.path.abspath(path)  # noqa: PTH100 - Keeps links.
    if not os.path.lexists(where):
        raise DesktopError(
            f"{where} does not exist", "it was moved or deleted, or its drive is not mounted"
        )
    return where
