"""Caja (MATE): scripts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from photofind.desktop.file_managers.menu import KNOWN_LABEL, LABEL
from photofind.desktop.file_managers.scripts import script
from photofind.desktop.folders import config_folder
from photofind.desktop.integration import OwnFile, OwnFiles

__all__ = ["Caja"]


class Caja(OwnFiles):
    """Scripts in Caja's menu "Scripts"."""

    name = "caja"
    title = "Caja"
    where = f"right-click a photo, Scripts > {LABEL}"
    programs = ("caja",)

    def files(self) -> Mapping[Path, OwnFile]:
        """Return the scripts for photos and for a folder."""
        uris, folder = "CAJA_SCRIPT_SELECTED_URIS", config_folder() / "caja/scripts"
        return {
            folder / LABEL: script(self.command.similar_by_uri, uris),
            folder / KNOWN_LABEL: script(self.command.known, uris),
        }
