"""The icon itself: pystray's, drawn at the size and in the mood that it is shown in."""

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
_SIZE = 64  # Where the panel does not say which one it wants; it makes it smaller.


def make_icon(
    backend: str, state: IconState, tooltip: str, menu: Callable[[], list[Entry]], theme: Path
) -> Any:
    """Return an icon of pystray's that has a method ``show_state`` besides.

    Parameters
    ----------
    backend
        One of :func:`photofind.tray.host.backend`.
    state, tooltip
        How it is shown at first.
    menu
        Returns the entries of the menu, each time that it is made.
    theme
        A folder for icons where the panel reads them from files.
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
    """Return the menu of pystray's that asks for its entries whenever it is made."""
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
    """Where pystray scales the icon itself: Windows and macOS."""

    icon: Any

    def show_state(self, state: IconState) -> None:
        """Have the icon say something else."""
        self.icon = draw(state, _SIZE)
