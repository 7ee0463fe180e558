"""The base of services that start the daemon at login."""

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
from photofind.system.disk import explain_disk_errors

__all__ = ["MARK", "Autostart", "FileAutostart", "State", "template"]

MARK = "Written by `photofind daemon enable`"
"""In every file that photofind owns, so that no other file is replaced or removed."""


class State(Enum):
    """The state of an autostart; the value is shown to the user."""

    INSTALLED = "enabled"
    OUTDATED = "enabled by another version or copy of photofind"
    ABSENT = "not enabled"


class Autostart(ABC):
    """A way to start the daemon at login.

    Parameters
    ----------
    home
        The home of the daemon; every home has its own entry.
    """

    name: ClassVar[str]
    """Its name in JSON."""
    effect: ClassVar[str]
    """What it does once it is installed, for the user."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.service = service_name(home)

    @abstractmethod
    def is_present(self) -> bool:
        """Return whether the service is available in this session."""

    @abstractmethod
    def install(self) -> bool:
        """Start the daemon at login from now on; return whether something changed.

        Raises
        ------
        DaemonError
            If a file that photofind does not own is in the way.
        LibraryError
            If a file cannot be written.
        """

    @abstractmethod
    def remove(self) -> bool:
        """Remove exactly what :meth:`install` installed; return whether something changed."""

    @abstractmethod
    def status(self) -> State:
        """Return whether it is installed, and whether by this version."""


class FileAutostart(Autostart):
    """An autostart that consists of files owned by photofind.

    Parameters
    ----------
    run
        Runs a system command; its success is not checked.
    """

    def __init__(self, home: Home, run: Callable[[Sequence[str]], object] = run_quietly) -> None:
        super().__init__(home)
        self._run = run

    @abstractmethod
    def files(self) -> Mapping[Path, bytes | Path]:
        """Return the expected files: the content of each, or the target of a link.

        Each regular file contains :data:`MARK`.
        """

    def after_changes(self) -> Sequence[Sequence[str]]:
        """Return the commands that apply changed files."""
        return ()

    def install(self) -> bool:
        """Write the files; see :meth:`Autostart.install`."""
        wanted = self.files()
        for path in wanted:
            if _is_there(path) and not _is_own(path, wanted[path]):
                raise DaemonError(
                    f"{path} exists and does not belong to photofind", "move or rename the file"
                )
        changed = {path: what for path, what in wanted.items() if not _matches(path, what)}
        for path, what in changed.items():
            with explain_disk_errors(path):
                _write(path, what)
        return self._done(bool(changed))

    def remove(self) -> bool:
        """Remove the files, and folders that become empty."""
        own = [path for path, what in self.files().items() if _is_own(path, what)]
        for path in reversed(own):
            with explain_disk_errors(path):
                remove_file(path)
            with suppress(OSError):  # The folder is not empty.
                path.parent.rmdir()
        return self._done(bool(own))

    def status(self) -> State:
        """Compare the files with the expected ones."""
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
        os.symlink(what, path)  # noqa: PTH211 - clearer than Path.symlink_to.
    else:
        write_atomically(path, what)
