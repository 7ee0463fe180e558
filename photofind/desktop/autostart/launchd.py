"""A launch agent of macOS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from photofind.daemon.service import agent_file, command
from photofind.desktop.autostart.base import FileAutostart, template

__all__ = ["Launchd", "agent"]


class Launchd(FileAutostart):
    """launchd: it also starts the daemon after a crash.

    It reads the file at the next login; until then, :mod:`photofind.daemon.service` has it read.
    """

    name = "launchd"
    effect = "macOS starts it when you log in, and again should it crash"

    def is_present(self) -> bool:
        """Return True: every session of macOS has it."""
        return True

    def files(self) -> Mapping[Path, bytes | Path]:
        """Return the property list."""
        path = agent_file(self.home)
        return {path: agent(path.stem, command(self.home))}


def agent(label: str, words: Sequence[str]) -> bytes:
    """Return the property list of the agent that runs a command."""
    strings = "\n".join(f"\t\t<string>{escape(word)}</string>" for word in words)
    return template("photofind.plist", label=escape(label), command=strings)
