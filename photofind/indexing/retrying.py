"""When something that failed is tried again: after 2, 4, 8 ... seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass

__all__ = ["Failure"]


@dataclass
class Failure:
    """Something that failed, and is tried again.

    Parameters
    ----------
    reason
        What is wrong, in a line.
    times
        How often it has failed in a row.
    retry
        When it is tried again, on the monotonic clock.
    """

    reason: str
    times: int
    retry: float

    @classmethod
    def after(cls, before: Failure | None, reason: str, longest: float) -> Failure:
        """Return the failure that follows ``before``; the wait is at most ``longest`` seconds."""
        times = before.times + 1 if before else 1
        return cls(reason, times, time.monotonic() + min(longest, 2.0**times))

    @property
    def wait(self) -> float:
        """Seconds until it is tried again."""
        return max(0.0, self.retry - time.monotonic())

    def retry_now(self) -> None:
        """Have it tried again at once."""
        self.retry = 0.0
