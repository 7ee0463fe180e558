"""The icon in real panels: its states, clicks, and its menu."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
from fake_program import FakeProgram
from follow_door import follow_door
from PIL import Image
from screen import Screen, need
from waiting import patience, wait_until
from Xlib import X
from Xlib.display import Display

from photofind.daemon.client import connect_to_running
from photofind.daemon.lifecycle import start, stop
from photofind.daemon.runtime import read_runtime
from photofind.desktop.icon import IconState
from photofind.paths import Home

ICON_STATES = Path(__file__).with_name("icon_states.py")
PHOTOFIND = (sys.executable, "-m", "photofind")
COLOURS = {
    IconState.IDLE: (0x2F, 0x66, 0xD0),
    IconState.WORKING: (0x1F, 0x9D, 0x55),
    IconState.PAUSED: (0xF0, 0xA0, 0x00),
    IconState.PROBLEM: (0xE0, 0x31, 0x31),
    IconState.STOPPED: (0x6F, 0x77, 0x82),
}
PANEL = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array"><value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=8;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="28"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray"/>
  </property>
</channel>
"""
TRAYER = (
    "trayer", "--edge", "bottom", "--align", "right", "--SetDockType", "true",
    "--widthtype", "pixel", "--width", "120", "--heighttype", "pixel", "--height", "24",
)  # fmt: skip


@dataclass(frozen=True)
class Panel:
    """A panel, and the pystray backend for it."""

    backend: str

    def start(self, screen: Screen) -> None:
        """Start it on the screen."""
        if self.backend == "appindicator":
            folder = screen.home / ".config/xfce4/xfconf/xfce-perchannel-xml"
            folder.mkdir(parents=True)
            (folder / "xfce4-panel.xml").write_text(PANEL)
            screen.start("xfce4-panel", "--disable-wm-check")
            watcher = "org.kde.StatusNotifierWatcher"
            wait_until(lambda: watcher in screen.output("dbus-send", *NAMES), "panel")
        else:
            screen.start(*TRAYER)
            wait_until(lambda: has_tray(screen), "panel")


def has_tray(screen: Screen) -> bool:
    """Return whether a panel owns the tray of the screen."""
    display = Display(screen.environment["DISPLAY"])
    owner = display.get_selection_owner(display.intern_atom("_NET_SYSTEM_TRAY_S0"))
    display.close()
    return bool(owner != X.NONE)


RUNNING = ("Open photofind", "Find…", "Find similar to…", "Pause for", "Folders", "Start at login",
           "Quit tray", "Stop photofind")  # fmt: skip
NOT_RUNNING = ("Open photofind", "Find…", "Find similar to…", "Start at login", "Quit tray",
               "Start photofind")  # fmt: skip
PAUSES = ("15 minutes", "1 hour", "4 hours", "Until I resume")
NAMES = ("--session", "--print-reply", "--dest=org.freedesktop.DBus", "/",
         "org.freedesktop.DBus.ListNames")  # fmt: skip


@pytest.fixture(params=["xorg", "gtk", "appindicator"])
def panel(request: pytest.FixtureRequest) -> Panel:
    if request.param == "appindicator":
        need("xfce4-panel", "/usr/lib/*/girepository-1.0/AyatanaAppIndicator3-0.1.typelib")
    else:
        need("trayer")
    if request.param != "xorg" and not has_gtk():
        pytest.skip("GTK of the system cannot be used by this Python")
    return Panel(request.param)


def has_gtk() -> bool:
    """Return whether this Python can use GTK, possibly the system's."""
    code = "from photofind.tray.host import _imports; print(_imports('Gtk'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return done.stdout.strip() == "True"


@pytest.fixture
def daemon(home: Home, screen: Screen) -> Iterator[Home]:
    """The home of the test and of programs on the screen; its daemon is stopped afterwards."""
    screen.environment["PHOTOFIND_HOME"] = str(home.root)
    yield home
    stop(home)


@pytest.fixture
def browser(screen: Screen, tmp_path: Path) -> FakeProgram:
    """A fake browser."""
    browser = FakeProgram(tmp_path / "browser", "browser")
    screen.environment["BROWSER"] = f"{browser.path} %s"
    return browser


def start_tray(screen: Screen, panel: Panel) -> subprocess.Popen[bytes]:
    """Start the tray; the backend is forced only if the panel has no menu."""
    chosen = {"PYSTRAY_BACKEND": "xorg"} if panel.backend == "xorg" else {}
    return screen.start(*PHOTOFIND, "tray", environment=chosen)


