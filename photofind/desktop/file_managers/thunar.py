"""Thunar (Xfce): custom actions, in the file that holds all of them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

from photofind.desktop.file_managers.menu import (
    ICON,
    KNOWN_LABEL,
    KNOWN_TOOLTIP,
    LABEL,
    TOOLTIP,
)
from photofind.desktop.folders import config_folder, system_config_folders
from photofind.desktop.integration import Integration, OwnFile, State, remove_file, write_file
from photofind.errors import DesktopError

if TYPE_CHECKING:
    from photofind.desktop.file_managers.uca import Element

__all__ = ["Thunar"]

_FILE = "Thunar/uca.xml"
_EMPTY = b'<?xml version="1.0" encoding="UTF-8"?>\n<actions>\n</actions>\n'

# In the form that Thunar writes.
_ACTION = """\
<action>
\t<icon>{icon}</icon>
\t<name>{label}</name>
\t<submenu></submenu>
\t<unique-id>{unique_id}</unique-id>
\t<command>{command}</command>
\t<description>{tooltip}</description>
\t<range></range>
\t<patterns>*</patterns>
\t<{files}/>
</action>
"""


class _Action(NamedTuple):
    """An action of photofind.

    ``files`` is the element that says where Thunar shows it.
    """

    unique_id: str
    label: str
    tooltip: str
    files: str
    command: str

    @property
    def xml(self) -> bytes:
        return _ACTION.format(
            icon=ICON,
            label=escape(self.label),
            unique_id=self.unique_id,
            command=escape(self.command),
            tooltip=escape(self.tooltip),
            files=self.files,
        ).encode()

    def in_file(self, content: bytes) -> list[Element]:
        """Return the actions with its id in a file."""
        from photofind.desktop.file_managers.uca import actions_in

        return actions_in(_parsed(content), self.unique_id) if content else []


class Thunar(Integration):
    """Custom actions; the user's and the system's actions are kept byte for byte."""

    name = "thunar"
    title = "Thunar"
    where = f"right-click a photo, {LABEL}; restart a running Thunar with `thunar -q`"

    def is_present(self) -> bool:
        """Return whether Thunar is installed."""
        return shutil.which("thunar") is not None

    def install(self) -> bool:
        """Add the actions, or update their commands; see :meth:`Integration.install`.

        Other changes that the user made to them in Thunar are kept.
        """
        from photofind.desktop.file_managers.uca import appended, with_command

        # The user's file hides the system's, so a new one starts as a copy of the system's.
        current = _read(_path())
        new = current or _system_file()
        for action in self._actions:
            if own := action.in_file(new):
                new = with_command(new, own, action.command)
            else:
                new = appended(new, _parsed(new), action.xml)
        if new == current:
            return False
        if not self._are_current(new):
            raise _unusable("it has an unexpected form")
        write_file(_path(), OwnFile(new))
        return True

    def remove(self) -> bool:
        """Remove the actions; see :meth:`Integration.remove`."""
        from photofind.desktop.file_managers.uca import removed

        new = old = _read(_path())
        for action in self._actions:
            new = removed(new, action.in_file(new))
        if new == old:
            return False
        if new == _system_file():
            remove_file(_path())  # Thunar then uses the system's file, which is the same.
        else:
            write_file(_path(), OwnFile(new))
        return True

    def status(self) -> State:
        """Return the state of the actions."""
        content = _read(_path())
        if not any(action.in_file(content) for action in self._actions):
            return State.ABSENT
        return State.INSTALLED if self._are_current(content) else State.OUTDATED

    @property
    def _actions(self) -> tuple[_Action, _Action]:
        """The actions for photos and for a folder."""
        similar = f"{self.command.similar.for_thunar()} %F"
        known = f"{self.command.known.for_thunar()} %f"
        return (
            _Action("photofind-similar", LABEL, TOOLTIP, "image-files", similar),
            _Action("photofind-known", KNOWN_LABEL, KNOWN_TOOLTIP, "directories", known),
        )

    def _are_current(self, content: bytes) -> bool:
        """Return whether a file holds the actions with their commands."""
        return all(
            own and all(one.text_of("command") == action.command for one in own)
            for action in self._actions
            for own in [action.in_file(content)]
        )


def _path() -> Path:
    return config_folder() / _FILE


def _read(path: Path) -> bytes:
    """Return the content of a file; empty if it does not exist."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _system_file() -> bytes:
    """Return the actions file that Thunar uses for users without one of their own."""
    found = (_read(folder / _FILE) for folder in system_config_folders())
    return next(filter(None, found), _EMPTY)


def _parsed(content: bytes) -> Element:
    from photofind.desktop.file_managers.uca import parse

    try:
        return parse(content)
    except ValueError as error:
        raise _unusable(str(error)) from error


def _unusable(reason: str) -> DesktopError:
    return DesktopError(
        f"{_path()} cannot be changed: {reason}",
        "correct the file, or add the action in Thunar: Edit, Configure custom actions",
    )
