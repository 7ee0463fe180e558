"""PCManFM (LXDE) and PCManFM-Qt (LXQt): an action by the DES-EMA specification."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from photofind.desktop.file_managers.menu import ICON, LABEL
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
SelectionCount=>0
Exec={command} %F
"""


class PCManFM(OwnFiles):
    """An action in the menu of photos; PCManFM needs the package libfm-modules for it."""

    name = "pcmanfm"
    title = "PCManFM"
    where = f"right-click a photo, {LABEL}"
    programs = ("pcmanfm", "pcmanfm-qt")

    def files(self) -> Mapping[Path, OwnFile]:
        """Return the action."""
        text = _ACTION.format(
            mark=MARK,
            label=LABEL,
            icon=ICON,
            mime_types=";".join(PHOTO_MIME_TYPES),
            command=self.command.similar.for_key_file(),
        )
        path = data_folder() / "file-manager/actions/photofind-similar.desktop"
        return {path: OwnFile(os.fsencode(text))}
