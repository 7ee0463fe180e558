"""PCManFM (LXDE) and PCManFM-Qt (LXQt): actions by the DES-EMA specification."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from photofind.desktop.file_managers.menu import ICON, KNOWN_LABEL, LABEL
from photofind.desktop.folders import data_folder
from photofind.desktop.integration import MARK, OwnFile, OwnFiles
from photofind.desktop.mime_types import PHOTO_MIME_TYPES

__all__ = ["PCManFM"]

_ACTION = """\
# {mark}
[Desktop Entry]
Type=Action
Name={label}
Icon={icon}
Profiles=photos;

[X-Action-Profile photos]
MimeTypes={mime_types};
SelectionCount={count}
Exec={command} {files}
"""


class PCManFM(OwnFiles):
    """Actions in the menus of photos and folders; PCManFM needs the package libfm-modules."""

    name = "pcmanfm"
    title = "PCManFM"
    where = f"right-click a photo, {LABEL}"
    programs = ("pcmanfm", "pcmanfm-qt")

    def files(self) -> Mapping[Path, OwnFile]:
        """Return the actions for photos and for a folder."""
        similar = _ACTION.format(
            mark=MARK,
            label=LABEL,
            icon=ICON,
            mime_types=";".join(PHOTO_MIME_TYPES),
            count=">0",
            command=self.command.similar.for_key_file(),
            files="%F",
        )
        known = _ACTION.format(
            mark=MARK,
            label=KNOWN_LABEL,
            icon=ICON,
            mime_types="inode/directory",
            count="=1",
            command=self.command.known.for_key_file(),
            files="%f",
        )
        folder = data_folder() / "file-manager/actions"
        return {
            folder / "photofind-similar.desktop": OwnFile(os.fsencode(similar)),
            folder / "photofind-known.desktop": OwnFile(os.fsencode(known)),
        }
