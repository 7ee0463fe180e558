"""Combining files that a file manager passes to one process each into one query."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress

from photofind.paths import Home, open_private, private_folder

__all__ = ["collect_selection"]

_QUIET = 0.4
"""Seconds without another file after which the selection is complete."""
_LEFT = 5.0
"""Seconds after which a collection is stale, because its process was killed."""


def collect_selection(home: Home, paths: Sequence[str], *, quiet: float = _QUIET) -> list[str]:
    """Return the paths of all processes started at about the same time, in one of them.

    The other processes get an empty list.
    """
    from filelock import FileLock, Timeout

    folder = private_folder(home.cache)
    file, lock = folder / "gathering", FileLock(folder / "gathering.lock", mode=0o600)
    entry = FileLock(folder / "gathering.entry.lock", mode=0o600)
    try:
        with entry:
            with suppress(Timeout):
                lock.acquire(blocking=False)
            # A collection whose process lives is not stale, however slow that is.
            if lock.is_locked and file.exists() and time.time() - file.stat().st_mtime > _LEFT:
                file.unlink()
            descriptor = open_private(file, os.O_WRONLY | os.O_APPEND)
            with os.fdopen(descriptor, "a", encoding="ascii") as opened:
                opened.writelines(f"{json.dumps(path)}\n" for path in paths)
        if not lock.is_locked:
            return []  # The holder of the lock returns these paths too.
        while True:
            time.sleep(quiet)
            with entry:
                if time.time() - file.stat().st_mtime >= quiet:
                    lines = file.read_text("ascii").splitlines()
                    file.unlink()
                    lock.release()
                    return list(dict.fromkeys(json.loads(line) for line in lines))
    except FileNotFoundError:  # The cache was emptied.
        return []
    finally:
        lock.release()
