"""A macOS launch agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from photofind.daemon.service import agent_file, command
from photofind.desktop.autostart.base import FileAutostart, template

__all__ = ["Launchd", "agent"]


class Launchd(FileAutostart):
    """launchd, which also restarts the daemon after a crash.

    launchd reads the file at login; :mod:`photofind.daemon.service` loads it before that.
    """

    name = "launchd"
    effect = "macOS starts it when you log in, and restarts it after a crash"

    def is_present(self) -> bool:
        """Return True: every macOS session has launchd."""
        return True

    def files(self) -> Mapping[Path, bytes | Path]:
        """Return the property list."""
        path = agent_file(self.home)
        return {path: agent(path.stem, command(self.home))}


def agent(label: str, words: Sequence[str]) -> bytes:
    """Return the property list of the agent that runs a command."""
    strings = "\n".join(f"\t\t<string>{escape(word)}</string>" for word in words)
    return template("photofind.plist", label=escape(label), command=strings)
