"""A file in the program that it is usually opened with, or selected in the file manager."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote_from_bytes

from photofind.errors import DesktopError
from photofind.system.bus import call
from photofind.system.programs import run_alone

__all__ = ["open_file", "show_in_folder"]


def open_file(path: str | os.PathLike[str]) -> None:
    """Open a file, or a folder, as a double-click does.

    Raises
    ------
    DesktopError
        Where it is not there, or no program opens it.
    """
    where = _present(path)
    if sys.platform == "win32":
        os.startfile(where)
    elif sys.platform == "darwin":
        run_alone(["open", where])
    else:
        # xdg-open fails on names that are not UTF-8, and on a busy machine after it is believed to
        # have succeeded. URIs are always ASCII.
        by_path, by_uri = ["xdg-open", where], ["gio", "open", _uri(where)]
        first, second = (by_path, by_uri) if _is_utf8(where) else (by_uri, by_path)
        try:
            run_alone(first)
        except DesktopError:
            if not shutil.which(second[0]):
                raise
            run_alone(second)


def show_in_folder(path: str | os.PathLike[str]) -> None:
    """Open the folder of a file with the file selected, where the file manager can.

    Raises
    ------
    DesktopError
        Where it is not there, or no folder can be shown.
    """
    where = _present(path)
    if sys.platform == "win32":
        # It takes no other quoting than this, and no name on Windows holds a quotation mark.
        subprocess.Popen(f'explorer /select,"{where}"')
    elif sys.platform == "darwin":
        run_alone(["open", "-R", where])
    else:
        try:
            _show_items(where)
        except DesktopError:
            open_file(Path(where).parent)


def _show_items(path: str) -> None:
    """Ask the file manager, whichever it is; see file-manager-interface of freedesktop.org."""
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
    where = os.path.abspath(path)  # noqa: PTH100 - Links stay as they are.
    if not os.path.lexists(where):
        raise DesktopError(
            f"{where} is not there", "it was moved or removed, or its drive is not mounted"
        )
    return where
