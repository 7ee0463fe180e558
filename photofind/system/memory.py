"""Reducing the memory of long-running processes, with glibc."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

__all__ = ["limit_memory", "trim_heap", "use_one_heap"]

_M_ARENA_MAX = -8  # As in malloc.h.


def use_one_heap() -> None:
    """Make all threads allocate from one heap; call it before starting threads.

    Otherwise each thread has a heap of its own, whose free memory the others cannot use.
    """
    _call("mallopt", _M_ARENA_MAX, 1)


def trim_heap() -> None:
    """Return free memory of this process to the system."""
    _call("malloc_trim", 0)


def limit_memory(size: int) -> None:
    """Have the system refuse this process more than so many bytes of memory, where it can.

    Code that asks for more gets a ``MemoryError``, or fails in its own way.
    """
    if sys.platform == "linux":  # Elsewhere the limit counts little, or does not exist.
        import resource

        with suppress(OSError, ValueError):  # A lower limit is in force.
            resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def _call(name: str, *arguments: int) -> None:
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # Not glibc.
            getattr(ctypes.CDLL(None), name)(*arguments)
