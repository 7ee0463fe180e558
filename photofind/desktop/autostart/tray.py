"""Starting the tray icon at login."""

from __future__ import annotations

import os
import plistlib
import sys
from collections.abc import Mapping
from pathlib import Path

from photofind.daemon.service import service_name
from photofind.desktop.command import Command
from photofind.desktop.folders import config_folder
from photofind.desktop.integration import MARK, Integration, OwnFile, OwnFiles, State
from photofind.desktop.registry import Registry, user_registry
from photofind.paths import Home

__all__ = ["TrayInLaunchd", "TrayInRegistry", "TrayInXdg", "tray_autostart"]

_ENTRY = """\
# {mark}
[Desktop Entry]
Type=Application
Name=photofind
Comment=Shows the icon of photofind in the panel
Icon=photofind
Exec={command}
Terminal=false
NoDisplay=true
X-GNOME-Autostart-enabled=true
"""

_RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"


def tray_autostart(home: Home, command: Command | None = None) -> Integration:
    """Return the integration that starts the tray icon at login on this platform."""
    command, entry = command or Command.installed(), f"{service_name(home)}-tray"
    if sys.platform == "win32":
        return TrayInRegistry(command, entry)
    elif sys.platform == "darwin":  # noqa: RET505
        return TrayInLaunchd(command, entry)
    else:
        return TrayInXdg(command, entry)


class _TrayFile(OwnFiles):
    """A file that starts the tray icon at login; every session supports it."""

    name = "tray"
    title = "Tray icon"

    def __init__(self, command: Command, entry: str) -> None:
        super().__init__(command)
        self._entry = entry

    def is_present(self) -> bool:
        """Return True."""
        return True


class TrayInXdg(_TrayFile):
    """An XDG autostart entry."""

    where = "in the system tray, from the next login"

    def files(self) -> Mapping[Path, OwnFile]:
        """Return the desktop entry; its command waits for the panel, which may start later."""
        line = self.command.with_words("tray", "--wait").for_key_file()
        text = _ENTRY.format(mark=MARK, command=line)
        path = config_folder() / f"autostart/{self._entry}.desktop"
        return {path: OwnFile(os.fsencode(text))}


class TrayInLaunchd(_TrayFile):
    """A launchd agent for graphical sessions."""

    where = "in the menu bar, from the next login"

    def files(self) -> Mapping[Path, OwnFile]:
        """Return the property list."""
        label = self._entry.replace("-", ".")
        agent = {
            "Comment": MARK,
            "Label": label,
            "LimitLoadToSessionType": "Aqua",
            "ProcessType": "Interactive",
            "ProgramArguments": list(self.command.with_words("tray").words),
            "RunAtLoad": True,
        }
        path = Path.home() / f"Library/LaunchAgents/{label}.plist"
        return {path: OwnFile(plistlib.dumps(agent))}


class TrayInRegistry(Integration):
    """A program that Windows starts at login."""

    name = "tray"
    title = "Tray icon"
    where = "in the taskbar, from the next login"

    def __init__(self, command: Command, entry: str, registry: Registry | None = None) -> None:
        super().__init__(command)
        self._entry = entry
        self._registry = registry or user_registry()

    def is_present(self) -> bool:
        """Return True: every Windows has it."""
        return True

    def install(self) -> bool:
        """Write the value; see :meth:`Integration.install`."""
        if self.status() is State.INSTALLED:
            return False
        self._registry.set_value(_RUN, self._entry, self._line())
        return True

    def remove(self) -> bool:
        """Remove the value."""
        if self.status() is State.ABSENT:
            return False
        self._registry.remove_value(_RUN, self._entry)
        return True

    def status(self) -> State:
        """Compare the value with the expected one."""
        written = self._registry.value(_RUN, self._entry)
        if written is None:
            return State.ABSENT
        return State.INSTALLED if written == self._line() else State.OUTDATED

    def _line(self) -> str:
        return self.command.with_words("tray").for_windows()
