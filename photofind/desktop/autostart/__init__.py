"""Starting the daemon at login, with one module per service."""

from __future__ import annotations

import sys

from photofind.desktop.autostart.base import Autostart, State
from photofind.desktop.autostart.launchd import Launchd
from photofind.desktop.autostart.systemd import Systemd
from photofind.desktop.autostart.windows import WindowsRun
from photofind.desktop.autostart.xdg import XdgAutostart
from photofind.paths import Home

__all__ = ["Autostart", "State", "autostart", "services"]


def services(home: Home) -> list[Autostart]:
    """Return the services of this platform that can start the daemon of ``home``, best first."""
    if sys.platform == "win32":
        return [WindowsRun(home)]
    if sys.platform == "darwin":
        return [Launchd(home)]
    return [Systemd(home), XdgAutostart(home)]


def autostart(home: Home) -> Autostart:
    """Return the service that starts the daemon of ``home``, or the best one for it."""
    candidates = services(home)
    installed = (service for service in candidates if service.status() is not State.ABSENT)
    able = (service for service in candidates if service.is_present())
    return next(installed, None) or next(able, candidates[-1])
