"""The folder that becomes an AppImage; the release job packs it with appimagetool."""

from __future__ import annotations

import shutil
from pathlib import Path

from building.project import PACKAGING

__all__ = ["build_app_directory"]


def build_app_directory(tree: Path, usr: Path, folder: Path) -> Path:
    """Build the folder anew, and return it.

    Its entry in menus starts ``photofind`` by name, as the specification of AppImages wants it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(tree, folder / "opt/photofind", symlinks=True)
    shutil.copytree(usr / "share", folder / "usr/share", symlinks=True)
    run = folder / "AppRun"
    shutil.copy(PACKAGING / "linux" / "AppRun", run)
    run.chmod(0o755)
    entry = (usr / "share/applications/photofind.desktop").read_text("utf-8")
    (folder / "photofind.desktop").write_text(entry.replace("/usr/bin/photofind", "photofind"))
    icons = usr / "share/icons/hicolor"
    shutil.copy(icons / "256x256/apps/photofind.png", folder / "photofind.png")
    (folder / ".DirIcon").symlink_to("photofind.png")
    return folder