def menu_is_open(screen: Screen) -> bool:
    """Return whether there is a white area above the panel."""
    colours = screen.picture("menu").crop((0, 0, 300, 860)).getcolors(10_000) or []
    return any(colour == (255, 255, 255) and count > 3000 for count, colour in colours)


def see(screen: Screen, state: IconState) -> tuple[int, int]:
    """Wait until the icon is in a state, and return where it is."""
    return screen.find_colour(COLOURS[state], pixels=12)


def test_every_state_is_visible(screen: Screen, panel: Panel, tmp_path: Path) -> None:
    panel.start(screen)
    chosen = {"PYSTRAY_BACKEND": panel.backend}
    icon = screen.start(
        sys.executable, ICON_STATES, tmp_path / "theme", stdin=subprocess.PIPE, environment=chosen
    )
    assert icon.stdin
    for state in (*IconState, IconState.IDLE):
        icon.stdin.write(f"{state.name}\n".encode())
        icon.stdin.flush()
        see(screen, state)
        screen.picture(f"{panel.backend}-{state.name.lower()}")
    icon.stdin.close()
    assert icon.wait(patience(30)) == 0


@pytest.mark.parametrize("panel", ["xorg", "gtk"], indirect=True)
def test_a_click_opens_the_page(
    screen: Screen, panel: Panel, daemon: Home, browser: FakeProgram
) -> None:
    panel.start(screen)
    start_tray(screen, panel)
    screen.click(see(screen, IconState.IDLE))
    ((door,),) = browser.wait_for_calls()
    assert follow_door(door.decode()) == "/"


@pytest.mark.parametrize("panel", ["gtk", "appindicator"], indirect=True)
def test_the_menu_is_used(screen: Screen, panel: Panel, daemon: Home, browser: FakeProgram) -> None:
    panel.start(screen)
    tray = start_tray(screen, panel)

    def choose(state: IconState, *path: str) -> None:
        place = see(screen, state)
        if panel.backend == "gtk":
            screen.click(place, button=3)
            for name in path:
                screen.click(screen.find(name))
            return
        # The panel shows the menu, without accessible names.
        screen.click(place)
        wait_until(lambda: menu_is_open(screen), "menu")
        entries = RUNNING if state is not IconState.STOPPED else NOT_RUNNING
        screen.press(*["Down"] * (entries.index(path[0].replace("Resume", "Pause for")) + 1))
        for name in path[1:]:
            screen.press("Right", *["Down"] * PAUSES.index(name))
        screen.press("Return")
        wait_until(lambda: not menu_is_open(screen), "end of the menu")

    choose(IconState.IDLE, "Pause for", "1 hour")
    see(screen, IconState.PAUSED)
    state = connect_to_running(daemon).status().daemon
    assert state
    assert state.paused
    assert state.paused_until
    assert 3000 < state.paused_until - time.time() <= 3600
    screen.picture("paused")
    choose(IconState.PAUSED, "Resume")
    see(screen, IconState.IDLE)
    choose(IconState.IDLE, "Open photofind")
    assert browser.wait_for_calls()
    browser.forget()
    choose(IconState.IDLE, "Find…")
    ((door,),) = browser.wait_for_calls()
    assert follow_door(door.decode()).partition("=")[0] == "/?find"
    choose(IconState.IDLE, "Start at login")
    entry = screen.home / ".config/autostart"
    wait_until(lambda: list(entry.glob("photofind*-tray.desktop")), "autostart of the tray")
    choose(IconState.IDLE, "Stop photofind")
    see(screen, IconState.STOPPED)
    choose(IconState.STOPPED, "Start photofind")
    see(screen, IconState.IDLE)
    choose(IconState.IDLE, "Quit tray")
    assert tray.wait(patience(30)) == 0
    assert connect_to_running(daemon).status().daemon  # It is still running.


