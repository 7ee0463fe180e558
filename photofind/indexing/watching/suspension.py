"""Finds out whether the machine was asleep."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Suspension"]

# During a shorter sleep no file was changed.
SHORT_SECONDS = 1.0
# A wait that ends so much too late was interrupted by sleep: a busy machine is not so slow.
LATE_SECONDS = 30.0


def seconds_asleep() -> float:
    """Return for how long the machine has been asleep since it was started.

    Raises
    ------
    AttributeError, OSError
        The system does not say.
    """
    booted = time.clock_gettime(time.CLOCK_BOOTTIME)
    return booted - time.clock_gettime(time.CLOCK_MONOTONIC)


class Suspension:
    """Finds out whether the machine was asleep during a wait.

    Parameters
    ----------
    asleep
        As :func:`seconds_asleep`. Where that is not known, a wait that ended much too late was
        interrupted by sleep.
    wall
        Seconds since 1970.
    """

    def __init__(
        self,
        asleep: Callable[[], float] = seconds_asleep,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._ask = asleep
        self._wall = wall
        self._asleep = self._seconds_asleep()
        self._until = float("inf")

    def before_wait(self, seconds: float) -> None:
        """Take note that a wait of at most so long begins."""
        self._until = self._wall() + seconds

    def after_wait(self) -> bool:
        """Return whether the machine was asleep since the last wait."""
        if self._asleep is None:
            return self._wall() > self._until + LATE_SECONDS
        now = self._seconds_asleep() or 0.0
        slept = now - self._asleep
        self._asleep = now
        return slept > SHORT_SECONDS

    def _seconds_asleep(self) -> float | None:
        try:
            return self._ask()
        except (AttributeError, OSError):
            return None
