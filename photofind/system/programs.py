"""Starting other desktop programs as independent processes."""

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
"""Seconds within which a failing program exits; one that runs longer is taken to work."""

_DISPLAY = ("DISPLAY", "WAYLAND_DISPLAY")
_SESSION_VARIABLES = (*_DISPLAY, "XAUTHORITY", "XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE")


def has_display() -> bool:
    """Return whether a program can open a window, according to the environment."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in _DISPLAY)


def start_detached(words: Sequence[str]) -> None:
    """Start a desktop program that keeps running independently of this process.

    If this process is a systemd service, systemd is asked to start the program in the user's
    session: as a child, it would share the service's resource limits and end with it.

    Raises
    ------
    DesktopError
        If the program is not installed or fails at once.
    """
    if _is_service() and shutil.which("systemd-run"):
        quiet = ("systemd-run", "--user", "--collect", "--quiet", "--")
        if _run([*quiet, *words], wait=10.0) == 0:
            return
    try:
        code = _run(words, wait=_SOON)
    except FileNotFoundError:
        raise DesktopError(
            f"{words[0]} is not installed", "install it with your package manager"
        ) from None
    except OSError as error:
        raise DesktopError(f"{words[0]} cannot be started: {error.strerror}") from error
    if code not in (0, None):
        raise DesktopError(f"{words[0]} failed with exit code {code}")


def _run(words: Sequence[str], wait: float) -> int | None:
    """Start a program; return its exit code, or None if it still runs after ``wait`` seconds."""
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
        # Without a wait() it would stay a zombie until this process ends.
        threading.Thread(target=program.wait, daemon=True, name=words[0]).start()
        return None


def _environment() -> dict[str, str]:
    """Return the environment, with the session's display if this process has none."""
    if has_display() or not shutil.which("systemctl"):
        return dict(os.environ)
    output = subprocess.run(
        ["systemctl", "--user", "show-environment"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    ).stdout
    session = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
    shared = {name: session[name] for name in _SESSION_VARIABLES if name in session}
    return shared | dict(os.environ)


def _is_service() -> bool:
    """Return whether systemd started this process."""
    return os.environ.get("SYSTEMD_EXEC_PID") == str(os.getpid())
