"""The entries of the tray menu, as plain values."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from photofind.desktop.icon import IconState
from photofind.tray.daemon_state import DaemonState

__all__ = ["SEPARATOR", "Actions", "Entry", "entries"]

PAUSES = (
    ("15 minutes", 15 * 60.0),
    ("1 hour", 60 * 60.0),
    ("4 hours", 4 * 60 * 60.0),
    ("Until I resume", None),
)


@dataclass(frozen=True)
class Entry:
    """An entry of the menu.

    Parameters
    ----------
    text
        Its label.
    act
        Called on a click; None if the entry is disabled.
    default
        Whether a click on the icon does the same.
    checked
        Whether it is checked; None if it is not a check item.
    below
        The entries of its submenu.
    """

    text: str
    act: Callable[[], None] | None = None
    default: bool = False
    checked: bool | None = None
    below: tuple[Entry, ...] = ()


SEPARATOR = Entry("")


class Actions:
    """The actions of the menu, implemented by the tray."""

    def open_page(self) -> None:
        """Open the page."""
        raise NotImplementedError

    def find(self) -> None:
        """Open the page, to type what photos are searched by."""
        raise NotImplementedError

    def find_similar(self) -> None:
        """Let the user choose photos, and open the page of similar photos."""
        raise NotImplementedError

    def search(self, paths: Sequence[str]) -> None:
        """Open the page of photos similar to these."""
        raise NotImplementedError

    def pause(self, seconds: float | None) -> None:
        """Pause the daemon for this time; None means until it is resumed."""
        raise NotImplementedError

    def resume(self) -> None:
        """Resume the daemon."""
        raise NotImplementedError

    def show_folder(self, path: str) -> None:
        """Open a folder in the file manager."""
        raise NotImplementedError

    def add_folder(self) -> None:
        """Let the user choose a folder, and add it to the library."""
        raise NotImplementedError

    def set_autostart(self, on: bool) -> None:
        """Start photofind at login, or not."""
        raise NotImplementedError

    def quit_tray(self) -> None:
        """Remove the icon."""
        raise NotImplementedError

    def stop_daemon(self) -> None:
        """Stop the daemon; the icon stays."""
        raise NotImplementedError

    def start_daemon(self) -> None:
        """Start the daemon."""
        raise NotImplementedError


def entries(
    state: DaemonState,
    recent: Sequence[Sequence[str]],
    *,
    starts_at_login: bool,
    actions: Actions,
) -> list[Entry]:
    """Return the entries of the menu.

    Parameters
    ----------
    recent
        The last searches, each the paths of its photos.
    """
    searches = tuple(Entry(_names(paths), partial(actions.search, paths)) for paths in recent)
    folders = [
        Entry(_folder(f.path, f.state), partial(actions.show_folder, f.path)) for f in state.folders
    ]
    folders += [SEPARATOR] if folders else []
    folders.append(Entry("Add a folder…", actions.add_folder))
    pauses = tuple(Entry(text, partial(actions.pause, seconds)) for text, seconds in PAUSES)
    set_autostart = partial(actions.set_autostart, not starts_at_login)
    menu = [
        Entry(state.line),
        SEPARATOR,
        Entry("Open photofind", actions.open_page, default=True),
        Entry("Find…", actions.find),
        Entry("Find similar to…", actions.find_similar),
    ]
    if searches:
        menu.append(Entry("Recent searches", below=searches))
    menu.append(SEPARATOR)
    if state.running:
        menu += [
            Entry("Resume", actions.resume) if state.paused else Entry("Pause for", below=pauses),
            Entry("Folders", below=tuple(folders)),
        ]
    menu += [
        Entry("Start at login", set_autostart, checked=starts_at_login),
        SEPARATOR,
        Entry("Quit tray", actions.quit_tray),
        Entry("Start photofind", actions.start_daemon)
        if state.icon is IconState.STOPPED
        else Entry("Stop photofind", actions.stop_daemon),
    ]
    return menu


def _names(paths: Sequence[str], most: int = 50) -> str:
    names = ", ".join(_shown(os.path.basename(path)) for path in paths)  # noqa: PTH119
    return names if len(names) <= most else f"{names[: most - 1]}…"


def _folder(path: str, state: str) -> str:
    home = os.path.expanduser("~")  # noqa: PTH111
    inside = path.startswith(home + os.sep)
    name = _shown(f"~{path[len(home) :]}" if inside else path)
    return name if state == "online" else f"{name} ({state})"


def _shown(text: str) -> str:
    """Return a text that menus can show."""
    text = text.encode("utf-8", "replace").decode()
    text = "".join(c if c.isprintable() else " " for c in text)
    return text.replace("&", "&&") if sys.platform == "win32" else text  # A single & marks a key.
