"""The icon on plain X11: a small window that a tray takes in; it has no menu."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from PIL import Image
from pystray._xorg import Icon
from Xlib import X, error

from photofind.desktop.icon import IconState, draw

__all__ = ["kind"]

_Z_PIXMAP = 2
_ALL_PLANES = 0xFFFFFFFF


def kind(backend: str) -> type[Any]:
    """Return the class of the icon."""
    return _XorgIcon


class _XorgIcon(Icon):  # type: ignore[misc]
    """pystray's icon; it asks for clicks, shows the panel around itself, and survives the panel."""

    state = IconState.STOPPED
    _icon_data: Any
    _systray_manager: Any

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        root = self._display.screen().root
        # A panel that comes later says so on the root window.
        root.change_attributes(event_mask=X.StructureNotifyMask)
        self._manager_atom = self._display.intern_atom("MANAGER")
        self._told = self._message_handlers[X.ClientMessage]
        self._message_handlers[X.ClientMessage] = self._on_client_message
        self._display.flush()

    def show_state(self, state: IconState) -> None:
        """Have the icon say something else."""
        self.state = state
        self.icon = self._icon  # Draws it again where it is visible.

    def _show(self) -> None:
        """Dock where there is a tray, and as soon as there is one where there is none."""
        self._dock_window()

    def _update_icon(self) -> None:
        self._icon_data = None
        self._icon_valid = True
        self._draw()

    def _create_window(self) -> Any:
        window = super()._create_window()
        mask = X.ExposureMask | X.StructureNotifyMask | X.ButtonPressMask
        # Where the icon is transparent, the panel is to be seen.
        window.change_attributes(event_mask=mask, background_pixmap=X.ParentRelative)
        return window

    def _assert_icon_data(self, width: int, height: int) -> None:
        size = min(width, height)
        panel = self._panel(width, height)
        icon = draw(self.state, size)
        panel.paste(icon, ((width - size) // 2, (height - size) // 2), icon)
        panel.tostring = panel.tobytes  # type: ignore[attr-defined] # What Xlib calls it.
        self._icon_data = panel

    def _panel(self, width: int, height: int) -> Image.Image:
        """Return what the panel has where the icon is."""
        self._window.clear_area()
        try:
            shown = self._window.get_image(0, 0, width, height, _Z_PIXMAP, _ALL_PLANES)
            return Image.frombytes("RGB", (width, height), shown.data, "raw", "BGRX")
        except (error.BadMatch, ValueError):  # It is hidden, or its pixels are of another kind.
            return Image.new("RGB", (width, height), "#808080")

    def _on_client_message(self, event: Any) -> None:
        if event.client_type != self._manager_atom:
            self._told(event)
        elif event.data[1][1] == self._net_system_tray_sx and self.visible:
            self._dock_window()

    def _on_destroy_notify(self, event: Any) -> None:
        """Wait for another panel where this one has gone."""
        manager = self._systray_manager
        if manager is not None and event.window.id == manager.id:
            self._systray_manager = None
            with suppress(error.XError):
                self._dock_window()
