"""Dolphin (KDE Plasma): a service menu, in the folders of Plasma 6 and Plasma 5."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from photofind.desktop.file_managers.menu import ICON, LABEL
from photofind.desktop.folders import data_folder
from photofind.desktop.integration import MARK, OwnFile, OwnFiles
from photofind.desktop.mime_types import PHOTO_MIME_TYPES

__all__ = ["Dolphin"]

_MENU = """\
# {mark}
[Desktop Entry]
Type=Service
X-KDE-ServiceTypes=KonqPopupMenu/Plugin
X-KDE-Priority=TopLevel
MimeType={mime_types};
Actions=photofindSimilar;

[Desktop Action photofindSimilar]
Name={label}
Icon={icon}
Exec={command} %F
"""


class Dolphin(OwnFiles):
    """A service menu; every Plasma version shows one of the two files."""

    name = "dolphin"
    title = "Dolphin"
    where = f"right-click a photo, {LABEL}"
    programs = ("dolphin",)

    def files(self) -> Mapping[Path, OwnFile]:
        """Return the menu in both folders; Plasma 6 requires it to be executable."""
        text = _MENU.format(
            mark=MARK,
            mime_types=";".join(PHOTO_MIME_TYPES),
            label=LABEL,
            icon=ICON,
            command=self.command.similar.for_key_file(),
        )
        file = OwnFile(os.fsencode(text), executable=True)
        folders = ("kio/servicemenus", "kservices5/ServiceMenus")
        return {data_folder() / folder / "photofind-similar.desktop": file for folder in folders}
