"""The tray: shows the daemon's state and carries out the actions of the menu."""

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
from photofind.desktop.browser import FIND_PAGE, page_path, show_page
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
_BETWEEN_STARTS = 60.0  # Seconds between two starts of a daemon that has died.
_POLL = 1.0  # Seconds between two checks for a panel.

_log = logging.getLogger(__name__)


def run(home: Home, *, wait_seconds: float = 0.0) -> bool:
    """Show the icon until the user quits it; return False if there is one already.

    Parameters
    ----------
    wait_seconds
        How long to wait for a panel, which may start later at login.

    Raises
    ------
    DesktopError
        If no panel shows tray icons.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(private_folder(home.root) / "tray.lock", mode=0o600)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    try:
        Tray(home, _wait_for_backend(wait_seconds)).run()
    finally:
        lock.release()
    return True


def _wait_for_backend(seconds: float) -> str:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return backend()
        except DesktopError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_POLL)


class Tray(Actions):
    """The tray icon of a home.

    Parameters
    ----------
    backend
        The pystray backend.
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
            NOT_RUNNING.icon,
            NOT_RUNNING.tooltip,
            self._entries,
            home.cache / "tray",
        )
        self._listener = Listener(home, self._show, self._icon.update_menu, self._start_again)
        self._started_again = -_BETWEEN_STARTS

    def run(self) -> None:
        """Show the icon until it is quit."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        try:
            self._icon.run(setup=self._begin)
        finally:
            self._listener.close()

    # The actions of the menu. Slow ones run in a thread, so that the menu stays responsive.

    def open_page(self) -> None:
        """Open the page, starting the daemon if necessary."""
        self._in_background(self._open)

    def find(self) -> None:
        """Open the page with the cursor in its search box."""
        self._in_background(self._open, (), FIND_PAGE)

    def find_similar(self) -> None:
        """Let the user choose photos, and open the page of similar photos."""
        self._choose("Find photos similar to these", False, self.search)

    def search(self, paths: Sequence[str]) -> None:
        """Open the page of photos similar to these."""
        self._in_background(self._open, paths)

    def pause(self, seconds: float | None) -> None:
        """Pause the daemon for this time; None means until it is resumed."""
        self._in_background(lambda: connect_to_running(self.home).pause(seconds))

    def resume(self) -> None:
        """Resume the daemon."""
        self._in_background(lambda: connect_to_running(self.home).resume())

    def show_folder(self, path: str) -> None:
        """Open a folder in the file manager."""
        self._in_background(open_file, path)

    def add_folder(self) -> None:
        """Let the user choose a folder, and add it to the library."""

        def add(paths: Sequence[str]) -> None:
            self._in_background(self._add, paths)

        self._choose("Add a folder of photos", True, add)

    def set_autostart(self, on: bool) -> None:
        """Start photofind at login, or not."""
        errors = [place.error for place in set_autostart(self.home, on=on) if place.error]
        self._starts_at_login = is_on(self.home)
        self._icon.update_menu()
        if errors:
            self._notify(errors[0])

    def quit_tray(self) -> None:
        """Remove the icon."""
        self._icon.stop()

    def stop_daemon(self) -> None:
        """Stop the daemon; the icon stays."""
        self._in_background(stop, self.home)

    def start_daemon(self) -> None:
        """Start the daemon."""
        self._in_background(start, self.home)

    def _start_again(self) -> None:
        """Start the daemon after it has died, unless it does so again and again."""
        now = time.monotonic()
        if now - self._started_again >= _BETWEEN_STARTS:
            self._started_again = now
            self._in_background(self._start_if_wanted)

    def _start_if_wanted(self) -> None:
        if load_settings(self.home.settings).autostart_daemon:
            start(self.home)

    # The display.

    def _begin(self, icon: Any) -> None:
        icon.visible = True
        self._listener.start()
        self._in_background(self._start_if_wanted)

    def _show(self, state: DaemonState) -> None:
        """Show a state; called for every photo, it updates only what changed visibly."""
        before, self._state = self._state, state
        if state.icon is not before.icon:
            self._icon.show_state(state.icon)
        now = time.monotonic()
        if state.line != before.line or now - self._tooltip_at > _BETWEEN_TOOLTIPS:
            self._tooltip_at = now
            self._icon.title = state.tooltip
        # Rebuilding closes an open menu, so it is not done for every change of a count.
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

    def _open(self, paths: Sequence[str] = (), page: str | None = None) -> None:
        start(self.home)
        with connect_to_running(self.home) as client:
            is_shown = show_page(client, page or page_path(client, Query(tuple(paths))))
        with suppress(OSError):
            remember_search(self.home, paths)
        if not is_shown:
            self._notify("no browser could be opened; `photofind web --link` prints the address")

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
            if paths is None:  # The page offers the same without a dialog.
                self._open()
            elif paths:
                do(paths)

        self._in_background(wait)

    def _in_background(self, act: Callable[..., object], *arguments: object) -> None:
        def run() -> None:
            try:
                act(*arguments)
            except (PhotofindError, OSError) as error:
                self._notify(str(error))

        threading.Thread(target=run, name="action", daemon=True).start()

    def _notify(self, text: str) -> None:
        """Show an error as a notification."""
        _log.error("%s", text)
        with suppress(DesktopError):
            notify("photofind", text)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._icon.stop()
