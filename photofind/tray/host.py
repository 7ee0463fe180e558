"""Whether somebody shows tray icons here, and by which of pystray's ways one gets there."""

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

_PAGE = "`photofind gallery` opens the page, which has all of it"
_WATCHER = "org.kde.StatusNotifierWatcher"
_SYSTEM_PACKAGES = Path("/usr/lib/python3/dist-packages")  # Debian's, and what is made of it.


def backend() -> str:
    """Return the name of the backend of pystray that shows an icon here.

    Raises
    ------
    DesktopError
        If nobody shows one; it says why, and what to do.
    """
    if chosen := os.environ.get("PYSTRAY_BACKEND"):  # pystray's own variable.
        _borrow_gi()
        return chosen
    if sys.platform == "win32":
        return "win32"
    if sys.platform == "darwin":
        return "darwin"
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise DesktopError("there is no display here that could show a tray icon", _PAGE)
    if _has_notifier_host() and _imports("AppIndicator3", "AyatanaAppIndicator3"):
        return "appindicator"
    if _has_x_tray():
        return "gtk" if _imports("Gtk") else "xorg"
    if _has_notifier_host():
        raise DesktopError(
            "this panel shows tray icons of programs with AppIndicator alone, which is missing",
            "install python3-gi and gir1.2-ayatanaappindicator3-0.1, or what your system calls "
            f"them; {_PAGE}",
        )
    if "GNOME" in os.environ.get("XDG_CURRENT_DESKTOP", "").upper():
        raise DesktopError(
            "GNOME shows no tray icons by itself",
            f"its extension AppIndicator and KStatusNotifierItem Support does; {_PAGE}",
        )
    raise DesktopError("no panel here shows tray icons", f"add a tray to a panel; {_PAGE}")


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
    """Return whether a window of the display has the selection of the system tray."""
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
    """Return whether one of these modules of GObject's introspection can be imported."""
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
    """Finds the package ``gi`` where the system's own Python has it, and nothing else there."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return how to import the module."""
        return PathFinder.find_spec(name, [str(_SYSTEM_PACKAGES)]) if name == "gi" else None


def _borrow_gi() -> None:
    """Let the system's ``gi``, which no virtual environment can install, be imported here too.

    Only where it was made for this very version of Python.
    """
    fits = any((_SYSTEM_PACKAGES / f"gi/_gi{suffix}").exists() for suffix in EXTENSION_SUFFIXES[:1])
    if fits and not any(isinstance(finder, _SystemFinder) for finder in sys.meta_path):
        sys.meta_path.append(_SystemFinder())  # Last: one that is installed here comes first.
