"""Write the service files for packagers from those that `photofind daemon enable` installs.

Run it after changing one in photofind/desktop/autostart.
"""

from __future__ import annotations

from pathlib import Path

from photofind.desktop.autostart.base import template
from photofind.desktop.autostart.launchd import agent
from photofind.desktop.autostart.systemd import unit

__all__ = ["services"]

COMMAND = ["/usr/bin/photofind", "daemon", "run"]
HERE = Path(__file__).parent


def services() -> dict[Path, bytes]:
    """Return the content of each file."""
    return {
        HERE / "systemd" / "photofind.service": unit(COMMAND),
        HERE / "launchd" / "photofind.daemon.plist": agent("photofind.daemon", COMMAND),
        HERE / "xdg" / "photofind-daemon.desktop": template(
            "photofind.desktop", command=" ".join(COMMAND)
        ),
    }


if __name__ == "__main__":
    for path, content in services().items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
