"""An XDG autostart entry."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from photofind.daemon.service import command, configuration_folder
from photofind.desktop.autostart.base import FileAutostart, template

__all__ = ["XdgAutostart"]

_RESERVED = set(" \t\n\r\"'\\><~|&;$*?#()`=")


class XdgAutostart(FileAutostart):
    """The desktop's autostart, for sessions without systemd.

    See the Desktop Application Autostart Specification of freedesktop.org.
    """

    name = "xdg"
    effect = "the desktop starts it when you log in"

    def is_present(self) -> bool:
        """Return whether this is a desktop session."""
        return bool(os.environ.get("XDG_CURRENT_DESKTOP") or os.environ.get("DISPLAY"))

    def files(self) -> Mapping[Path, bytes | Path]:
        """Return the desktop entry."""
        line = " ".join(map(_quoted, command(self.home)))
        # The value of the entry is a string, in which a backslash begins an escape.
        line = line.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        path = configuration_folder() / "autostart" / f"{self.service}-daemon.desktop"
        return {path: template("photofind.desktop", command=line.replace("\t", "\\t"))}


def _quoted(word: str) -> str:
    """Return a word quoted for ``Exec`` by the Desktop Entry Specification."""
    if word and not set(word) & _RESERVED:
        return word.replace("%", "%%")
    escaped = "".join("\\" + c if c in '"`$\\' else c for c in word)
    return '"' + escaped.replace("%", "%%") + '"'
