"""Dolphin (KDE Plasma): a service menu, in the folders of Plasma 6 and Plasma 5."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from photofind.desktop.file_managers.menu import ICON, KNOWN_LABEL, LABEL
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
Actions={action};

[Desktop Action {action}]
Name={label}
Icon={icon}
Exec={command} {files}
"""


class Dolphin(OwnFiles):
    """Service menus of photos and folders; every Plasma version shows those of one folder."""

    name = "dolphin"
    title = "Dolphin"
    where = f"right-click a photo, {LABEL}"
    programs = ("dolphin",)

    def files(self) -> Mapping[Path, OwnFile]:
        """Return the menus in both folders; Plasma 6 requires them to be executable."""
        similar = _MENU.format(
            mark=MARK,
            mime_types=";".join(PHOTO_MIME_TYPES),
            action="photofindSimilar",
            label=LABEL,
            icon=ICON,
            command=self.command.similar.for_key_file(),
            files="%F",
        )
        known = _MENU.format(
            mark=MARK,
            mime_types="inode/directory",
            action="photofindKnown",
            label=KNOWN_LABEL,
            icon=ICON,
            command=self.command.known.for_key_file(),
            files="%f",
        )
        menus = {"photofind-similar.desktop": similar, "photofind-known.desktop": known}
        return {
            data_folder() / folder / name: OwnFile(os.fsencode(text), executable=True)
            for folder in ("kio/servicemenus", "kservices5/ServiceMenus")
            for name, text in menus.items()
        }
