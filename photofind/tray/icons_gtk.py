"""The icon with GTK: in the tray of an X11 panel, or as a StatusNotifierItem by AppIndicator."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from photofind.desktop.icon import IconState, draw
from photofind.desktop.mime_types import PHOTO_MIME_TYPES
from photofind.paths import private_folder

__all__ = ["choose", "kind"]

_SIZES = (16, 22, 24, 32, 48, 64)
"""Sizes in icon themes, from which panels choose."""

_open_choosers: list[Any] = []


def kind(backend: str) -> type[Any]:
    """Return the class of the icon."""
    icon: Any = importlib.import_module(f"pystray._{backend}").Icon
    return type("Icon", (_InTray if backend == "gtk" else _Indicator, icon), {})


def choose(title: str, *, folder: bool, on_chosen: Callable[[list[str]], None]) -> None:
    """Let the user choose photos or a folder; ``on_chosen`` is not called on cancel."""
    from gi.repository import Gtk

    action = Gtk.FileChooserAction.SELECT_FOLDER if folder else Gtk.FileChooserAction.OPEN
    chooser = Gtk.FileChooserNative.new(title, None, action, "_Choose", None)
    chooser.set_select_multiple(not folder)
    if not folder:
        photos = Gtk.FileFilter()
        photos.set_name("Photos")
        for mime_type in PHOTO_MIME_TYPES:
            photos.add_mime_type(mime_type)
        chooser.add_filter(photos)

    def answered(chooser: Any, response: int) -> None:
        _open_choosers.remove(chooser)
        uris = chooser.get_uris() if response == Gtk.ResponseType.ACCEPT else []
        chooser.destroy()
        # File names may not be UTF-8; URIs are ASCII.
        paths = [unquote_to_bytes(u.removeprefix("file://")) for u in uris if u[:8] == "file:///"]
        if paths:
            on_chosen([os.fsdecode(path) for path in paths])

    chooser.connect("response", answered)
    _open_choosers.append(chooser)  # GTK does not hold a reference.
    _in_main_loop(chooser.show)


def _in_main_loop(act: Callable[..., object], *arguments: object) -> None:
    from gi.repository import GLib

    def once() -> bool:
        act(*arguments)
        return False

    GLib.idle_add(once)


class _ByGtk:
    """Common to both; pystray's own notifications, which need the bus, are not initialised."""

    _mark_ready: Callable[[], None]

    def _initialize(self) -> None:
        self._mark_ready()

    def _finalize(self) -> None:
        """Do nothing: the process ends."""


class _InTray(_ByGtk):
    """An icon that draws itself at the size of the tray."""

    _status_icon: Any
    _icon_valid: bool
    title: str
    visible: bool
    state = IconState.STOPPED

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._status_icon.connect("size-changed", self._on_size)

    def show_state(self, state: IconState) -> None:
        """Show another state."""
        self.state = state
        self._update_icon()

    def _update_icon(self) -> None:
        self._icon_valid = True
        _in_main_loop(self._draw)

    def _update_title(self) -> None:
        def show() -> None:
            self._status_icon.set_title("photofind")
            self._status_icon.set_tooltip_text(self.title)

        _in_main_loop(show)

    def _on_size(self, icon: Any, size: int) -> bool:
        self._draw()
        return True

    def _draw(self) -> None:
        from gi.repository import GdkPixbuf, GLib

        size = max(self._status_icon.get_size(), _SIZES[0])
        pixels = GLib.Bytes.new(draw(self.state, size).tobytes())
        rgb = GdkPixbuf.Colorspace.RGB
        pixbuf = GdkPixbuf.Pixbuf.new_from_bytes(pixels, rgb, True, 8, size, size, 4 * size)
        self._status_icon.set_from_pixbuf(pixbuf)


class _Indicator(_ByGtk):
    """An icon whose panel picks the size it needs from a folder of icon files."""

    _appindicator: Any
    _icon_path: str
    _icon_valid: bool
    _menu_handle: Any
    state = IconState.STOPPED
    theme: Path | None = None
    """The folder of the icon files."""

    def show_state(self, state: IconState) -> None:
        """Show another state."""
        self.state = state
        self._update_icon()

    def _update_icon(self) -> None:
        self._icon_valid = True
        self._icon_path = f"photofind-tray-{self.state.name.lower()}"  # A name works too.
        if self.theme is not None:
            for size in _SIZES:
                path = self.theme / f"hicolor/{size}x{size}/apps/{self._icon_path}.png"
                if not path.exists():
                    draw(self.state, size).save(private_folder(path.parent) / path.name)
        _in_main_loop(self._show_icon)

    def _show_icon(self) -> None:
        if self.theme is not None:
            self._appindicator.set_icon_theme_path(str(self.theme))
        self._appindicator.set_icon_full(self._icon_path, f"photofind: {self.state.name.lower()}")

    def _remove_fs_icon(self) -> None:
        """Keep the icon files, which are the same next time."""
