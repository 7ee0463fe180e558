"""Caja (MATE): a script."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from photofind.desktop.file_managers.menu import LABEL
from photofind.desktop.file_managers.scripts import script
from photofind.desktop.folders import config_folder
from photofind.desktop.integration import OwnFile, OwnFiles

__all__ = ["Caja"]


class Caja(OwnFiles):
    """A script in Caja's menu "Scripts"."""

    name = "caja"
    title = "Caja"
    where = f"right-click a photo, Scripts > {LABEL}"
    programs = ("caja",)

    def files(self) -> Mapping[Path, OwnFile]:
        """Return the script."""
        uris = "CAJA_SCRIPT_SELECTED_URIS"
        return {config_folder() / "caja/scripts" / LABEL: script(self.command, uris)}
