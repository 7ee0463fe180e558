"""Thunar (Xfce): a custom action, in the file that holds all of them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from photofind.desktop.file_managers.menu import ICON, LABEL, TOOLTIP
from photofind.desktop.folders import config_folder, system_config_folders
from photofind.desktop.integration import Integration, OwnFile, State, remove_file, write_file
from photofind.errors import DesktopError

if TYPE_CHECKING:
    from photofind.desktop.file_managers.uca import Element

__all__ = ["Thunar"]

_UNIQUE_ID = "photofind-similar"
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
\t<image-files/>
</action>
"""


class Thunar(Integration):
    """A custom action; the user's and the system's actions are kept byte for byte."""

    name = "thunar"
    title = "Thunar"
    where = f"right-click a photo, {LABEL}; restart a running Thunar with `thunar -q`"

    def is_present(self) -> bool:
        """Return whether Thunar is installed."""
        return shutil.which("thunar") is not None

    def install(self) -> bool:
        """Add the action, or update its command; see :meth:`Integration.install`.

        Other changes that the user made to the action in Thunar are kept.
        """
        from photofind.desktop.file_managers.uca import actions_in, appended, with_command

        # The user's file hides the system's, so a new one starts as a copy of the system's.
        current = _read(_path())
        old = current or _system_file()
        root = _parsed(old)
        own = actions_in(root, _UNIQUE_ID)
        new = with_command(old, own, self._command) if own else appended(old, root, self._action)
        if new == current:
            return False
        if not self._is_current(_own_actions(new)):
            raise _unusable("it has an unexpected form")
        write_file(_path(), OwnFile(new))
        return True

    def remove(self) -> bool:
        """Remove the action; see :meth:`Integration.remove`."""
        from photofind.desktop.file_managers.uca import removed

        old = _read(_path())
        own = _own_actions(old)
        if not own:
            return False
        new = removed(old, own)
        if new == _system_file():
            remove_file(_path())  # Thunar then uses the system's file, which is the same.
        else:
            write_file(_path(), OwnFile(new))
        return True

    def status(self) -> State:
        """Return the state of the action."""
        own = _own_actions(_read(_path()))
        if not own:
            return State.ABSENT
        return State.INSTALLED if self._is_current(own) else State.OUTDATED

    @property
    def _command(self) -> str:
        return f"{self.command.similar.for_thunar()} %F"

    @property
    def _action(self) -> bytes:
        return _ACTION.format(
            icon=ICON,
            label=LABEL,
            unique_id=_UNIQUE_ID,
            command=escape(self._command),
            tooltip=TOOLTIP,
        ).encode()

    def _is_current(self, own: list[Element]) -> bool:
        return bool(own) and all(action.text_of("command") == self._command for action in own)


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


def _own_actions(content: bytes) -> list[Element]:
    from photofind.desktop.file_managers.uca import actions_in

    return actions_in(_parsed(content), _UNIQUE_ID) if content else []


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
