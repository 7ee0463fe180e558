"""Finding the pystray backend that can show a tray icon on this desktop."""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import suppress
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from photofind.errors import DesktopError
from photofind.system.bus import call

__all__ = ["backend"]

_PAGE = "use `photofind web` instead: the page has the same functions"
_WATCHER = "org.kde.StatusNotifierWatcher"
_SYSTEM_PACKAGES = Path("/usr/lib/python3/dist-packages")  # On Debian and its derivatives.


def backend() -> str:
    """Return the name of the pystray backend that can show an icon here.

    Raises
    ------
    DesktopError
        If there is none; the error says why, and what to do.
    """
    if chosen := os.environ.get("PYSTRAY_BACKEND"):  # pystray's own variable.
        _borrow_gi()
        return chosen
    if sys.platform == "win32":
        return "win32"
    if sys.platform == "darwin":
        return "darwin"
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise DesktopError("there is no display to show a tray icon on", _PAGE)
    if _has_notifier_host() and _imports("AppIndicator3", "AyatanaAppIndicator3"):
        return "appindicator"
    if _has_x_tray():
        return "gtk" if _imports("Gtk") else "xorg"
    if _has_notifier_host():
        raise DesktopError(
            "this panel only shows tray icons of AppIndicator, which is not installed",
            "install python3-gi and gir1.2-ayatanaappindicator3-0.1 (names may differ on your "
            f"system), or {_PAGE}",
        )
    if "GNOME" in os.environ.get("XDG_CURRENT_DESKTOP", "").upper():
        raise DesktopError(
            "GNOME does not show tray icons by itself",
            f"install its extension AppIndicator and KStatusNotifierItem Support, or {_PAGE}",
        )
    raise DesktopError(
        "there is no panel that shows tray icons", f"add a tray to a panel, or {_PAGE}"
    )


def _has_notifier_host() -> bool:
    """Return whether a panel shows StatusNotifierItems."""
    with suppress(DesktopError):
        answer = call(
            _WATCHER, "/StatusNotifierWatcher", "org.freedesktop.DBus.Properties", "Get",
            "ss", _WATCHER, "IsStatusNotifierHostRegistered",
        )  # fmt: skip
        return bool(answer[0][1])
    return False


def _has_x_tray() -> bool:
    """Return whether a window owns the system tray selection of the X display."""
    from Xlib import X, error
    from Xlib.display import Display

    try:
        display = Display()
    except (error.DisplayError, OSError):
        return False
    try:
        atom = display.intern_atom(f"_NET_SYSTEM_TRAY_S{display.get_default_screen()}")
        return bool(display.get_selection_owner(atom) != X.NONE)
    finally:
        display.close()


def _imports(*names: str) -> bool:
    """Return whether one of these GObject introspection modules can be imported."""
    _borrow_gi()
    try:
        gi = importlib.import_module("gi")
    except ImportError:
        return False
    for name in names:
        version = "3.0" if name == "Gtk" else "0.1"
        with suppress(ValueError, ImportError):
            gi.require_version(name, version)
            importlib.import_module(f"gi.repository.{name}")
            return True
    return False


class _SystemFinder:
    """Finds only the package ``gi`` among the packages of the system's Python."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return how to import the module."""
        return PathFinder.find_spec(name, [str(_SYSTEM_PACKAGES)]) if name == "gi" else None


def _borrow_gi() -> None:
    """Make the system's ``gi``, which has no wheel for virtual environments, importable.

    Only if it was built for this version of Python.
    """
    fits = any((_SYSTEM_PACKAGES / f"gi/_gi{suffix}").exists() for suffix in EXTENSION_SUFFIXES[:1])
    if fits and not any(isinstance(finder, _SystemFinder) for finder in sys.meta_path):
        sys.meta_path.append(_SystemFinder())  # Last: an installed ``gi`` takes precedence.
