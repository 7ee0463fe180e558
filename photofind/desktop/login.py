"""Starting the daemon and the tray icon at login."""

from __future__ import annotations

from photofind.desktop.autostart import Autostart, State, autostart, services
from photofind.desktop.autostart.tray import tray_autostart
from photofind.desktop.integrations import Place, change_places
from photofind.errors import PhotofindError
from photofind.paths import Home

__all__ = ["is_on", "list_places", "set_autostart"]

_STATES = {
    State.INSTALLED: "installed",
    State.OUTDATED: "outdated",
    State.ABSENT: "not installed",
}


def list_places(home: Home) -> list[Place]:
    """Return the autostart state of the daemon and the tray icon."""
    return [_daemon(autostart(home)), *change_places([tray_autostart(home)], lambda tray: False)]


def is_on(home: Home) -> bool:
    """Return whether the daemon or the tray icon is started at login."""
    return any(place.state != "not installed" for place in list_places(home))


def set_autostart(home: Home, *, on: bool) -> list[Place]:
    """Start both at login from now on, or neither; return the new state."""
    changed, error = False, None
    try:
        if on:
            changed = autostart(home).install()
        else:
            changed = bool([service for service in services(home) if service.remove()])
    except (PhotofindError, OSError) as trouble:
        error = str(trouble)
    tray = tray_autostart(home)
    trays = change_places([tray], lambda tray: tray.install() if on else tray.remove())
    return [_daemon(autostart(home), changed=changed, error=error), *trays]


def _daemon(service: Autostart, *, changed: bool = False, error: str | None = None) -> Place:
    state = _STATES[service.status()]
    return Place("daemon", "Daemon", service.is_present(), state, service.effect, changed, error)
