"""The icon on plain X11: a small window, docked in a tray, without a menu."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
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
    """pystray's icon, with clicks, a transparent background, and surviving its panel's restart.

    X is used by the thread of the main loop alone. What other threads call waits for it: pystray
    shares its connection with them, and python-xlib then keeps requests back now and then, until
    the next event comes.
    """

    state = IconState.STOPPED
    _icon_data: Any
    _systray_manager: Any

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._calls: SimpleQueue[tuple[Callable[[], None], Future[None]]] = SimpleQueue()
        self._call_reader, self._call_writer = os.pipe()
        self._loop: int | None = None  # The thread of the main loop, once it runs.
        super().__init__(*arguments, **options)
        root = self._display.screen().root
        # A panel that starts later announces itself on the root window.
        root.change_attributes(event_mask=X.StructureNotifyMask)
        self._manager_atom = self._display.intern_atom("MANAGER")
        self._message_handlers[X.ClientMessage] = self._on_client_message
        self._display.flush()

    def show_state(self, state: IconState) -> None:
        """Show another state."""
        self.state = state
        self.icon = self._icon  # Redraws it if it is visible.

    def _rewrite_implementation(self, *methods: Callable[[], None]) -> None:
        """Have the main loop run these methods, whichever thread calls them."""
        for method in methods:
            setattr(self, method.__name__, partial(self._run_in_loop, method))

    def _run_in_loop(self, method: Callable[[], None]) -> None:
        """Run a method of the icon, or have the main loop run it, and wait for that."""
        if threading.get_ident() == self._loop:
            method()
            return
        done: Future[None] = Future()
        self._calls.put((method, done))
        os.write(self._call_writer, b"\0")
        done.result()

    def _events(self) -> Iterator[Any]:
        """Yield the events of X, and run what other threads have called meanwhile."""
        self._loop = threading.get_ident()
        while True:
            self._display.sync()  # Sends all requests.
            if self._display.pending_events():
                yield self._display.next_event()
                continue
            ready, _, _ = select.select([self._display, self._call_reader], [], [])
            if self._call_reader in ready:
                os.read(self._call_reader, 1)
                method, done = self._calls.get()
                try:
                    done.set_result(method())
                except Exception as error:  # noqa: BLE001 - raised where it was called
                    done.set_exception(error)

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
        is_new = event.client_type == self._manager_atom
        if is_new and event.data[1][1] == self._net_system_tray_sx and self.visible:
            self._dock_window()

    def _on_destroy_notify(self, event: Any) -> None:
        """Wait for another panel after this one has gone."""
        manager = self._systray_manager
        if manager is not None and event.window.id == manager.id:
            self._systray_manager = None
            with suppress(error.XError):
                self._dock_window()
