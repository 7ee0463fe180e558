"""The tray: the icon, what it shows, and what a click on it does."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

from photofind.app.recent_searches import recent_searches, remember_search
from photofind.daemon.client import connect_to_running
from photofind.daemon.lifecycle import start, stop
from photofind.desktop.browser import open_in_browser, page_path
from photofind.desktop.login import is_on, set_autostart
from photofind.desktop.notifications import notify
from photofind.errors import DesktopError, PhotofindError
from photofind.model import Query
from photofind.paths import Home, private_folder
from photofind.settings import load_settings
from photofind.system.reveal import open_file
from photofind.tray.daemon_state import NOT_RUNNING, DaemonState
from photofind.tray.entries import Actions, Entry, entries
from photofind.tray.host import backend
from photofind.tray.icons import make_icon
from photofind.tray.listener import Listener

__all__ = ["Tray", "run"]

_BETWEEN_TOOLTIPS = 1.0
_LOOK = 1.0  # Seconds between two looks for a panel that is still to come.

_log = logging.getLogger(__name__)


def run(home: Home, *, wait_seconds: float = 0.0) -> bool:
    """Show the icon until somebody quits it; return False where there is one already.

    Parameters
    ----------
    wait_seconds
        How long to wait for a panel: at login it may come up later.

    Raises
    ------
    DesktopError
        Where nobody shows tray icons.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(private_folder(home.root) / "tray.lock", mode=0o600)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    try:
        Tray(home, _awaited_backend(wait_seconds)).run()
    finally:
        lock.release()
    return True


def _awaited_backend(seconds: float) -> str:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return backend()
        except DesktopError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_LOOK)


class Tray(Actions):
    """The icon of one home.

    Parameters
    ----------
    backend
        By which way of pystray's it is shown.
    """

    def __init__(self, home: Home, backend: str) -> None:
        self.home = home
        self._backend = backend
        self._state = NOT_RUNNING
        self._starts_at_login = False
        self._shown: tuple[object, ...] = ()
        self._tooltip_at = 0.0
        self._icon = make_icon(
            backend,
            NOT_RUNNING.mood,
            NOT_RUNNING.tooltip,
            self._entries,
            home.cache / "tray",
        )
        self._listener = Listener(home, self._show, self._icon.update_menu)

    def run(self) -> None:
        """Show the icon until it is quit."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        try:
            self._icon.run(setup=self._begin)
        finally:
            self._listener.close()

    # What the menu does. Whatever takes a while is done in a thread: the menu stays alive.

    def open_page(self) -> None:
        """Open the page, which starts the daemon where it does not run."""
        self._in_background(self._open)

    def find_similar(self) -> None:
        """Let photos be chosen, and open the page of those like them."""
        self._choose("Find photos similar to these", False, self.search)

    def search(self, paths: Sequence[str]) -> None:
        """Open the page of the photos like these."""
        self._in_background(self._open, paths)

    def pause(self, seconds: float | None) -> None:
        """Have the daemon leave work for so long."""
        self._in_background(lambda: connect_to_running(self.home).pause(seconds))

    def resume(self) -> None:
        """Have it go on."""
        self._in_background(lambda: connect_to_running(self.home).resume())

    def show_folder(self, path: str) -> None:
        """Open a folder in the file manager."""
        self._in_background(open_file, path)

    def add_folder(self) -> None:
        """Let a folder be chosen, and add it to the library."""

        def add(paths: Sequence[str]) -> None:
            self._in_background(self._add, paths)

        self._choose("Add a folder of photos", True, add)

    def set_autostart(self, on: bool) -> None:
        """Have photofind started at login, or no longer."""
        errors = [place.error for place in set_autostart(self.home, on=on) if place.error]
        self._starts_at_login = is_on(self.home)
        self._icon.update_menu()
        if errors:
            self._tell(errors[0])

    def quit_tray(self) -> None:
        """Take the icon away."""
        self._icon.stop()

    def stop_daemon(self) -> None:
        """Stop the daemon; the icon stays."""
        self._in_background(stop, self.home)

    def start_daemon(self) -> None:
        """Start the daemon."""
        self._in_background(start, self.home)

    # What is shown.

    def _begin(self, icon: Any) -> None:
        icon.visible = True
        self._listener.start()
        if load_settings(self.home.settings).autostart_daemon:
            self._in_background(start, self.home)

    def _show(self, state: DaemonState) -> None:
        """Show a state: called for each photo, it shows what can be seen to change."""
        before, self._state = self._state, state
        if state.mood is not before.mood:
            self._icon.show_mood(state.mood)
        now = time.monotonic()
        if state.line != before.line or now - self._tooltip_at > _BETWEEN_TOOLTIPS:
            self._tooltip_at = now
            self._icon.title = state.tooltip
        # A menu that is made anew closes where it is open: not for a count that rises.
        visible = (state.line, state.running, state.paused, state.folders)
        if visible != self._shown:
            self._shown = visible
            self._icon.update_menu()

    def _entries(self) -> list[Entry]:
        with suppress(PhotofindError, OSError):
            self._starts_at_login = is_on(self.home)
        return entries(
            self._state,
            recent_searches(self.home),
            starts_at_login=self._starts_at_login,
            actions=self,
        )

    def _open(self, paths: Sequence[str] = ()) -> None:
        start(self.home)
        with connect_to_running(self.home) as client:
            address = client.link(page_path(client, Query(tuple(paths))))
        with suppress(OSError):
            remember_search(self.home, paths)
        if not open_in_browser(address):
            self._tell("no browser can be opened here; `photofind gallery` prints the address")

    def _add(self, folders: Sequence[str]) -> None:
        start(self.home)
        with connect_to_running(self.home) as client:
            for folder in folders:
                client.add_folder(folder)

    def _choose(self, title: str, folder: bool, do: Callable[[Sequence[str]], None]) -> None:
        if self._backend in ("gtk", "appindicator"):
            from photofind.tray.icons_gtk import choose

            choose(title, folder=folder, on_chosen=do)
            return

        def wait() -> None:
            from photofind.tray.chooser import choose_in_dialog

            paths = choose_in_dialog(title, folder=folder)
            if paths is None:  # The page can have a picture dropped on it, and folders added.
                self._open()
            elif paths:
                do(paths)

        self._in_background(wait)

    def _in_background(self, act: Callable[..., object], *arguments: object) -> None:
        def run() -> None:
            try:
                act(*arguments)
            except (PhotofindError, OSError) as error:
                self._tell(str(error))

        threading.Thread(target=run, name="action", daemon=True).start()

    def _tell(self, text: str) -> None:
        """Tell that something did not work out."""
        _log.error("%s", text)
        with suppress(DesktopError):
            notify("photofind", text)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._icon.stop()
