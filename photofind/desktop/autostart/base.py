"""Something that starts the daemon at login, and that it can be put into and taken out of."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from importlib.resources import files
from pathlib import Path
from typing import ClassVar

from photofind.daemon.service import run_quietly, service_name
from photofind.errors import DaemonError
from photofind.paths import Home, private_folder, remove_file, write_atomically
from photofind.system.disk import explained

__all__ = ["MARK", "Autostart", "FileAutostart", "State", "template"]

MARK = "Written by `photofind daemon enable`"
"""What is in every file that is photofind's own, so that no other is replaced or removed."""


class State(Enum):
    """How an autostart stands; the value says it in words."""

    INSTALLED = "enabled"
    OUTDATED = "enabled by another version or place of photofind"
    ABSENT = "not enabled"


class Autostart(ABC):
    """One way to have the daemon started at login.

    Parameters
    ----------
    home
        Whose daemon; every home has its own entry.
    """

    name: ClassVar[str]
    """What it is called in JSON."""
    effect: ClassVar[str]
    """What it does once it is installed, in words."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.service = service_name(home)

    @abstractmethod
    def is_present(self) -> bool:
        """Return whether this session has what starts the daemon then."""

    @abstractmethod
    def install(self) -> bool:
        """Have the daemon started at login from now on; return whether something was to be done.

        Raises
        ------
        DaemonError
            Something that is not photofind's is in the way.
        LibraryError
            The disk refuses.
        """

    @abstractmethod
    def remove(self) -> bool:
        """Take away exactly what :meth:`install` put there; return whether there was something."""

    @abstractmethod
    def status(self) -> State:
        """Return whether it is installed, and as this version would."""


class FileAutostart(Autostart):
    """An autostart by files that are photofind's alone.

    Parameters
    ----------
    run
        Runs a command of the system; whether it succeeds matters to nobody here.
    """

    def __init__(self, home: Home, run: Callable[[Sequence[str]], object] = run_quietly) -> None:
        super().__init__(home)
        self._run = run

    @abstractmethod
    def files(self) -> Mapping[Path, bytes | Path]:
        """Return the files as they have to be: what each holds, or where a link leads.

        Each that is no link holds :data:`MARK`.
        """

    def after_changes(self) -> Sequence[Sequence[str]]:
        """Return the commands that make changed files known."""
        return ()

    def install(self) -> bool:
        """Write the files; see :meth:`Autostart.install`."""
        wanted = self.files()
        for path in wanted:
            if _is_there(path) and not _is_own(path, wanted[path]):
                raise DaemonError(
                    f"{path} is there already and is not photofind's", "move it away, or rename it"
                )
        changed = {path: what for path, what in wanted.items() if not _matches(path, what)}
        for path, what in changed.items():
            with explained(path):
                _write(path, what)
        return self._done(bool(changed))

    def remove(self) -> bool:
        """Remove the files, and the folders that are empty then."""
        own = [path for path, what in self.files().items() if _is_own(path, what)]
        for path in reversed(own):
            with explained(path):
                remove_file(path)
            with suppress(OSError):  # Others have something in it.
                path.parent.rmdir()
        return self._done(bool(own))

    def status(self) -> State:
        """Return whether the files are there, and as they have to be."""
        wanted = self.files()
        if all(_matches(path, what) for path, what in wanted.items()):
            return State.INSTALLED
        if any(_is_own(path, what) for path, what in wanted.items()):
            return State.OUTDATED
        return State.ABSENT

    def _done(self, something: bool) -> bool:
        if something:
            for command in self.after_changes():
                self._run(command)
        return something


def template(name: str, **values: str) -> bytes:
    """Return a file of this folder with ``@NAME@`` replaced by the value of each name."""
    text = files(__package__).joinpath(name).read_text("utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key.upper()}@", value)
    return text.encode(errors="surrogateescape")


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _is_own(path: Path, wanted: bytes | Path) -> bool:
    try:
        if isinstance(wanted, Path):
            return path.is_symlink() and path.readlink() == wanted
        return MARK.encode() in path.read_bytes()
    except OSError:
        return False


def _matches(path: Path, wanted: bytes | Path) -> bool:
    try:
        return _is_own(path, wanted) and (isinstance(wanted, Path) or path.read_bytes() == wanted)
    except OSError:
        return False


def _write(path: Path, what: bytes | Path) -> None:
    if isinstance(what, Path):
        private_folder(path.parent)
        os.symlink(what, path)  # noqa: PTH211 - Path.symlink_to has it the other way round.
    else:
        write_atomically(path, what)
