"""What a process that stays does to hold little memory, where the C library is glibc."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

__all__ = ["trim_heap", "use_one_heap"]

_M_ARENA_MAX = -8  # As in malloc.h.


def use_one_heap() -> None:
    """Have all threads take memory from one heap; call it before there are others.

    Otherwise each gets one of its own, and what is free in one is of no use to another.
    """
    _call("mallopt", _M_ARENA_MAX, 1)


def trim_heap() -> None:
    """Give memory that is free inside this process back to the system."""
    _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> None:
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # Another C library.
            getattr(ctypes.CDLL(None), name)(*arguments)
