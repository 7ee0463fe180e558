"""A systemd user unit."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from photofind.daemon.service import command, systemd_folder, unit_link
from photofind.desktop.autostart.base import FileAutostart, template

__all__ = ["Systemd", "unit"]

_PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@=,")


class Systemd(FileAutostart):
    """The user's systemd, which also restarts the daemon after a crash.

    The unit is enabled by a link, as ``systemctl --user enable`` does; this works without a running
    systemd.
    """

    name = "systemd"
    effect = "systemd starts it when you log in, and restarts it after a crash"

    def is_present(self) -> bool:
        """Return whether the user's systemd is reachable."""
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        has_manager = bool(runtime) and Path(runtime, "systemd", "private").exists()
        return has_manager and shutil.which("systemctl") is not None

    def files(self) -> Mapping[Path, bytes | Path]:
        """Return the unit, and the link that enables it."""
        path = systemd_folder() / f"{self.service}.service"
        return {path: unit(command(self.home)), unit_link(self.home): path}

    def after_changes(self) -> Sequence[Sequence[str]]:
        """Return the command that makes systemd reload its units."""
        return (("systemctl", "--user", "daemon-reload"),)


def unit(words: Sequence[str]) -> bytes:
    """Return the unit that runs a command."""
    program, *arguments = map(_quoted, words)
    # systemd expands variables in arguments.
    line = " ".join((program, *(argument.replace("$", "$$") for argument in arguments)))
    return template("photofind.service", command=line)


def _quoted(word: str) -> str:
    """Return a word quoted by the rules of systemd.service(5)."""
    if set(word) <= _PLAIN:
        return word
    return '"' + "".join(map(_escaped, os.fsencode(word))) + '"'


def _escaped(byte: int) -> str:
    character = chr(byte)
    if character == "%":  # It would begin a specifier.
        return "%%"
    return character if character in _PLAIN or character in " $" else f"\\x{byte:02x}"
