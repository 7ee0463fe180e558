"""Starting the daemon and the tray together at login."""

from __future__ import annotations

import plistlib
from pathlib import Path

import pytest
from test_explorer import FakeRegistry

from photofind.desktop import login
from photofind.desktop.autostart.tray import (
    TrayInLaunchd,
    TrayInRegistry,
    TrayInXdg,
    tray_autostart,
)
from photofind.desktop.command import Command
from photofind.desktop.integration import State
from photofind.errors import DaemonError
from photofind.paths import Home


def states(places: list[login.Place]) -> dict[str, str]:
    return {place.name: place.state for place in places}


@pytest.fixture(autouse=True)
def no_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "test")


def test_both_are_turned_on_and_off(home: Home, home_folder: Path) -> None:
    before = sorted(home_folder.rglob("*"))
    assert not login.is_on(home)
    places = login.set_autostart(home, on=True)
    assert states(places) == {"daemon": "installed", "tray": "installed"}
    assert all(place.changed for place in places)
    assert login.is_on(home)
    again = login.set_autostart(home, on=True)
    assert not any(place.changed for place in again)
    assert states(login.list_places(home)) == {"daemon": "installed", "tray": "installed"}
    off = login.set_autostart(home, on=False)
    assert states(off) == {"daemon": "not installed", "tray": "not installed"}
    assert all(place.changed for place in off)
    assert not login.is_on(home)
    left = [path for path in sorted(home_folder.rglob("*")) if path not in before]
    assert [path for path in left if path.is_file()] == []


def test_an_error_in_one_does_not_affect_the_other(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        name, effect = "xdg", "it would"

        def is_present(self) -> bool:
            return True

        def install(self) -> bool:
            raise DaemonError("something is in the way")

        def status(self) -> login.State:
            return login.State.ABSENT

    monkeypatch.setattr(login, "autostart", lambda home: Refusing())
    daemon, tray = login.set_autostart(home, on=True)
    assert (daemon.state, daemon.error) == ("not installed", "something is in the way")
    assert (tray.state, tray.error) == ("installed", None)


def test_every_home_has_an_entry_of_its_own(tmp_path: Path, home_folder: Path) -> None:
    for name in ("one", "other"):
        tray_autostart(Home(tmp_path / name)).install()
    assert len(list((home_folder / "config/autostart").iterdir())) == 2


def test_the_entry_waits_for_the_panel(command: Command, home_folder: Path) -> None:
    TrayInXdg(command, "photofind-tray").install()
    entry = (home_folder / "config/autostart/photofind-tray.desktop").read_text()
    assert f"Exec={command.with_words('tray', '--wait').for_key_file()}\n" in entry


def test_the_agent_of_macos_runs_in_sessions_with_a_screen(home_folder: Path) -> None:
    tray = TrayInLaunchd(Command(("/opt/photo find/photofind",)), "photofind-tray")
    tray.install()
    agent = plistlib.loads((home_folder / "Library/LaunchAgents/photofind.tray.plist").read_bytes())
    assert agent["Label"] == "photofind.tray"
    assert agent["ProgramArguments"] == ["/opt/photo find/photofind", "tray"]
    assert agent["LimitLoadToSessionType"] == "Aqua"
    assert tray.remove()
    assert not tray.remove()


def test_windows_has_a_value_in_the_key_run() -> None:
    registry = FakeRegistry()
    before = {key: dict(values) for key, values in registry.tree.items()}
    tray = TrayInRegistry(Command((r"C:\Program Files\photofind.exe",)), "photofind-tray", registry)
    key = r"Software\Microsoft\Windows\CurrentVersion\Run"
    assert tray.status() is State.ABSENT
    assert tray.install()
    assert not tray.install()
    assert registry.value(key, "photofind-tray") == r'"C:\Program Files\photofind.exe" tray'
    other = TrayInRegistry(Command((r"D:\photofind.exe",)), "photofind-tray", registry)
    assert other.status() is State.OUTDATED
    assert tray.remove()
    assert not tray.remove()
    assert registry.tree[key] == {}
    assert registry.tree.keys() >= before.keys()
