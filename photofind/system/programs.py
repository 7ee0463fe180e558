"""Other programs of the desktop, started so that they live on their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence

from photofind.errors import DesktopError

__all__ = ["has_display", "start_detached"]

_SOON = 2.0
"""Seconds within which a program says that it can do nothing; afterwards it is believed to."""

_DISPLAY = ("DISPLAY", "WAYLAND_DISPLAY")
_OF_THE_SESSION = (*_DISPLAY, "XAUTHORITY", "XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE")


def has_display() -> bool:
    """Return whether a program can open a window, as far as the environment says."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in _DISPLAY)


def start_detached(words: Sequence[str]) -> None:
    """Start a program of the desktop that goes on by itself.

    A service is not where a person's programs belong: they would get its share of the machine,
    and end with it. There, systemd is asked to start the program among the others of the session.

    Raises
    ------
    DesktopError
        If there is no such program, or it says at once that it cannot do it.
    """
    if _is_service() and shutil.which("systemd-run"):
        quiet = ("systemd-run", "--user", "--collect", "--quiet", "--")
        if _run([*quiet, *words], wait=10.0) == 0:
            return
    try:
        code = _run(words, wait=_SOON)
    except FileNotFoundError:
        raise DesktopError(
            f"{words[0]} is not installed", "install it, or another desktop"
        ) from None
    except OSError as error:
        raise DesktopError(f"{words[0]} cannot be started: {error.strerror}") from error
    if code not in (0, None):
        raise DesktopError(f"{words[0]} could not do it; it ended with code {code}")


def _run(words: Sequence[str], wait: float) -> int | None:
    """Start a program; return the code that it ends with, None where it has not ended so soon."""
    program = subprocess.Popen(
        list(words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=_environment(),
    )
    try:
        return program.wait(wait)
    except subprocess.TimeoutExpired:
        # Somebody has to wait for it, or it stays a zombie for as long as this process lives.
        threading.Thread(target=program.wait, daemon=True, name=words[0]).start()
        return None


def _environment() -> dict[str, str]:
    """Return the environment, with the display of the session where this process has none."""
    if has_display() or not shutil.which("systemctl"):
        return dict(os.environ)
    shown = subprocess.run(
        ["systemctl", "--user", "show-environment"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    ).stdout
    known = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    return {name: known[name] for name in _OF_THE_SESSION if name in known} | dict(os.environ)


def _is_service() -> bool:
    """Return whether systemd started this very process."""
    return os.environ.get("SYSTEMD_EXEC_PID") == str(os.getpid())
