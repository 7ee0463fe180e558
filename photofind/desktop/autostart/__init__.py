"""What starts the daemon when its user logs in: one module a platform's service."""

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
    """Return all that could start the daemon of ``home`` on this platform, the best first."""
    if sys.platform == "win32":
        return [WindowsRun(home)]
    if sys.platform == "darwin":
        return [Launchd(home)]
    return [Systemd(home), XdgAutostart(home)]


def autostart(home: Home) -> Autostart:
    """Return what starts the daemon of ``home``, or is best able to."""
    known = services(home)
    installed = (one for one in known if one.status() is not State.ABSENT)
    able = (one for one in known if one.is_present())
    return next(installed, None) or next(able, known[-1])
