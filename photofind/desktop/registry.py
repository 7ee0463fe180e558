"""Access to the user's part of the Windows registry."""

from __future__ import annotations

import sys
from typing import Protocol

from photofind.errors import DesktopError

__all__ = ["Registry", "user_registry"]


class Registry(Protocol):
    r"""Keys such as ``Software\Classes`` with string values; ``""`` names the default value."""

    def value(self, key: str, name: str) -> str | None:
        """Return a value; None if it does not exist."""

    def set_value(self, key: str, name: str, value: str) -> None:
        """Set a value, creating the key if necessary."""

    def is_empty(self, key: str) -> bool:
        """Return whether a key exists and has neither values nor subkeys."""

    def remove_key(self, key: str) -> None:
        """Remove a key without subkeys."""

    def remove_value(self, key: str, name: str) -> None:
        """Remove an existing value."""


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
        """Raise, since there is no registry.

        Raises
        ------
        DesktopError
            Always.
        """
        raise DesktopError("the registry exists only on Windows")
