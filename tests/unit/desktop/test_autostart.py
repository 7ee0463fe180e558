"""Starting the daemon at login: the files, commands and registry values that are written."""

from __future__ import annotations

import configparser
import plistlib
import runpy
import shlex
import subprocess
import sys
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from platformdirs import user_data_path

from photofind.daemon import service
from photofind.daemon.service import command, service_name, start_service, stop_service, unit_link
from photofind.desktop import autostart
from photofind.desktop.autostart import State, services
from photofind.desktop.autostart.base import FileAutostart
from photofind.desktop.autostart.launchd import Launchd
from photofind.desktop.autostart.systemd import Systemd, unit
from photofind.desktop.autostart.windows import LONGEST, WindowsRun
from photofind.desktop.autostart.xdg import XdgAutostart
from photofind.errors import DaemonError
from photofind.paths import Home

PACKAGING = Path(__file__).parents[3] / "packaging"

if sys.platform == "win32":
    pytest.skip("its paths are no Linux paths", allow_module_level=True)


@pytest.fixture(autouse=True)
def home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of a user without any configuration."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def odd(tmp_path: Path) -> Home:
    """A home whose name needs quoting in commands."""
    return Home(tmp_path / "my \"photos\" 100% $HOME 'é'\\x")


def exec_start(content: bytes) -> str:
    """Return the command of a unit, as written."""
    (line,) = [line for line in content.decode().splitlines() if line.startswith("ExecStart=")]
    return line.removeprefix("ExecStart=")


FILES: list[type[FileAutostart]] = [Systemd, XdgAutostart, Launchd]


# Files.


@pytest.mark.parametrize("kind", FILES)
def test_it_is_installed_once_and_removed_without_a_trace(
    kind: type[FileAutostart], home: Home, home_folder: Path
) -> None:
    other = home_folder / ".config" / "autostart" / "other.desktop"
    other.parent.mkdir(parents=True)
    other.touch()
    run: list[Sequence[str]] = []
    entry = kind(home, run.append)
    assert entry.status() is State.ABSENT
    assert entry.remove() is False
    assert entry.install() is True
    assert entry.status() is State.INSTALLED
    assert entry.install() is False
    reload = ["systemctl", "--user", "daemon-reload"]
    assert [[*one] for one in run] == ([reload] if kind is Systemd else [])
    assert entry.remove() is True
    assert entry.status() is State.ABSENT
    assert [[*one] for one in run] == ([reload] * 2 if kind is Systemd else [])
    assert [path for path in home_folder.rglob("*") if not path.is_dir()] == [other]


