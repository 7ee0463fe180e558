"""The part of the Windows registry that belongs to the user, as far as photofind needs it."""

from __future__ import annotations

import sys
from typing import Protocol

from photofind.errors import DesktopError

__all__ = ["Registry", "user_registry"]


class Registry(Protocol):
    r"""Keys, named like ``Software\Classes``, with string values; the default one is ``""``."""

    def value(self, key: str, name: str) -> str | None:
        """Return a value; None without one."""

    def set_value(self, key: str, name: str, value: str) -> None:
        """Set a value; the key is made where it is missing."""

    def is_empty(self, key: str) -> bool:
        """Return whether there is a key that has neither values nor keys below it."""

    def remove_key(self, key: str) -> None:
        """Remove a key that has none below it."""

    def remove_value(self, key: str, name: str) -> None:
        """Remove a value that is there."""


if sys.platform == "win32":
    import winreg

    class _UserRegistry:
        """``HKEY_CURRENT_USER``; see :class:`Registry`."""

        def value(self, key: str, name: str) -> str | None:
            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as opened:
                    return str(winreg.QueryValueEx(opened, name)[0])
            except FileNotFoundError:
                return None

        def set_value(self, key: str, name: str, value: str) -> None:
            with winreg.CreateKey(winreg.HKEY_CURRENT_USER, key) as opened:
                winreg.SetValueEx(opened, name, 0, winreg.REG_SZ, value)

        def is_empty(self, key: str) -> bool:
            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as opened:
                    keys, values, _ = winreg.QueryInfoKey(opened)
                    return keys == values == 0
            except FileNotFoundError:
                return False

        def remove_key(self, key: str) -> None:
            winreg.DeleteKey(winreg.HKEY_CURRENT_USER, key)

        def remove_value(self, key: str, name: str) -> None:
            access = winreg.KEY_SET_VALUE
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key, 0, access) as opened:
                winreg.DeleteValue(opened, name)

    def user_registry() -> Registry:
        """Return ``HKEY_CURRENT_USER``."""
        return _UserRegistry()

else:

    def user_registry() -> Registry:
        """Say that there is none.

        Raises
        ------
        DesktopError
            Always.
        """
        raise DesktopError("there is no registry here: this is not Windows")
