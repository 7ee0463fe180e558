"""The picture, or the copied files, in the clipboard, by what the system has for that."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from photofind.errors import DesktopError
from photofind.system.addresses import local_path

__all__ = ["Clipboard", "read_clipboard"]

_SECONDS = 10.0
_PICTURES = ("image/png", "image/jpeg", "image/webp", "image/tiff", "image/bmp", "image/gif")
_FILES = ("text/uri-list", "x-special/gnome-copied-files")
_NOTHING = "copy a picture, or photos in the file manager, and try again"


@dataclass(frozen=True)
class Clipboard:
    """What is in the clipboard: the paths of copied files, or the bytes of a picture."""

    paths: tuple[str, ...] = ()
    picture: bytes = b""


def read_clipboard() -> Clipboard:
    """Return the picture or the files in the clipboard.

    Raises
    ------
    DesktopError
        There is neither, or a program is missing that reads the clipboard.
    """
    if sys.platform == "win32":
        found = _by_pillow()
    elif sys.platform == "darwin":
        paths = _files_of_macos()
        found = Clipboard(paths) if paths else _by_pillow()
    else:
        found = _of_linux()
    if not found.paths and not found.picture:
        raise DesktopError("there is no picture in the clipboard", _NOTHING)
    return found


def _of_linux() -> Clipboard:
    targets, get = _reader()
    for kind in _FILES:
        if kind in targets:
            lines = os.fsdecode(get(kind)).splitlines()
            paths = tuple(path for line in lines if (path := local_path(line.strip())))
            if paths:
                return Clipboard(paths)
    for kind in _PICTURES:
        if kind in targets:
            return Clipboard(picture=get(kind))
    return Clipboard()


def _reader() -> tuple[list[str], Callable[[str], bytes]]:
    """Return the types that the clipboard offers, and what gives its content as one of them."""
    if os.environ.get("WAYLAND_DISPLAY"):
        program, types, content = "wl-paste", ["--list-types"], ["--no-newline", "--type"]
    elif os.environ.get("DISPLAY"):
        program = "xclip"
        types = ["-selection", "clipboard", "-out", "-target", "TARGETS"]
        content = ["-selection", "clipboard", "-out", "-target"]
    else:
        raise DesktopError("there is no clipboard: no display is in reach")
    if shutil.which(program) is None:
        package = "wl-clipboard" if program == "wl-paste" else program
        raise DesktopError(
            f"the clipboard cannot be read: {program} is not installed",
            f"install {package} with your package manager",
        )
    targets = _output([program, *types]).decode("utf-8", "replace").split()
    return targets, lambda kind: _output([program, *content, kind])


def _output(words: list[str]) -> bytes:
    """Return what a program writes; nothing where the clipboard is empty."""
    try:
        run = subprocess.run(words, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise DesktopError(
            "the program that holds the clipboard does not answer", "copy the picture again"
        ) from None
    except OSError as error:
        raise DesktopError(f"{words[0]} cannot be started: {error.strerror}") from error
    return run.stdout if run.returncode == 0 else b""


def _files_of_macos() -> tuple[str, ...]:
    """Return the path of the file that was copied in Finder."""
    script = "POSIX path of (the clipboard as «class furl»)"
    path = os.fsdecode(_output(["osascript", "-e", script]).rstrip(b"\n"))
    return (path,) if path else ()


def _by_pillow() -> Clipboard:
    from PIL import Image, ImageGrab

    try:
        found = ImageGrab.grabclipboard()
    except (OSError, NotImplementedError) as error:
        raise DesktopError(f"the clipboard cannot be read: {error}") from error
    if isinstance(found, Image.Image):
        stream = io.BytesIO()
        found.save(stream, "PNG")
        return Clipboard(picture=stream.getvalue())
    return Clipboard(tuple(found or ()))
