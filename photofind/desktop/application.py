"""photofind in the applications menu: desktop entry, icons and AppStream metainfo."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.resources import files as resources
from pathlib import Path

from photofind.desktop.command import Command
from photofind.desktop.folders import data_folder
from photofind.desktop.integration import MARK, OwnFile, OwnFiles, State
from photofind.desktop.mime_types import PHOTO_MIME_TYPES

__all__ = ["Application", "desktop_entry"]

_ID = "photofind.desktop"
_SIZES = (16, 22, 24, 32, 48, 64, 128, 256)

_ENTRY = """\
# {mark}
[Desktop Entry]
Type=Application
Version=1.0
Name=photofind
GenericName=Photo Finder
Comment=Show me the photos like this one
Icon=photofind
Exec={command} %F
Terminal=false
Categories=Graphics;Photography;
Keywords=photos;pictures;images;similar;duplicates;search;
StartupNotify=false
InitialPreference=0
"""


class Application(OwnFiles):
    """The entry in the applications menu, and in "Open with" for photos.

    It never becomes the default program for photos: types without another default program are left
    out of the entry.
    """

    name = "menu"
    title = "Applications menu"
    where = "in the applications menu; right-click a photo, Open with"

    def __init__(self, command: Command) -> None:
        super().__init__(command)
        self._mime_types = _claimed()

    def is_present(self) -> bool:
        """Return True: every freedesktop.org desktop has an applications menu."""
        return True

    def files(self) -> Mapping[Path, OwnFile]:
        """Return the desktop entry, the icons and the metainfo."""
        data, icons = data_folder(), data_folder() / "icons/hicolor"
        entry = desktop_entry(self.command.with_words("gallery", "--"), self._mime_types)
        return {
            data / "applications" / _ID: OwnFile(os.fsencode(entry)),
            data / "metainfo/photofind.metainfo.xml": _asset("photofind.metainfo.xml"),
            icons / "scalable/apps/photofind.svg": _asset("photofind.svg"),
            **{
                icons / f"{size}x{size}/apps/photofind.png": _asset(f"photofind-{size}.png")
                for size in _SIZES
            },
        }

    def install(self) -> bool:
        """Write the files and refresh the desktop's caches."""
        if self.status() is State.INSTALLED:
            return False
        self._mime_types = PHOTO_MIME_TYPES
        super().install()
        _refresh()
        defaults = {kind: _default_program(kind) for kind in PHOTO_MIME_TYPES}
        self._mime_types = tuple(kind for kind, program in defaults.items() if program != _ID)
        if self._mime_types != PHOTO_MIME_TYPES:
            super().install()
            _refresh()
        return True

    def remove(self) -> bool:
        """Remove the files and refresh the desktop's caches."""
        removed = super().remove()
        if removed:
            _refresh()
        return removed


def desktop_entry(command: Command, mime_types: Iterable[str]) -> str:
    """Return the desktop entry that runs ``command`` for files of these types."""
    entry = _ENTRY.format(mark=MARK, command=command.for_key_file())
    kinds = "".join(f"{kind};" for kind in mime_types)
    return f"{entry}MimeType={kinds}\n" if kinds else entry


def _asset(name: str) -> OwnFile:
    return OwnFile(resources("photofind.desktop").joinpath("assets", name).read_bytes())


def _claimed() -> tuple[str, ...]:
    """Return the MIME types in the installed entry; all if it is not installed."""
    try:
        entry = (data_folder() / "applications" / _ID).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return PHOTO_MIME_TYPES
    named = re.search("^MimeType=(.*)$", entry, re.MULTILINE)
    return tuple(kind for kind in PHOTO_MIME_TYPES if named and kind in named[1].split(";"))


def _refresh() -> None:
    """Refresh the caches of MIME types and icons."""
    applications, icons = data_folder() / "applications", data_folder() / "icons/hicolor"
    if applications.exists():
        _run("update-desktop-database", "-q", str(applications))
        cache = applications / "mimeinfo.cache"
        with suppress(OSError):
            if cache.read_text("utf-8").strip() == "[MIME Cache]" and not any(
                applications.glob("*.desktop")
            ):
                cache.unlink()
                applications.rmdir()
    with suppress(OSError):
        os.utime(icons)  # Makes GTK reread the icons.


def _default_program(mime_type: str) -> str | None:
    """Return the desktop entry of the default program for a MIME type."""
    output = _run("gio", "mime", mime_type)
    first = output.partition("\n")[0]
    return first.rpartition(": ")[2].strip() if ": " in first else None


def _run(program: str, *arguments: str) -> str:
    """Return the output of a program; empty if it is missing or fails."""
    if shutil.which(program) is None:
        return ""
    done = subprocess.run(
        [program, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
        check=False,
        env=os.environ | {"LC_ALL": "C"},
    )
    return os.fsdecode(done.stdout) if done.returncode == 0 else ""
