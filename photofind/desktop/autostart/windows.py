"""Programs that Windows starts at login, in the registry."""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from photofind.daemon.service import command
from photofind.desktop.autostart.base import Autostart, State
from photofind.errors import DaemonError

__all__ = ["WindowsRun"]

KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
LONGEST = 260  # Characters of a command; longer commands are silently ignored.


class WindowsRun(Autostart):
    """A value in the key ``Run`` of this user's registry."""

    name = "windows"
    effect = "Windows starts it when you log in"

    def is_present(self) -> bool:
        """Return True: every Windows has it."""
        return True

    def install(self) -> bool:
        """Write the value; see :meth:`Autostart.install`."""
        line = self._line()
        if len(line) > LONGEST:
            raise DaemonError(
                f"Windows does not start commands of more than {LONGEST} characters at login, "
                f"such as: {line}",
                "install photofind, or put its home, in a folder with a shorter path",
            )
        if self._written() == line:
            return False
        with self._key(write=True) as (registry, key):
            registry.SetValueEx(key, self.service, 0, registry.REG_SZ, line)
        return True

    def remove(self) -> bool:
        """Remove the value."""
        if self._written() is None:
            return False
        with self._key(write=True) as (registry, key):
            registry.DeleteValue(key, self.service)
        return True

    def status(self) -> State:
        """Compare the value with the expected one."""
        written = self._written()
        if written is None:
            return State.ABSENT
        return State.INSTALLED if written == self._line() else State.OUTDATED

    def _line(self) -> str:
        """Return the command, with pythonw.exe if available, which opens no console window."""
        python, *words = command(self.home)
        windowless = Path(python).with_name("pythonw.exe")
        if self.service == "photofind":  # The default home is left out to keep the command short.
            words = words[: words.index("--home")]
        program = str(windowless) if windowless.exists() else python
        return subprocess.list2cmdline([program, *words])

    def _written(self) -> str | None:
        try:
            with self._key() as (registry, key):
                return str(registry.QueryValueEx(key, self.service)[0])
        except FileNotFoundError:
            return None

    @contextmanager
    def _key(self, *, write: bool = False) -> Iterator[tuple[Any, Any]]:
        registry: Any = importlib.import_module("winreg")
        access = registry.KEY_SET_VALUE if write else registry.KEY_QUERY_VALUE
        with registry.CreateKeyEx(registry.HKEY_CURRENT_USER, KEY, 0, access) as key:
            yield registry, key
