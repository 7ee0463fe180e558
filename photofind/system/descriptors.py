"""How many files and connections this process may have open."""

from __future__ import annotations

import sys
from contextlib import suppress

__all__ = ["raise_descriptor_limit"]

_MOST = 10240  # OPEN_MAX of macOS: it refuses more, even where no limit is told.


def raise_descriptor_limit() -> None:
    """Raise the soft limit of open descriptors to the hard one, as far as the system lets it."""
    if sys.platform == "win32":  # It has no such limit.
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    is_told = sys.platform != "darwin" and hard != resource.RLIM_INFINITY
    wanted = hard if is_told else _MOST
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
