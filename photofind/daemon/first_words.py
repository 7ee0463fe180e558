"""What a daemon that is being started says, over a pipe, to the process that starts it.

So the reason why it cannot start arrives even if no log can be written. Once it serves, its output
goes to a file instead: the other process ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from photofind.paths import Home, open_private, private_folder

__all__ = ["Starting", "leave_starter", "output_file"]

_VARIABLE = "PHOTOFIND_FIRST_WORDS"
_LONGEST_OUTPUT = 2**20  # Bytes after which the output of daemons is set aside for a new file.
_PATIENCE = 5.0  # Seconds for the last words of a process that has ended.


def output_file(home: Home) -> Path:
    """Return the file for what a daemon prints, such as the traceback of a crash."""
    return home.logs / "daemon-output.log"


class Starting:
    """A daemon as a process that this one started, and that outlives it.

    Parameters
    ----------
    home
        Its home.
    command
        What runs it.

    Raises
    ------
    OSError
        There is no process or no pipe to be had.
    """

    def __init__(self, home: Home, command: Sequence[str]) -> None:
        flags = 0
        if sys.platform == "win32":
            flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        # Who started this process may be a service, with which the daemon has nothing to do.
        environment = {k: v for k, v in os.environ.items() if k != "NOTIFY_SOCKET"}
        self._popen = subprocess.Popen(
            command,
            cwd=home.root,  # Not on a drive that is to be unmounted.
            env=environment | {_VARIABLE: "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=flags,
        )
        self._words = b""
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def poll(self) -> int | None:
        """Return its exit code; None while it runs."""
        return self._popen.poll()

    def last_words(self) -> list[str]:
        """Return the lines that it has printed, after it has ended."""
        self._listening.join(_PATIENCE)
        lines = self._words.decode(errors="replace").splitlines()
        return [line for line in lines if line.strip()]

    def _listen(self) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout as output:
            self._words = output.read()


def leave_starter(home: Home) -> None:
    """Print to a file from now on if another process waits for this one to serve."""
    if os.environ.pop(_VARIABLE, None) is None:
        return
    path = output_file(home)
    try:
        private_folder(path.parent)
        if path.exists() and path.stat().st_size > _LONGEST_OUTPUT:
            path.replace(path.with_name(f"{path.name}.1"))
        descriptor = open_private(path, os.O_WRONLY | os.O_APPEND)
    except OSError:  # It is done without.
        descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
