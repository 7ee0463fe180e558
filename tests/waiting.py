"""Waits that hold on a busy machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["patience", "wait_until"]

_Value = TypeVar("_Value")
_MOST = 8.0


def patience(seconds: float = 60.0) -> float:
    """Return how long to wait now for what takes less than ``seconds`` on a machine of its own.

    It is as many times longer as there are runnable processes for each processor, up to 8 times.
    """
    if not hasattr(os, "getloadavg"):  # Windows does not tell.
        return 2 * seconds
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return seconds * min(max(load, 1.0), _MOST)


def wait_until(
    look: Callable[[], _Value], what: str = "it", seconds: float = 60.0, pause: float = 0.02
) -> _Value:
    """Look again and again until there is something, and return it; fail after :func:`patience`.

    The load is looked at again each time, so a machine that gets busy gets more time. Looking takes
    no more than a third of the time: what is waited for needs the processors.
    """
    began = looked = time.monotonic()
    while not (found := look()):
        now = time.monotonic()
        waited = now - began
        assert waited < patience(seconds), f"{what} did not happen within {waited:.0f} s"
        time.sleep(max(pause, min(2 * (now - looked), 1.0)))
        looked = time.monotonic()
    return found
