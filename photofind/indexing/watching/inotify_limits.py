"""The limits of inotify: what they are, and how to raise one that is reached."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = [
    "INSTANCES",
    "WATCHES",
    "LimitReachedError",
    "about_limit",
    "how_to_raise",
    "read_limit",
]

WATCHES = "max_user_watches"
INSTANCES = "max_user_instances"

_FOLDER = Path("/proc/sys/fs/inotify")
# The least that is proposed.
_ENOUGH = {WATCHES: 524_288, INSTANCES: 1_024}


class LimitReachedError(Exception):
    """A limit of inotify is reached.

    Parameters
    ----------
    limit
        Which: :data:`WATCHES` or :data:`INSTANCES`.
    allowed
        How many a user may have; None where that cannot be read.
    needed
        How many are needed here; 0 where that is not known.
    """

    def __init__(self, limit: str, needed: int = 0) -> None:
        super().__init__(f"fs.inotify.{limit} is reached")
        self.limit = limit
        self.allowed = read_limit(limit)
        self.needed = needed


def read_limit(limit: str) -> int | None:
    """Return a limit as it is now; None where it cannot be read."""
    try:
        return int((_FOLDER / limit).read_text("ascii"))
    except (OSError, ValueError):
        return None


def how_to_raise(limit: str, allowed: int | None, needed: int) -> str:
    """Return the command that raises a limit far enough, at once and for good."""
    # What is in use now is at most what is allowed, and others want some too.
    enough = _ENOUGH[limit]
    while enough < 1.5 * ((allowed or 0) + needed):
        enough *= 2
    name = limit.removeprefix("max_user_")
    return (
        f"echo fs.inotify.{limit}={enough} | sudo tee /etc/sysctl.d/60-photofind-{name}.conf "
        "&& sudo sysctl --system"
    )


def about_limit(reached: Mapping[str, LimitReachedError], polled: str) -> str:
    """Return in one line what a limit means for folders, and how to raise it."""
    error = next(iter(reached.values()))
    needed = sum(one.needed for one in reached.values())
    which = f"{next(iter(reached))} is" if len(reached) == 1 else f"{len(reached)} folders are"
    allowed = "no more" if error.allowed is None else f"{error.allowed:,}"
    if error.limit == INSTANCES:
        why = f"inotify allows {allowed} instances for all programs of a user, and all are taken"
    else:
        why = (
            f"there are {needed:,} folders in it to be watched, and inotify allows {allowed} for "
            "all programs of a user"
        )
    command = how_to_raise(error.limit, error.allowed, needed)
    return f"{which} {polled}: {why}; to raise that, run `{command}`"
