"""The entries of the menu and their actions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from photofind.model import FolderStatus
from photofind.tray.daemon_state import NOT_RUNNING, DaemonState
from photofind.tray.entries import SEPARATOR, Actions, Entry, entries


class Recorded(Actions):
    """Records the actions."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []

    def __getattribute__(self, name: str) -> Any:
        if name in ("done", "__class__"):
            return object.__getattribute__(self, name)
        return lambda *arguments: self.done.append((name, *arguments))


FOLDERS = (
    FolderStatus("/photos/a & b", 1, "online", None, None, ()),
    FolderStatus("/media/\udcff\n", 1, "offline", "not mounted", None, ()),
)
RUNNING = DaemonState(running=True, photos=5, folders=FOLDERS)


def menu(
    state: DaemonState, recent: Sequence[Sequence[str]] = (), *, at_login: bool = False
) -> tuple[list[Entry], Recorded]:
    actions = Recorded()
    return entries(state, recent, starts_at_login=at_login, actions=actions), actions


def texts(menu: Iterable[Entry]) -> list[str]:
    return [entry.text for entry in menu if entry is not SEPARATOR]


def find(menu: Iterable[Entry], text: str) -> Entry:
    (entry,) = [entry for entry in menu if entry.text == text]
    return entry


def click(entry: Entry) -> None:
    assert entry.act
    entry.act()


def test_the_menu_with_a_running_daemon() -> None:
    found, _ = menu(RUNNING, [["/a/beach.jpg", "/b/boat.jpg"]])
    assert texts(found) == [
        "5 photos, up to date", "Open photofind", "Find…", "Find similar to…", "Recent searches",
        "Pause for", "Folders", "Start at login", "Quit tray", "Stop photofind",
    ]  # fmt: skip
    assert texts(find(found, "Pause for").below) == [
        "15 minutes", "1 hour", "4 hours", "Until I resume"
    ]  # fmt: skip
    assert texts(find(found, "Recent searches").below) == ["beach.jpg, boat.jpg"]
    assert [entry.text for entry in found if entry.default] == ["Open photofind"]
    assert found[0].act is None


def test_the_menu_without_a_daemon() -> None:
    found, actions = menu(NOT_RUNNING)
    assert texts(found) == [
        "Not running", "Open photofind", "Find…", "Find similar to…", "Start at login", "Quit tray",
        "Start photofind",
    ]  # fmt: skip
    click(find(found, "Start photofind"))
    assert actions.done == [("start_daemon",)]


def test_each_entry_runs_its_action() -> None:
    found, actions = menu(RUNNING, [["/a.jpg"], ["/b.jpg", "/c.jpg"]], at_login=True)
    for entry in find(found, "Recent searches").below:
        click(entry)
    for entry in find(found, "Pause for").below:
        click(entry)
    for entry in find(found, "Folders").below:
        if entry is not SEPARATOR:
            click(entry)
    for text in ("Open photofind", "Find…", "Find similar to…", "Start at login", "Quit tray",
                 "Stop photofind"):  # fmt: skip
        click(find(found, text))
    assert actions.done == [
        ("search", ["/a.jpg"]), ("search", ["/b.jpg", "/c.jpg"]),
        ("pause", 900.0), ("pause", 3600.0), ("pause", 14400.0), ("pause", None),
        ("show_folder", "/photos/a & b"), ("show_folder", "/media/\udcff\n"), ("add_folder",),
        ("open_page",), ("find",), ("find_similar",), ("set_autostart", False), ("quit_tray",),
        ("stop_daemon",),
    ]  # fmt: skip


def test_resume_is_offered_while_paused() -> None:
    found, actions = menu(replace(RUNNING, paused=True))
    assert "Pause for" not in texts(found)
    click(find(found, "Resume"))
    assert actions.done == [("resume",)]


def test_start_at_login_is_checked_and_toggles() -> None:
    for at_login in (True, False):
        found, actions = menu(NOT_RUNNING, at_login=at_login)
        entry = find(found, "Start at login")
        assert entry.checked is at_login
        click(entry)
        assert actions.done == [("set_autostart", not at_login)]


def test_unprintable_names_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/photos")
    found, _ = menu(RUNNING, [["/x/\udcff\n\u202e.jpg"], ["/x/" + "n" * 99]])
    assert texts(find(found, "Folders").below)[:2] == ["~/a & b", "/media/?  (offline)"]
    odd, long = texts(find(found, "Recent searches").below)
    assert odd == "?  .jpg"
    assert len(long) == 50


def test_the_pystray_menu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYSTRAY_BACKEND", "dummy")
    from photofind.tray.icons import make_menu

    clicked: list[str] = []
    shown = make_menu(
        lambda: [
            Entry("Nothing"),
            SEPARATOR,
            Entry("Act", lambda: clicked.append("act"), default=True),
            Entry("Marked", lambda: None, checked=True),
            Entry("More", below=(Entry("Below", lambda: clicked.append("below")),)),
        ]
    )
    nothing, separator, act, marked, more = shown.items
    assert (nothing.enabled, act.enabled, marked.checked, act.checked) == (False, True, True, None)
    assert separator is type(shown).SEPARATOR
    shown(None)
    (below,) = more.submenu.items
    below(None)
    assert clicked == ["act", "below"]
