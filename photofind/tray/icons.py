"""The tray icon: pystray's, drawn for the size and state in which it is shown."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from photofind.desktop.icon import IconState, draw
from photofind.tray.entries import SEPARATOR, Entry

__all__ = ["make_icon", "make_menu"]

_NAME = "photofind"
_SIZE = 64  # If the panel does not request a size; it scales the icon down.


def make_icon(
    backend: str, state: IconState, tooltip: str, menu: Callable[[], list[Entry]], theme: Path
) -> Any:
    """Return a pystray icon with an additional method ``show_state``.

    Parameters
    ----------
    backend
        A result of :func:`photofind.tray.host.backend`.
    state, tooltip
        Its initial state and tooltip.
    menu
        Returns the entries of the menu, whenever it is built.
    theme
        A folder for icon files, for panels that read the icon from a file.
    """
    os.environ["PYSTRAY_BACKEND"] = backend
    kinds = {"gtk": "icons_gtk", "appindicator": "icons_gtk", "xorg": "icons_xorg"}
    if backend in kinds:
        module = importlib.import_module(f"photofind.tray.{kinds[backend]}")
        kind = module.kind(backend)
    else:
        import pystray

        kind = type("Icon", (_Plain, pystray.Icon), {})
    kind.theme = theme
    icon = kind(_NAME, draw(state, _SIZE), tooltip, make_menu(menu))
    icon.show_state(state)
    return icon


def make_menu(entries: Callable[[], list[Entry]]) -> Any:
    """Return a pystray menu that gets its entries whenever it is built."""
    from pystray import Menu

    return Menu(lambda: map(_item, entries()))


def _item(entry: Entry) -> Any:
    from pystray import Menu, MenuItem

    if entry is SEPARATOR:
        return Menu.SEPARATOR
    below = Menu(*map(_item, entry.below)) if entry.below else None
    act = entry.act or (lambda: None)
    return MenuItem(
        entry.text,
        below or (lambda icon, item: act()),
        default=entry.default,
        enabled=bool(entry.act or below),
        checked=None if entry.checked is None else lambda item: bool(entry.checked),
    )


class _Plain:
    """An icon that pystray scales: on Windows and macOS."""

    icon: Any

    def show_state(self, state: IconState) -> None:
        """Show another state."""
        self.icon = draw(state, _SIZE)
