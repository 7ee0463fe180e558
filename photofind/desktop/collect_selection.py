"""One query of files that a file manager passes on one by one, each to a process of its own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence

from photofind.paths import Home, private_folder

__all__ = ["collect_selection"]

_QUIET = 0.4
"""Seconds without another file after which all have come."""
_LEFT = 5.0
"""Seconds after which nobody is at it any more: whoever was has been killed."""


def collect_selection(home: Home, paths: Sequence[str], *, quiet: float = _QUIET) -> list[str]:
    """Return all paths that come at about the same time, in one of the processes that have them.

    The others get none, and have nothing to do.
    """
    from filelock import FileLock, Timeout

    folder = private_folder(home.cache)
    file, lock = folder / "gathering", FileLock(folder / "gathering.lock", mode=0o600)
    entry = FileLock(folder / "gathering.entry.lock", mode=0o600)
    with entry:
        if file.exists() and time.time() - file.stat().st_mtime > _LEFT:
            file.unlink()
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="ascii") as opened:
            opened.writelines(f"{json.dumps(path)}\n" for path in paths)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return []  # Whoever has it takes these paths too.
    try:
        while True:
            time.sleep(quiet)
            with entry:
                if time.time() - file.stat().st_mtime >= quiet:
                    lines = file.read_text("ascii").splitlines()
                    file.unlink()
                    lock.release()
                    return list(dict.fromkeys(json.loads(line) for line in lines))
    except FileNotFoundError:  # Taken by one that had it just before.
        return []
    finally:
        lock.release()
