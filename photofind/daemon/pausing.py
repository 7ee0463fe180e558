"""The file that keeps a pause when the daemon restarts, even after a crash."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

from photofind.paths import Home, remove_file, write_atomically

__all__ = ["paused_until", "remember_pause"]


def paused_until(home: Home) -> float | None:
    """Return until when the daemon is paused, in seconds since 1970.

    Infinite where it is until resumed; None where it is not paused, or what was written down
    cannot be read.
    """
    try:
        written = json.loads(_path(home).read_bytes())
        until, since = float(written["until"]), float(written.get("since", 0.0))
    except (
        *(OSError, ValueError, TypeError, KeyError),
        *(AttributeError, OverflowError, RecursionError),
    ):
        return None
    now = time.time()
    if now < since:  # The clock was set back.
        until -= since - now
    return until if until > now else None


def remember_pause(home: Home, until: float | None) -> None:
    """Write until when the daemon is paused, as :func:`paused_until` returns it."""
    if until is None:
        remove_file(_path(home))
    else:
        written = "Infinity" if math.isinf(until) else until
        write_atomically(_path(home), json.dumps({"until": written, "since": time.time()}).encode())


def _path(home: Home) -> Path:
    return home.root / "pause.json"
