"""The runtime file: the port and the token of the running daemon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from photofind.paths import Home, remove_file, write_atomically
from photofind.system.disk import explain_disk_errors

__all__ = ["Runtime", "read_runtime", "remove_runtime", "write_runtime"]


class Runtime(NamedTuple):
    """A daemon as its runtime file describes it.

    Parameters
    ----------
    pid, created
        Its process, and when that was created (seconds since 1970).
    port, token
        Of its API.
    version
        Of photofind.
    started
        When it was ready, seconds since 1970.
    """

    pid: int
    created: float
    port: int
    token: str
    version: str
    started: float


def read_runtime(home: Home) -> Runtime | None:
    """Return what the last daemon wrote; None if it cannot be read.

    Whether that daemon still runs is not checked.
    """
    try:
        plain = json.loads(_path(home).read_bytes())
        return Runtime(
            pid=int(plain["pid"]),
            created=float(plain["created"]),
            port=int(plain["port"]),
            token=str(plain["token"]),
            version=str(plain["version"]),
            started=float(plain["started"]),
        )
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def write_runtime(home: Home, runtime: Runtime) -> None:
    """Write the runtime file, readable by this user alone.

    Raises
    ------
    LibraryError
        The disk refuses.
    """
    with explain_disk_errors(_path(home)):
        write_atomically(_path(home), json.dumps(runtime._asdict()).encode())


def remove_runtime(home: Home) -> None:
    """Remove the runtime file if there is one."""
    remove_file(_path(home))


def _path(home: Home) -> Path:
    return home.root / "runtime.json"
