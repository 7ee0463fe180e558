"""A virtual screen: X server, session bus, window manager and home folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageGrab
from waiting import patience, wait_until

__all__ = ["NEEDED", "Screen", "Thing", "need"]

SYSTEM_PYTHON = "/usr/bin/python3"  # It has GObject introspection; this Python may not.
ACCESSIBLE = Path(__file__).with_name("accessible.py")
NEEDED = (
    *("Xvfb", "dbus-daemon", "openbox", "xdotool", "xprop", SYSTEM_PYTHON),
    "/usr/lib/*/girepository-1.0/Atspi-2.0.typelib",
)
"""Required programs and files; the README lists Debian packages."""
_LIST_NAMES = (
    *("--dest", "org.freedesktop.DBus", "--object-path", "/"),
    *("--method", "org.freedesktop.DBus.ListNames"),
)


def need(*programs: str) -> None:
    """Skip the test if one of these programs, or a file of these patterns, is missing."""
    absent = [
        program
        for program in programs
        if not (any(Path("/").glob(program[1:])) if program[0] == "/" else shutil.which(program))
    ]
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)}")


@dataclass(frozen=True)
class Thing:
    """An element on the screen with an accessible name."""

    name: str
    role: str
    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> tuple[int, int]:
        """Where to click."""
        return self.x + self.width // 2, self.y + self.height // 2


class Screen:
    """An X server with a complete desktop session.

    Parameters
    ----------
    folder
        Where the home folder, logs and screenshots are created.
    size
        Width and height in pixels.
    """

    def __init__(self, folder: Path, size: tuple[int, int] = (1280, 900)) -> None:
        self.folder = folder
        self.size = size
        self.home = folder / "home"
        self.log = folder / "programs.log"
        self._programs: list[subprocess.Popen[bytes]] = []
        runtime = folder / "run"
        for new in (self.home, self.home / ".config", self.home / ".local/share"):
            new.mkdir(parents=True)
        runtime.mkdir(mode=0o700)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "DBUS_", "GTK_"))}
        for name in ("WAYLAND_DISPLAY", "VIRTUAL_ENV", "PHOTOFIND_HOME"):
            kept.pop(name, None)
        self.environment = kept | {
            "HOME": str(self.home),
            # Programs with embedded Python derive their imports from the path.
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/usr/games",
            "XDG_RUNTIME_DIR": str(runtime),
            "XDG_DATA_HOME": str(self.home / ".local/share"),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "XDG_CURRENT_DESKTOP": "TEST",
            "XDG_SESSION_TYPE": "x11",
            "LANG": "C.UTF-8",
            "GVFS_DISABLE_FUSE": "1",  # Its mounts would outlive the test.
            "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }

    def __enter__(self) -> Screen:
        try:
            self._start_server()
            self._start_bus()
            self.start("openbox")
            wait_until(
                lambda: "window id" in self.output("xprop", "-root", "_NET_SUPPORTING_WM_CHECK"),
                "window manager",
            )
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End all programs, including those started by others on the bus."""
        while self._programs:
            self.end(self._programs.pop())

    def start(self, *words: str | bytes | Path, **options: Any) -> subprocess.Popen[bytes]:
        """Start a program on the screen; it ends with the screen, together with its children."""
        with self.log.open("ab") as log:
            log.write(f"--- {words}\n".encode())
            log.flush()
            program = subprocess.Popen(
                words,
                env=self.environment | options.pop("environment", {}),
                stdin=options.pop("stdin", subprocess.DEVNULL),
                stdout=options.pop("stdout", log),
                stderr=options.pop("stderr", log),
                start_new_session=True,
                cwd=options.pop("cwd", self.home),
                **options,
            )
        self._programs.append(program)
        return program

    def end(self, program: subprocess.Popen[bytes]) -> None:
        """Terminate a program and its children, then kill them."""
        for number, seconds in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            with suppress(ProcessLookupError):
                os.killpg(program.pid, number)
            with suppress(subprocess.TimeoutExpired):
                program.wait(seconds)
        for stream in (program.stdin, program.stdout, program.stderr):
            if stream:
                stream.close()

    def output(self, *words: str | bytes | Path, seconds: float = 30, check: bool = False) -> str:
        """Run a program to its end and return its output."""
        done = subprocess.run(
            words,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=patience(seconds),
            check=False,
            cwd=self.home,
        )
        text = done.stdout.decode(errors="replace")
        assert not check or done.returncode == 0, text + done.stderr.decode(errors="replace")
        return text

    def wait_for_service(self, name: str) -> None:
        """Wait until this name is owned on the session bus."""
        wait_until(
            lambda: f"'{name}'" in self.output("gdbus", "call", "--session", *_LIST_NAMES), name
        )

    def start_thumbnailer(self) -> None:
        """Start the thumbnailer: Thunar waits for 25 s, and then shows none until its end."""
        (program,) = Path("/usr/lib").glob("*/tumbler-1/tumblerd")
        self.start(program)
        self.wait_for_service("org.freedesktop.thumbnails.Thumbnailer1")

    # Looking.

    def picture(self, name: str) -> Image.Image:
        """Take a screenshot, which is also saved under this name."""
        shown = ImageGrab.grab(xdisplay=self.environment["DISPLAY"])
        shown.save(self.folder / f"{name}.png", compress_level=1)
        return shown

    def window(self, *search: str, seconds: float = 60) -> int:
        """Wait for a visible window, by ``--class`` or ``--name``; return its id."""
        found = wait_until(
            lambda: self.output("xdotool", "search", "--onlyvisible", *search).split(),
            f"window {search}",
            seconds,
        )
        return int(found[-1])

    def find(self, name: str, *, role: str = "", within: str = "", seconds: float = 60) -> Thing:
        """Wait for an element by its accessible name and role."""
        told = self.output(
            SYSTEM_PYTHON, ACCESSIBLE, "find", name, role, within,
            str(patience(seconds)), seconds=seconds + 30,
        )  # fmt: skip
        assert told, f"no {role or 'thing'} {name!r} within {seconds} s:\n{self.things()}"
        return Thing(**json.loads(told))

    def find_colour(
        self, colour: tuple[int, int, int], *, pixels: int = 200, seconds: float = 60
    ) -> tuple[int, int]:
        """Wait for this number of pixels of one colour, such as a photo's; return their centre."""

        def look() -> tuple[int, int] | None:
            shown = np.asarray(self.picture("now"))
            nearly = np.clip([np.subtract(colour, 6), np.add(colour, 6)], 0, 255)
            lowest, highest = nearly.astype(np.uint8)
            rows, columns = np.nonzero(((shown >= lowest) & (shown <= highest)).all(axis=2))
            return (int(np.median(columns)), int(np.median(rows))) if len(rows) > pixels else None

        return wait_until(look, f"patch of {colour}", seconds)

    def things(self) -> str:
        """Return the elements on the screen as a tree of roles and names."""
        return self.output(SYSTEM_PYTHON, ACCESSIBLE, "tree", seconds=60)

    # Acting.

    def click(self, place: Thing | tuple[int, int], button: int = 1) -> None:
        """Move the pointer in two steps, so that programs notice, and click."""
        x, y = place.middle if isinstance(place, Thing) else place
        self.output("xdotool", "mousemove", str(x - 3), str(y - 2), check=True)
        time.sleep(0.15)  # Menus open submenus, and ignore immediate clicks.
        self.output("xdotool", "mousemove", str(x), str(y), check=True)
        time.sleep(0.15)
        self.output("xdotool", "click", str(button), check=True)

    def press(self, *keys: str) -> None:
        """Press keys one after the other, by their xdotool names."""
        for key in keys:
            self.output("xdotool", "key", "--clearmodifiers", key, check=True)
            time.sleep(0.05)

    # Starting.

    def _start_server(self) -> None:
        width, height = self.size
        read, write = os.pipe()
        try:
            self.start(
                "Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24",
                "-nolisten", "tcp", "-noreset",
                pass_fds=(write,),
            )  # fmt: skip
            os.close(write)
            number = _read_line(read, "display")
        finally:
            os.close(read)
        self.environment["DISPLAY"] = f":{number}"

    def _start_bus(self) -> None:
        bus = self.start(
            "dbus-daemon", "--session", "--nofork", "--print-address", stdout=subprocess.PIPE
        )
        assert bus.stdout
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = _read_line(bus.stdout.fileno(), "bus")


def _read_line(descriptor: int, what: str, seconds: float = 30) -> str:
    """Return the first line from a pipe."""
    os.set_blocking(descriptor, False)
    line = b""

    def look() -> Sequence[bytes] | None:
        nonlocal line
        with suppress(BlockingIOError):
            line += os.read(descriptor, 4096)
        return [line] if line.endswith(b"\n") else None

    return wait_until(look, what, seconds)[0].decode().strip()
