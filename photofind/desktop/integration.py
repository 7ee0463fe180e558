"""A place of the desktop that photofind can be put into, and taken out of again."""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import ClassVar

from photofind.desktop.command import Command
from photofind.desktop.folders import config_folder, data_folder
from photofind.errors import DesktopError

__all__ = ["MARK", "Integration", "OwnFile", "OwnFiles", "State", "remove_file", "write_file"]

MARK = "Written by photofind; `photofind desktop remove` takes it away again."
"""What is in every file that is photofind's own, so that no other is replaced or removed."""


class State(Enum):
    """How an integration stands; the value says it in words."""

    INSTALLED = "installed"
    OUTDATED = "outdated"
    ABSENT = "not installed"


class Integration(ABC):
    """One place of the desktop.

    Parameters
    ----------
    command
        What starts photofind from there.
    """

    name: ClassVar[str]
    """What it is called in commands."""
    title: ClassVar[str]
    """What people call it."""
    where: ClassVar[str]
    """Where people find photofind once it is installed."""

    def __init__(self, command: Command) -> None:
        self.command = command

    @abstractmethod
    def is_present(self) -> bool:
        """Return whether this desktop has the place at all."""

    @abstractmethod
    def install(self) -> bool:
        """Put photofind into it; return whether something was to be done.

        Raises
        ------
        DesktopError
            If something that is not photofind's is in the way.
        OSError
            If the disk refuses.
        """

    @abstractmethod
    def remove(self) -> bool:
        """Take out exactly what :meth:`install` put in; return whether something was there."""

    @abstractmethod
    def status(self) -> State:
        """Return whether it is installed, and as this version would."""


@dataclass(frozen=True)
class OwnFile:
    """What a file of photofind's own holds, and whether it can be executed."""

    content: bytes
    executable: bool = False


class OwnFiles(Integration):
    """An integration by files that are photofind's alone."""

    programs: ClassVar[tuple[str, ...]] = ()
    """Any one of them on the path means that the place is there."""

    @abstractmethod
    def files(self) -> Mapping[Path, OwnFile]:
        """Return the files as they have to be.

        Each holds :data:`MARK`.
        """

    def outdated_files(self) -> set[Path]:
        """Return where earlier versions, or this one elsewhere, may have left files."""
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
                    f"{path} is there already and is not photofind's", "move it away, or rename it"
                )
        needed = {path: file for path, file in files.items() if not _matches(path, file)}
        for path, file in needed.items():
            write_file(path, file)
        stale = [path for path in self.outdated_files() - set(files) if _remove(path)]
        return bool(needed or stale)

    def remove(self) -> bool:
        """Remove the files, and the folders that are empty then."""
        return bool([path for path in {*self.files(), *self.outdated_files()} if _remove(path)])

    def status(self) -> State:
        """Return how the files are."""
        files = self.files()
        if all(_matches(path, file) for path, file in files.items()):
            return State.INSTALLED
        known = {*files, *self.outdated_files()}
        return State.OUTDATED if any(_is_own(path) for path in known) else State.ABSENT


def write_file(path: Path, file: OwnFile) -> None:
    """Replace ``path`` by a file, whole or not at all; where it is a link, what it leads to."""
    path = path.resolve()  # Some keep their settings elsewhere and link to them.
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(file.content)
        if path.exists():
            shutil.copymode(path, temporary)
        if file.executable:
            temporary.chmod(0o755)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _is_own(path: Path) -> bool:
    try:
        return MARK.encode() in path.read_bytes()
    except OSError:
        return False


def _matches(path: Path, file: OwnFile) -> bool:
    try:
        mode = path.stat().st_mode
        return path.read_bytes() == file.content and (not file.executable or bool(mode & 0o100))
    except OSError:
        return False


def remove_file(path: Path) -> None:
    """Remove a file, and the folders that are empty then."""
    path.unlink()
    kept = {data_folder(), config_folder(), Path.home()}
    for folder in path.parents:
        if folder in kept or not any(folder.is_relative_to(base) for base in kept):
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
