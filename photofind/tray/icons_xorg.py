"""The icon on plain X11: a small window, docked in a tray, without a menu."""

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
    """pystray's icon, with clicks, a transparent background, and surviving its panel's restart."""

    state = IconState.STOPPED
    _icon_data: Any
    _systray_manager: Any

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        root = self._display.screen().root
        # A panel that starts later announces itself on the root window.
        root.change_attributes(event_mask=X.StructureNotifyMask)
        self._manager_atom = self._display.intern_atom("MANAGER")
        self._previous_handler = self._message_handlers[X.ClientMessage]
        self._message_handlers[X.ClientMessage] = self._on_client_message
        self._display.flush()

    def show_state(self, state: IconState) -> None:
        """Show another state."""
        self.state = state
        self.icon = self._icon  # Redraws it if it is visible.

    def _show(self) -> None:
        """Dock in the tray, now or once there is one."""
        self._dock_window()

    def _update_icon(self) -> None:
        self._icon_data = None
        self._icon_valid = True
        self._draw()

    def _create_window(self) -> Any:
        window = super()._create_window()
        mask = X.ExposureMask | X.StructureNotifyMask | X.ButtonPressMask
        # Shows the panel through the transparent parts of the icon.
        window.change_attributes(event_mask=mask, background_pixmap=X.ParentRelative)
        return window

    def _assert_icon_data(self, width: int, height: int) -> None:
        size = min(width, height)
        panel = self._panel(width, height)
        icon = draw(self.state, size)
        panel.paste(icon, ((width - size) // 2, (height - size) // 2), icon)
        panel.tostring = panel.tobytes  # type: ignore[attr-defined] # Xlib's name for it.
        self._icon_data = panel

    def _panel(self, width: int, height: int) -> Image.Image:
        """Return the panel's background behind the icon."""
        self._window.clear_area()
        try:
            shown = self._window.get_image(0, 0, width, height, _Z_PIXMAP, _ALL_PLANES)
            return Image.frombytes("RGB", (width, height), shown.data, "raw", "BGRX")
        except (error.BadMatch, ValueError):  # Hidden, or another pixel format.
            return Image.new("RGB", (width, height), "#808080")

    def _on_client_message(self, event: Any) -> None:
        if event.client_type != self._manager_atom:
            self._previous_handler(event)
        elif event.data[1][1] == self._net_system_tray_sx and self.visible:
            self._dock_window()

    def _on_destroy_notify(self, event: Any) -> None:
        """Wait for another panel after this one has gone."""
        manager = self._systray_manager
        if manager is not None and event.window.id == manager.id:
            self._systray_manager = None
            with suppress(error.XError):
                self._dock_window()
