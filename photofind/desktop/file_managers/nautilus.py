"""Nautilus (GNOME Files): a script, and an extension if nautilus-python is installed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files as resources
from itertools import chain
from pathlib import Path

from photofind.desktop.file_managers.menu import (
    ICON,
    KNOWN_LABEL,
    KNOWN_TOOLTIP,
    LABEL,
    TOOLTIP,
)
from photofind.desktop.file_managers.scripts import script
from photofind.desktop.folders import data_folder
from photofind.desktop.integration import MARK, OwnFile, OwnFiles
from photofind.desktop.mime_types import PHOTO_MIME_TYPES

__all__ = ["Nautilus"]

_LIBRARIES = (Path("/usr/lib"), Path("/usr/lib64"), Path("/usr/local/lib"))
_LOADER = "nautilus/extensions-*/libnautilus-python.so"


class Nautilus(OwnFiles):
    """A script under "Scripts"; the extension adds the same entry to the top of the menu."""

    name = "nautilus"
    title = "Files (Nautilus)"
    where = f"right-click a photo, Scripts > {LABEL}; at the top with nautilus-python"
    programs = ("nautilus",)

    def files(self) -> Mapping[Path, OwnFile]:
        """Return the scripts and, if nautilus-python is installed, the extension."""
        uris, folder = "NAUTILUS_SCRIPT_SELECTED_URIS", data_folder() / "nautilus/scripts"
        files = {
            folder / LABEL: script(self.command.similar_by_uri, uris),
            folder / KNOWN_LABEL: script(self.command.known, uris),
        }
        if _loads_extensions():
            files |= dict([self.extension()])
        return files

    def outdated_files(self) -> set[Path]:
        """Return the path of the extension, left over if nautilus-python was uninstalled."""
        return {_extension_path()}

    def extension(self) -> tuple[Path, OwnFile]:
        """Return the extension for nautilus-python, and its path."""
        template = resources(__package__).joinpath("nautilus_extension.py.template")
        values = {
            "MARK": MARK,
            "COMMAND": self.command.similar.words,
            "LABEL": LABEL,
            "TOOLTIP": TOOLTIP,
            "KNOWN_COMMAND": self.command.known.words,
            "KNOWN_LABEL": KNOWN_LABEL,
            "KNOWN_TOOLTIP": KNOWN_TOOLTIP,
            "ICON": ICON,
            "MIME_TYPES": PHOTO_MIME_TYPES,
        }
        text = template.read_text("utf-8")
        for name, value in values.items():
            # As JSON, which is ASCII and a valid Python literal for these values.
            text = text.replace(f"<{name}>", MARK if name == "MARK" else json.dumps(value))
        return _extension_path(), OwnFile(text.encode())


def _extension_path() -> Path:
    return data_folder() / "nautilus-python/extensions/photofind_similar.py"


def _loads_extensions() -> bool:
    """Return whether nautilus-python is installed."""
    found = (folder.glob(pattern) for folder in _LIBRARIES for pattern in (_LOADER, f"*/{_LOADER}"))
    return any(True for _ in chain.from_iterable(found))
