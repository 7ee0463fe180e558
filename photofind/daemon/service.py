"""The service manager that looks after the daemon, where `photofind daemon enable` gave it one.

systemd and launchd give the daemon its share of the machine and start it again after a crash. So
where one of them knows the daemon, it is the one to start it, and it has to be told when somebody
wants the daemon stopped. All of this is optional: where a manager refuses, the daemon is started
and ended like any process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

from photofind.paths import Home
from photofind.system.app_image import app_image

__all__ = [
    "agent_file",
    "command",
    "configuration_folder",
    "launchd_domain",
    "run_quietly",
    "service_name",
    "start_service",
    "stop_service",
    "systemd_folder",
    "unit_link",
]

_LABEL = "photofind.daemon"
_SECONDS = 10.0


def service_name(home: Home) -> str:
    """Return the name of the service of the daemon of ``home``: ``photofind`` for the default home.

    Every home has a name of its own.
    """
    from platformdirs import user_data_path

    if home.root == user_data_path("photofind", appauthor=False):
        return "photofind"
    return f"photofind-{crc32(os.fsencode(home.root)):08x}"


def command(home: Home) -> list[str]:
    """Return the command that runs the daemon of ``home`` in the foreground.

    -P: a module in the current folder, which may be one of photos, is never imported.
    """
    image = app_image()
    program = [image] if image else [sys.executable, "-P", "-m", "photofind"]
    return [*program, "daemon", "run", "--home", str(home.root)]


def configuration_folder() -> Path:
    """Return the folder of the user's configuration on Linux (XDG_CONFIG_HOME)."""
    named = os.environ.get("XDG_CONFIG_HOME", "")
    return Path(named) if named.startswith("/") else Path.home() / ".config"


def systemd_folder() -> Path:
    """Return the folder of this user's own units."""
    return configuration_folder() / "systemd" / "user"


def unit_link(home: Home) -> Path:
    """Return the link by which systemd starts the daemon of ``home`` at login."""
    return systemd_folder() / "default.target.wants" / f"{service_name(home)}.service"


def agent_file(home: Home) -> Path:
    """Return the file by which launchd starts the daemon of ``home`` at login."""
    label = service_name(home).replace("photofind", _LABEL)
    return Path.home() / "Library" / "LaunchAgents" / f"{label}.plist"


def launchd_domain() -> str:
    """Return the launchd domain of this user's session."""
    return f"gui/{os.getuid()}" if hasattr(os, "getuid") else ""


def start_service(home: Home, seconds: float) -> bool:
    """Make the service manager start the daemon; return False if there is none, or it fails.

    Parameters
    ----------
    seconds
        How long it may take.
    """
    if sys.platform == "linux" and unit_link(home).is_symlink():
        unit = f"{service_name(home)}.service"
        # systemd may have given up on it after crashes, or too many starts.
        run_quietly(["systemctl", "--user", "reset-failed", unit])
        return run_quietly(["systemctl", "--user", "start", unit], seconds)
    if sys.platform == "darwin" and agent_file(home).exists():
        agent = agent_file(home)
        run_quietly(["launchctl", "bootstrap", launchd_domain(), str(agent)])  # It may be known.
        return run_quietly(["launchctl", "kickstart", f"{launchd_domain()}/{agent.stem}"], seconds)
    return False


def stop_service(home: Home) -> None:
    """Tell the service manager to stop the daemon, and not to restart it.

    The caller checks whether it ends.
    """
    if sys.platform == "linux" and unit_link(home).is_symlink():
        unit = f"{service_name(home)}.service"
        run_quietly(["systemctl", "--user", "--no-block", "stop", unit])
    elif sys.platform == "darwin" and agent_file(home).exists():
        run_quietly(["launchctl", "bootout", f"{launchd_domain()}/{agent_file(home).stem}"])


def run_quietly(command: Sequence[str], seconds: float = _SECONDS) -> bool:
    """Run a command of the system; return whether it succeeded."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
