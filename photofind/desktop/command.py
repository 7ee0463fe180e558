"""The command that starts photofind, quoted for the programs that run it.

Each program has its own quoting rules. It appends the selected files itself, at a placeholder after
the command.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from photofind.errors import DesktopError
from photofind.system.app_image import app_image

__all__ = ["Command"]

_LINKS = (Path("/usr/bin/photofind"), Path("/usr/local/bin/photofind"))
"""The command that packages of the system have; the files that they bring for all users name it."""


@dataclass(frozen=True)
class Command:
    """The words of a command that starts photofind from anywhere."""

    words: tuple[str, ...]

    @classmethod
    def installed(cls) -> Command:
        """Return the command that starts this installation of photofind.

        It includes ``PHOTOFIND_HOME`` if set, since desktop programs may not have that in their
        environment.
        """
        words = _program()
        home = os.environ.get("PHOTOFIND_HOME")
        if home and os.name == "posix":
            words = ("/usr/bin/env", f"PHOTOFIND_HOME={Path(home).expanduser().absolute()}", *words)
        return cls(words)

    @property
    def similar(self) -> Command:
        """The command that shows photos similar to the paths that follow."""
        return Command((*self.words, "similar", "--open", "--"))

    @property
    def similar_by_uri(self) -> Command:
        """The same for URIs."""
        return Command((*self.words, "similar", "--open", "--uris", "--"))

    @property
    def similar_one_by_one(self) -> Command:
        """The same for programs that start it once per selected file."""
        return Command((*self.words, "similar", "--open", "--gather", "--"))

    @property
    def known(self) -> Command:
        """The command that shows which photos of the folder that follows are new."""
        return Command((*self.words, "known", "--open", "--"))

    def with_words(self, *words: str) -> Command:
        """Return the command with more words at its end."""
        return Command((*self.words, *words))

    def for_shell(self) -> str:
        """Return the command quoted for a POSIX shell."""
        return shlex.join(self.words)

    def for_thunar(self) -> str:
        """Return the command quoted for Thunar: for a shell, with each % doubled."""
        return _readable(self.for_shell().replace("%", "%%"))

    def for_key_file(self) -> str:
        r"""Return the command quoted for ``Exec`` in a desktop entry or similar file.

        It is quoted twice: words by the Desktop Entry Specification's rules for ``Exec``, and the
        whole as a string value, in which a backslash begins an escape.
        """
        # GLib and KDE look up the program by its quoted name, with each % doubled.
        words = ("/usr/bin/env", *self.words) if "%" in self.words[0] else self.words
        line = _readable(" ".join(_quoted(word) for word in words))
        escapes = {"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
        return "".join(escapes.get(character, character) for character in line)

    def for_windows(self) -> str:
        """Return the command quoted for Windows."""
        return subprocess.list2cmdline(self.words)


def _readable(line: str) -> str:
    """Return a line unchanged; raise if it cannot be written to a UTF-8 file."""
    if any("\ud800" <= c <= "\udfff" or (c < " " and c not in "\t\n\r") for c in line):
        raise DesktopError(
            "photofind is installed in a folder whose name is not valid text",
            "install it in another folder",
        )
    return line


def _quoted(word: str) -> str:
    if word and not set(word) & set(" \t\n\r\"'\\><~|&;$*?#()`="):
        return word.replace("%", "%%")
    escaped = "".join("\\" + c if c in '"`$\\' else c for c in word)
    return '"' + escaped.replace("%", "%%") + '"'


def _program() -> tuple[str, ...]:
    """Return the installed script if there is one, otherwise Python with the package."""
    if getattr(sys, "frozen", False):
        return (sys.executable,)
    if image := app_image():
        return (image,)
    windows = os.name == "nt"
    if not windows:  # The script would open a console window.
        for scheme in (sysconfig.get_default_scheme(), "posix_user"):
            installed = Path(sysconfig.get_path("scripts", scheme), "photofind")
            if os.access(installed, os.X_OK):
                links = (link for link in _LINKS if link.resolve() == installed.resolve())
                return (str(next(links, installed)),)
    python = Path(sys.executable)
    if windows and python.with_name("pythonw.exe").exists():
        python = python.with_name("pythonw.exe")
    return (str(python), "-P", "-m", "photofind")
