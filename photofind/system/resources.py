"""Errors that say what the machine lacks at the moment, whatever is being worked on."""

from __future__ import annotations

import errno

__all__ = ["lacks_resources"]

_LACKING = {errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
_NO_THREAD = "can't start new thread"  # CPython has no class of its own for it.


def lacks_resources(error: BaseException) -> bool:
    """Return whether an error says that memory, threads, processes or descriptors ran out."""
    if isinstance(error, OSError):
        return error.errno in _LACKING
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and _NO_THREAD in str(error)
    )
