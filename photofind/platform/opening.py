"""A file is opened with what the system opens such files with, or shown in its folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote_from_bytes

from photofind.errors import LibraryError

__all__ = ["open_file", "reveal_file"]

# A command that failed has said so by then; one that still runs is the viewer itself.
PATIENCE = 2.0


def open_file(path: str) -> None:
    """Open a file as a double click does.

    Raises
    ------
    LibraryError
        Where it is not there, or nothing opens it.
    """
    _check_presence(path)
    if sys.platform == "win32":
        os.startfile(path)
    elif sys.platform == "darwin":
        _run(["open", path], path)
    else:
        _run(["xdg-open", path], path)


def reveal_file(path: str) -> None:
    """Show a file in its folder: selected, where the file manager can do that.

    Raises
    ------
    LibraryError
        Where it is not there, or there is no file manager.
    """
    _check_presence(path)
    if sys.platform == "win32":
        # Explorer takes this as one argument of its own kind, and returns 1 though all went well.
        subprocess.Popen(f'explorer /select,"{path}"')
    elif sys.platform == "darwin":
        _run(["open", "-R", path], path)
    elif not _reveal_by_bus(path):
        _run(["xdg-open", str(Path(path).parent)], path)


def _reveal_by_bus(path: str) -> bool:
    """Ask the file manager over the session bus; return whether one answered."""
    # Commas separate the items of an array, and are encoded here with all else.
    uri = "file://" + quote_from_bytes(os.fsencode(path))
    command = [
        "dbus-send", "--session", "--print-reply", "--reply-timeout=3000",
        "--dest=org.freedesktop.FileManager1", "/org/freedesktop/FileManager1",
        "org.freedesktop.FileManager1.ShowItems", f"array:string:{uri}", "string:",
    ]  # fmt: skip
    try:
        return subprocess.run(command, capture_output=True, timeout=5, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _run(command: Sequence[str], path: str) -> None:
    """Run a command that outlives this process, and see whether it fails at once."""
    if shutil.which(command[0]) is None:
        raise LibraryError(f"{command[0]} is not installed, so {path} cannot be opened")
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    said = [b""]

    def listen() -> None:  # To the end, and no longer than one line is kept: it may live long.
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                said[0] = line.strip() or said[0]
        process.wait()

    listener = threading.Thread(target=listen, daemon=True, name=command[0])
    listener.start()
    listener.join(PATIENCE)
    if process.poll():
        listener.join(PATIENCE)
        raise LibraryError(
            f"{path} cannot be opened: {os.fsdecode(said[0]) or f'{command[0]} failed'}",
            "see which program opens such files, and whether there is a display",
        )


def _check_presence(path: str) -> None:
    if not os.path.lexists(path):
        raise LibraryError(f"{path} is not there", "connect the drive that it is on")