@pytest.mark.parametrize("kind", FILES)
def test_an_entry_of_another_version_is_updated(
    kind: type[FileAutostart], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = kind(home, lambda command: None)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/elsewhere/bin/python")
        entry.install()
    assert entry.status() is State.OUTDATED
    assert entry.install() is True
    assert entry.status() is State.INSTALLED
    assert entry.remove() is True


@pytest.mark.parametrize("kind", FILES)
def test_files_of_others_are_left_alone(kind: type[FileAutostart], home: Home) -> None:
    entry = kind(home, lambda command: None)
    path = next(iter(entry.files()))
    path.parent.mkdir(parents=True)
    path.write_text("somebody's own\n")
    with pytest.raises(DaemonError, match="does not belong to photofind"):
        entry.install()
    assert entry.status() is State.ABSENT
    assert entry.remove() is False
    assert path.read_text() == "somebody's own\n"


@pytest.mark.parametrize("kind", FILES)
def test_every_home_has_its_own_entry(kind: type[FileAutostart], home: Home, odd: Home) -> None:
    usual = Home(user_data_path("photofind", appauthor=False))
    entries = [kind(one, lambda command: None) for one in (usual, home, odd)]
    assert entries[0].service == "photofind"
    assert all(entry.install() for entry in entries)
    assert entries[1].remove()
    assert [entry.status() for entry in entries] == [
        State.INSTALLED, State.ABSENT, State.INSTALLED,
    ]  # fmt: skip


# systemd.


def test_the_unit_is_linked_as_systemctl_does_it(home: Home, home_folder: Path) -> None:
    Systemd(home, lambda command: None).install()
    name = f"{service_name(home)}.service"
    written = home_folder / ".config/systemd/user" / name
    assert exec_start(written.read_bytes()) == shlex.join(command(home))
    link = home_folder / ".config/systemd/user/default.target.wants" / name
    assert link == unit_link(home)
    assert link.readlink() == written


def test_commands_are_quoted_for_systemd(odd: Home) -> None:
    line = exec_start(unit(["/opt/$odd/python", "plain", "a b", '"', "\\", "100%", "$HOME", "é"]))
    assert line == (r'"/opt/$odd/python" plain "a b" "\x22" "\x5c" "100%%" "$$HOME" "\xc3\xa9"')
    assert "\n" not in exec_start(unit(command(odd)))


def test_the_content_of_the_unit(home: Home) -> None:
    parsed = configparser.ConfigParser(interpolation=None, strict=False)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(unit(command(home)).decode())
    given = parsed["Service"]
    assert given["Type"] == "notify"
    assert given["NotifyAccess"] == "main"
    assert given["Restart"] == "on-failure"
    assert given["RestartPreventExitStatus"] == "75"
    assert given["Slice"] == "background.slice"
    assert {"CPUWeight", "IOWeight", "MemoryHigh", "NoNewPrivileges"} <= set(given)
    assert parsed["Install"]["WantedBy"] == "default.target"


def test_systemd_is_present_if_reachable(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autostart.sys, "platform", "linux")
    monkeypatch.setattr("shutil.which", lambda program: f"/usr/bin/{program}")
    assert autostart.autostart(home).name == "xdg"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert not Systemd(home).is_present()
    (tmp_path / "systemd").mkdir()
    (tmp_path / "systemd/private").touch()
    assert autostart.autostart(home).name == "systemd"
    XdgAutostart(home).install()
    assert autostart.autostart(home).name == "xdg"


def test_the_manager_starts_and_stops_the_unit(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    run: list[list[str]] = []
    monkeypatch.setattr(service, "run_quietly", lambda c, seconds=0: run.append([*c]) or True)
    monkeypatch.setattr(service.sys, "platform", "linux")
    assert start_service(home, 9) is False
    stop_service(home)
    assert run == []
    Systemd(home, lambda command: None).install()
    assert start_service(home, 9) is True
    stop_service(home)
    name = f"{service_name(home)}.service"
    assert run == [
        ["systemctl", "--user", "reset-failed", name],
        ["systemctl", "--user", "start", name],
        ["systemctl", "--user", "--no-block", "stop", name],
    ]


def test_an_unreachable_manager_is_ignored(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.sys, "platform", "linux")
    Systemd(home, lambda command: None).install()
    monkeypatch.setenv("PATH", "/nowhere")
    assert start_service(home, 9) is False
    stop_service(home)


# Desktops.


def test_the_desktop_entry_holds_the_command(home: Home, odd: Home, home_folder: Path) -> None:
    for one in (home, odd):
        ((path, content),) = XdgAutostart(one).files().items()
        assert path.parent == home_folder / ".config/autostart"
        parsed = configparser.ConfigParser(interpolation=None)
        parsed.optionxform = str  # type: ignore[assignment,method-assign]
        assert isinstance(content, bytes)
        parsed.read_string(content.decode())
        line = parsed["Desktop Entry"]["Exec"]
        # It is unescaped first as a string value, then as Exec, with a shell's double quotes.
        line = line.replace("\\\\", "\\").replace("%%", "%")
        words = subprocess.check_output(["sh", "-c", f"printf '%s\\0' {line}"])
        assert words.decode().split("\0")[:-1] == command(one)


# macOS.


def test_the_agent_restarts_only_after_a_crash(odd: Home, home_folder: Path) -> None:
    ((path, content),) = Launchd(odd).files().items()
    assert path.parent == home_folder / "Library/LaunchAgents"
    assert isinstance(content, bytes)
    agent = plistlib.loads(content)
    assert agent["Label"] == path.stem
    assert agent["ProgramArguments"] == command(odd)
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert (agent["ProcessType"], agent["LowPriorityIO"]) == ("Background", True)
    assert agent["RunAtLoad"] is True


def test_launchd_starts_and_stops_the_agent(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    run: list[list[str]] = []
    monkeypatch.setattr(service, "run_quietly", lambda c, seconds=0: run.append([*c]) or True)
    monkeypatch.setattr(service.sys, "platform", "darwin")
    monkeypatch.setattr(service, "launchd_domain", lambda: "gui/501")
    assert start_service(home, 9) is False
    entry = Launchd(home)
    entry.install()
    (path,) = entry.files()
    assert start_service(home, 9) is True
    stop_service(home)
    assert run == [
        ["launchctl", "bootstrap", "gui/501", str(path)],
        ["launchctl", "kickstart", f"gui/501/{path.stem}"],
        ["launchctl", "bootout", f"gui/501/{path.stem}"],
    ]


# Windows.


class Registry:
    """The used part of :mod:`winreg`, in a dictionary."""

    HKEY_CURRENT_USER, REG_SZ, KEY_SET_VALUE, KEY_QUERY_VALUE = "HKCU", 1, 2, 1

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    @contextmanager
    def CreateKeyEx(self, root: str, key: str, reserved: int, access: int) -> Any:
        assert (root, key) == ("HKCU", r"Software\Microsoft\Windows\CurrentVersion\Run")
        yield SimpleNamespace(access=access)

    def QueryValueEx(self, key: Any, name: str) -> tuple[str, int]:
        assert key.access == self.KEY_QUERY_VALUE
        if name not in self.values:
            raise FileNotFoundError(2, "The system cannot find the file specified")
        return self.values[name], self.REG_SZ

    def SetValueEx(self, key: Any, name: str, reserved: int, kind: int, value: str) -> None:
        assert (key.access, kind) == (self.KEY_SET_VALUE, self.REG_SZ)
        self.values[name] = value

    def DeleteValue(self, key: Any, name: str) -> None:
        assert key.access == self.KEY_SET_VALUE
        del self.values[name]


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The registry of a Windows with Python in a folder with a space in its name."""
    registry = Registry()
    monkeypatch.setitem(sys.modules, "winreg", registry)  # type: ignore[arg-type]
    python = tmp_path / "Program Files"
    python.mkdir()
    (python / "pythonw.exe").touch()
    monkeypatch.setattr(sys, "executable", str(python / "python.exe"))
    return registry


def test_the_registry_value(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autostart.sys, "platform", "win32")
    registry.values["other"] = "left alone"
    usual = Home(user_data_path("photofind", appauthor=False))
    (entry,) = services(usual)
    assert isinstance(entry, WindowsRun)
    assert entry.status() is State.ABSENT
    assert entry.remove() is False
    assert entry.install() is True
    assert registry.values["photofind"] == (
        f'"{tmp_path}/Program Files/pythonw.exe" -P -m photofind daemon run'
    )
    assert (entry.status(), entry.install()) == (State.INSTALLED, False)
    registry.values["photofind"] = "elsewhere.exe"
    assert (entry.status(), entry.install()) == (State.OUTDATED, True)
    assert entry.remove() is True
    assert registry.values == {"other": "left alone"}


def test_the_registry_value_for_another_home(registry: Registry) -> None:
    home = Home(Path("C:/my photos"))
    WindowsRun(home).install()
    line = registry.values[service_name(home)]
    assert line.endswith(f"daemon run --home {subprocess.list2cmdline([str(home.root)])}")


def test_commands_that_windows_would_ignore_are_refused(registry: Registry, tmp_path: Path) -> None:
    entry = WindowsRun(Home(tmp_path / ("x" * LONGEST)))
    with pytest.raises(DaemonError, match="more than 260 characters"):
        entry.install()
    assert registry.values == {}


# Files for packagers.


def test_packaging_files_are_up_to_date() -> None:
    generate = runpy.run_path(str(PACKAGING / "generate_services.py"))
    for path, content in generate["services"]().items():
        assert path.read_bytes() == content, "run packaging/generate_services.py"
