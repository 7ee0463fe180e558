"""The base of desktop integrations, which can be installed and removed."""

from __future__ import annotations

import os
import shutil
import stat
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import ClassVar

from photofind.desktop.command import Command
from photofind.desktop.folders import config_folder, data_folder, system_data_folders
from photofind.errors import DesktopError
from photofind.paths import new_private_file

__all__ = ["MARK", "Integration", "OwnFile", "OwnFiles", "State", "remove_file", "write_file"]

MARK = "Written by photofind; `photofind desktop remove` takes it away again."
"""In every file that photofind owns, so that no other file is replaced or removed."""


class State(Enum):
    """The state of an integration; the value is shown to the user."""

    INSTALLED = "installed"
    OUTDATED = "outdated"
    ABSENT = "not installed"


class Integration(ABC):
    """A place in the desktop where photofind can be installed.

    Parameters
    ----------
    command
        The command that starts photofind.
    """

    name: ClassVar[str]
    """Its name in commands."""
    title: ClassVar[str]
    """Its name for users."""
    where: ClassVar[str]
    """Where users find photofind once it is installed."""

    def __init__(self, command: Command) -> None:
        self.command = command

    @abstractmethod
    def is_present(self) -> bool:
        """Return whether this desktop has the place."""

    @abstractmethod
    def install(self) -> bool:
        """Install photofind; return whether something changed.

        Raises
        ------
        DesktopError
            If a file that photofind does not own is in the way.
        OSError
            If a file cannot be written.
        """

    @abstractmethod
    def remove(self) -> bool:
        """Remove exactly what :meth:`install` installed; return whether something changed."""

    @abstractmethod
    def status(self) -> State:
        """Return whether it is installed, and whether by this version."""


@dataclass(frozen=True)
class OwnFile:
    """The content of a file that photofind owns, and whether it is executable."""

    content: bytes
    executable: bool = False


class OwnFiles(Integration):
    """An integration that consists of files owned by photofind."""

    programs: ClassVar[tuple[str, ...]] = ()
    """The place is present if one of these programs is installed."""

    @abstractmethod
    def files(self) -> Mapping[Path, OwnFile]:
        """Return the expected files.

        Each holds :data:`MARK`.
        """

    def outdated_files(self) -> set[Path]:
        """Return the paths of files that earlier versions or installations may have left."""
        return set()

    def is_present(self) -> bool:
        """Return whether the program is installed."""
        return any(shutil.which(program) for program in self.programs)

    def install(self) -> bool:
        """Write the files; see :meth:`Integration.install`."""
        files = self.files()
        for path in files:
            if path.exists() and not _is_own(path):
                raise DesktopError(
                    f"{path} exists and does not belong to photofind", "move or rename the file"
                )
        needed = {path: file for path, file in files.items() if not _is_there(path, file)}
        for path, file in needed.items():
            write_file(path, file)
        stale = [path for path in self.outdated_files() - set(files) if _remove(path)]
        return bool(needed or stale)

    def remove(self) -> bool:
        """Remove the files, and folders that become empty."""
        return bool([path for path in {*self.files(), *self.outdated_files()} if _remove(path)])

    def status(self) -> State:
        """Compare the files with the expected ones."""
        files = self.files()
        if all(_is_there(path, file) for path, file in files.items()):
            return State.INSTALLED
        possible = {*files, *self.outdated_files()}
        return State.OUTDATED if any(_is_own(path) for path in possible) else State.ABSENT


def write_file(path: Path, file: OwnFile) -> None:
    """Replace ``path``, or the target if it is a link, by a file atomically."""
    path = path.resolve()  # Settings may be links into a dotfiles repository.
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
    descriptor, temporary = new_private_file(path)
    try:
        with os.fdopen(descriptor, "wb") as new:
            new.write(file.content)
        temporary.chmod(0o755 if file.executable else mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _is_own(path: Path) -> bool:
    try:
        return MARK.encode() in path.read_bytes()
    except OSError:
        return False


def _is_there(path: Path, file: OwnFile) -> bool:
    """Return whether a file is this user's, or one that a package installed for all users."""
    if path.exists() or not path.is_relative_to(data_folder()):
        return _matches(path, file)
    below = path.relative_to(data_folder())
    return any(_matches(folder / below, file) for folder in system_data_folders())


def _matches(path: Path, file: OwnFile) -> bool:
    try:
        mode = path.stat().st_mode
        return path.read_bytes() == file.content and (not file.executable or bool(mode & 0o100))
    except OSError:
        return False


def remove_file(path: Path) -> None:
    """Remove a file, and parent folders that become empty."""
    path.unlink()
    base_folders = {data_folder(), config_folder(), Path.home()}
    for folder in path.parents:
        if folder in base_folders or not any(map(folder.is_relative_to, base_folders)):
            break
        try:
            folder.rmdir()
        except OSError:  # It is not empty.
            break


def _remove(path: Path) -> bool:
    is_own = _is_own(path)
    if is_own:
        remove_file(path)
    return is_own
