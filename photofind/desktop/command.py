"""How others start photofind, and how that is written where they read it.

Each reader has its own rules of quoting. What it is to pass on, the files that somebody selected,
it puts in itself, at a place that is named after the command.
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

__all__ = ["Command"]


@dataclass(frozen=True)
class Command:
    """The words that start photofind, from wherever it is started."""

    words: tuple[str, ...]

    @classmethod
    def installed(cls) -> Command:
        """Return what starts the photofind that is running now.

        Where ``PHOTOFIND_HOME`` is set it goes along: whoever starts photofind by a click may not
        have it in its environment.
        """
        words = _program()
        home = os.environ.get("PHOTOFIND_HOME")
        if home and os.name == "posix":
            words = ("/usr/bin/env", f"PHOTOFIND_HOME={Path(home).expanduser().absolute()}", *words)
        return cls(words)

    @property
    def similar(self) -> Command:
        """What shows the photos like those whose paths come after it."""
        return Command((*self.words, "similar", "--open", "--"))

    @property
    def similar_by_uri(self) -> Command:
        """The same for files named by URIs."""
        return Command((*self.words, "similar", "--open", "--uris", "--"))

    @property
    def similar_one_by_one(self) -> Command:
        """The same for one file, where it is started for each of several at once."""
        return Command((*self.words, "similar", "--open", "--gather", "--"))

    def with_words(self, *words: str) -> Command:
        """Return the command with more words at its end."""
        return Command((*self.words, *words))

    def for_shell(self) -> str:
        """Return the command as a POSIX shell reads it."""
        return shlex.join(self.words)

    def for_thunar(self) -> str:
        """Return the command as Thunar reads it: a shell's, with field codes in it."""
        return _readable(self.for_shell().replace("%", "%%"))

    def for_key_file(self) -> str:
        r"""Return the command as the value of ``Exec`` in a desktop entry, or what is like one.

        That is quoted twice: the words by the Desktop Entry Specification's rules for ``Exec``,
        and all of it as a string, in which a backslash begins an escape.
        """
        # GLib and KDE look for the program by its name as it is quoted, with each % doubled.
        words = ("/usr/bin/env", *self.words) if "%" in self.words[0] else self.words
        line = _readable(" ".join(_quoted(word) for word in words))
        escapes = {"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
        return "".join(escapes.get(character, character) for character in line)

    def for_windows(self) -> str:
        """Return the command as Windows programs split it into words."""
        return subprocess.list2cmdline(self.words)


def _readable(line: str) -> str:
    """Return a line as it is, where it can stand in a file that has to be UTF-8."""
    if any("\ud800" <= c <= "\udfff" or (c < " " and c not in "\t\n\r") for c in line):
        raise DesktopError(
            "photofind is installed in a folder with a name that cannot be written down",
            "install it in another one",
        )
    return line


def _quoted(word: str) -> str:
    if word and not set(word) & set(" \t\n\r\"'\\><~|&;$*?#()`="):
        return word.replace("%", "%%")
    escaped = "".join("\\" + c if c in '"`$\\' else c for c in word)
    return '"' + escaped.replace("%", "%%") + '"'


def _program() -> tuple[str, ...]:
    """Return the installed command where there is one, and Python with the package elsewhere."""
    if getattr(sys, "frozen", False):
        return (sys.executable,)
    windows = os.name == "nt"
    if not windows:  # There, the command would open a console window with each click.
        for scheme in (sysconfig.get_default_scheme(), "posix_user"):
            installed = Path(sysconfig.get_path("scripts", scheme), "photofind")
            if os.access(installed, os.X_OK):
                return (str(installed),)
    python = Path(sys.executable)
    if windows and python.with_name("pythonw.exe").exists():
        python = python.with_name("pythonw.exe")
    return (str(python), "-P", "-m", "photofind")
