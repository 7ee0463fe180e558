"""Nemo (Cinnamon): actions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from photofind.desktop.file_managers.menu import (
    ICON,
    KNOWN_LABEL,
    KNOWN_TOOLTIP,
    LABEL,
    TOOLTIP,
)
from photofind.desktop.folders import data_folder
from photofind.desktop.integration import MARK, OwnFile, OwnFiles
from photofind.images.formats import PHOTO_SUFFIXES

__all__ = ["Nemo"]

# Nemo mangles line breaks in the paths of %F. URIs contain no line breaks or quotation marks.
_ACTION = """\
# {mark}
[Nemo Action]
Active=true
Name={label}
Comment={tooltip}
Icon-Name={icon}
Exec={command} %U
Quote=double
Selection={selection}
Extensions={extensions};
"""


class Nemo(OwnFiles):
    """Actions in Nemo's menus of photos and folders."""

    name = "nemo"
    title = "Nemo"
    where = f"right-click a photo, {LABEL}"
    programs = ("nemo",)

    def files(self) -> Mapping[Path, OwnFile]:
        """Return the actions for photos and for a folder."""
        similar = _ACTION.format(
            mark=MARK,
            label=LABEL,
            tooltip=TOOLTIP,
            icon=ICON,
            command=self.command.similar_by_uri.for_key_file(),
            selection="notnone",
            extensions=";".join(suffix[1:] for suffix in sorted(PHOTO_SUFFIXES)),
        )
        known = _ACTION.format(
            mark=MARK,
            label=KNOWN_LABEL,
            tooltip=KNOWN_TOOLTIP,
            icon=ICON,
            command=self.command.known.for_key_file(),
            selection="s",
            extensions="dir",
        )
        folder = data_folder() / "nemo/actions"
        return {
            folder / "photofind-similar.nemo_action": OwnFile(os.fsencode(similar)),
            folder / "photofind-known.nemo_action": OwnFile(os.fsencode(known)),
        }