@pytest.mark.parametrize("panel", ["gtk"], indirect=True)
def test_a_photo_is_chosen_and_offered_again(
    screen: Screen, panel: Panel, daemon: Home, browser: FakeProgram
) -> None:
    photo = screen.home / "a photo.jpg"
    Image.new("RGB", (20, 20)).save(photo)
    panel.start(screen)
    start_tray(screen, panel)

    def opened() -> str:
        ((door,),) = browser.wait_for_calls()
        browser.forget()
        return follow_door(door.decode())

    screen.click(see(screen, IconState.IDLE), button=3)
    screen.click(screen.find("Find similar to…"))
    choose = screen.find("Choose", role="button")
    screen.press("ctrl+l")  # Opens an entry for the path.
    time.sleep(1)
    screen.output("xdotool", "type", "--delay", "50", str(photo), check=True)
    time.sleep(1)  # Until then, automatic completion interferes.
    screen.click(choose)
    assert opened() == f"/?path={quote(str(photo), safe='')}"
    screen.click(see(screen, IconState.IDLE), button=3)
    screen.click(screen.find("Recent searches"))
    screen.click(screen.find("a photo.jpg", role="menu item"))
    assert opened() == f"/?path={quote(str(photo), safe='')}"


def test_it_ends_on_a_signal(screen: Screen, panel: Panel, daemon: Home) -> None:
    panel.start(screen)
    tray = start_tray(screen, panel)
    see(screen, IconState.IDLE)
    tray.terminate()
    assert tray.wait(patience(30)) == 0


@pytest.mark.parametrize("panel", ["xorg"], indirect=True)
def test_it_follows_the_daemon(screen: Screen, panel: Panel, daemon: Home) -> None:
    panel.start(screen)
    start_tray(screen, panel)
    see(screen, IconState.IDLE)
    stop(daemon)
    see(screen, IconState.STOPPED)
    start(daemon)
    see(screen, IconState.IDLE)
    runtime = read_runtime(daemon)
    assert runtime
    psutil.Process(runtime.pid).kill()
    wait_until(
        lambda: (again := read_runtime(daemon)) and again.pid != runtime.pid,
        "the start of another daemon by the tray",
    )
    see(screen, IconState.IDLE)
    with connect_to_running(daemon) as client:
        client.pause()
    see(screen, IconState.PAUSED)


@pytest.mark.parametrize("panel", ["xorg"], indirect=True)
def test_idle_it_does_nothing(screen: Screen, panel: Panel, daemon: Home) -> None:
    panel.start(screen)
    tray = psutil.Process(start_tray(screen, panel).pid)
    see(screen, IconState.IDLE)

    def has_started() -> bool:
        before = tray.cpu_times()
        time.sleep(2)
        return tray.cpu_times() == before

    wait_until(has_started, "the end of its start")
    before = tray.cpu_times()
    switches = tray.num_ctx_switches().voluntary
    time.sleep(5)
    after = tray.cpu_times()
    assert after.user + after.system - before.user - before.system <= 0.02
    assert tray.num_ctx_switches().voluntary - switches <= 5


@pytest.mark.parametrize("panel", ["xorg"], indirect=True)
def test_a_panel_may_restart(screen: Screen, panel: Panel, daemon: Home) -> None:
    first = screen.start(*TRAYER)
    wait_until(lambda: has_tray(screen), "panel")
    start_tray(screen, panel)
    see(screen, IconState.IDLE)
    screen.end(first)
    wait_until(lambda: not has_tray(screen), "end of the panel")
    panel.start(screen)
    see(screen, IconState.IDLE)


@pytest.mark.parametrize("panel", ["xorg"], indirect=True)
def test_there_is_one_icon(screen: Screen, panel: Panel, daemon: Home) -> None:
    panel.start(screen)
    start_tray(screen, panel)
    see(screen, IconState.IDLE)
    second = subprocess.run(
        [*PHOTOFIND, "tray"],
        env=screen.environment,
        capture_output=True,
        text=True,
        timeout=patience(60),
    )
    assert (second.returncode, second.stderr) == (0, "the icon is in the tray already\n")


def test_without_a_panel_one_line_says_why(screen: Screen, daemon: Home) -> None:
    def run(**environment: str) -> str:
        kept = {k: v for k, v in screen.environment.items() if environment.get(k) != ""}
        done = subprocess.run(
            [*PHOTOFIND, "tray"],
            env=kept | {k: v for k, v in environment.items() if v},
            capture_output=True,
            text=True,
            timeout=patience(60),
        )
        assert (done.returncode, done.stdout) == (1, "")
        lines = done.stderr.splitlines()
        assert len(lines) == 2
        assert "`photofind web` instead" in lines[1]
        return lines[0]

    assert run() == "photofind: there is no panel that shows tray icons"
    assert run(XDG_CURRENT_DESKTOP="ubuntu:GNOME") == (
        "photofind: GNOME does not show tray icons by itself"
    )
    assert run(DISPLAY="") == "photofind: there is no display to show a tray icon on"
