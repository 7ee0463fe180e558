"""Whether files may be read now: not while paused, and no backlog while on battery."""

from __future__ import annotations

import time

from photofind.system.power import on_battery

__all__ = ["POWER_SECONDS", "Pause"]

# How often the power supply is looked at while a backlog waits for it.
POWER_SECONDS = 20.0

_SAME_TIME = 1.0  # Seconds by which two clocks that were not set may differ.


class Pause:
    """Whether indexing is paused, and whether its backlog waits. Any thread may ask."""

    def __init__(self) -> None:
        self._until: float | None = None  # Seconds since 1970; infinite until resumed.
        self._end = 0.0  # The same on the monotonic clock, which nobody sets back.
        self._waits_for_power = False

    def pause(self, until: float) -> None:
        """Pause until then, in seconds since 1970; infinite until :meth:`resume`."""
        self._end = time.monotonic() + (until - time.time())
        self._until = until

    def resume(self) -> None:
        """End the pause."""
        self._until = None

    @property
    def paused(self) -> bool:
        """Whether it is paused now."""
        return self._remaining > 0

    @property
    def paused_until(self) -> float | None:
        """Until when it is paused, in seconds since 1970; None where that is not known."""
        until, remaining = self._until, self._remaining
        if until is None or not 0 < remaining < float("inf"):
            return None
        by_now = time.time() + remaining
        return until if abs(until - by_now) < _SAME_TIME else by_now

    @property
    def waiting(self) -> str | None:
        """Why work waits, in words; None where none does."""
        if self.paused:
            return "paused"
        return "on battery" if self._waits_for_power else None

    @property
    def seconds(self) -> float | None:
        """Seconds after which it may be over; None where it does not end by itself."""
        if (remaining := self._remaining) > 0:
            return remaining
        return POWER_SECONDS if self._waits_for_power else None

    @property
    def _remaining(self) -> float:
        """Seconds that the pause goes on; 0 or less without one."""
        until = self._until
        if until is None:
            return 0.0
        # The monotonic clock may stand still while the machine sleeps.
        return min(until - time.time(), self._end - time.monotonic())

    def backlog_waits(self, is_there: bool, *, on_battery_too: bool) -> bool:
        """Return whether a backlog, where there is one, has to wait for the power supply."""
        self._waits_for_power = is_there and not on_battery_too and on_battery()
        return self._waits_for_power
