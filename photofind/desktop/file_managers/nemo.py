"""Nemo (Cinnamon): an action."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from photofind.desktop.file_managers.menu import ICON, LABEL, TOOLTIP
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
Selection=notnone
Extensions={extensions};
"""


class Nemo(OwnFiles):
    """An action in Nemo's menu of photos."""

    name = "nemo"
    title = "Nemo"
    where = f"right-click a photo, {LABEL}"
    programs = ("nemo",)

    def files(self) -> Mapping[Path, OwnFile]:
        """Return the action."""
        text = _ACTION.format(
            mark=MARK,
            label=LABEL,
            tooltip=TOOLTIP,
            icon=ICON,
            command=self.command.similar_by_uri.for_key_file(),
            extensions=";".join(suffix[1:] for suffix in sorted(PHOTO_SUFFIXES)),
        )
        path = data_folder() / "nemo/actions/photofind-similar.nemo_action"
        return {path: OwnFile(os.fsencode(text))}
