"""How large the next batch of photos is, and how far a reading is."""

from __future__ import annotations

import time

from photofind.model import Progress

__all__ = ["BatchProgress"]

SMALLEST_BATCH, LARGEST_BATCH = 16, 1024


class BatchProgress:
    """How far a reading is, how fast it goes, and how large its next batch is.

    Parameters
    ----------
    phase
        What is being done, in words.
    total
        How many files there are to read in all.
    seconds
        How long reading a batch should take: so much work is lost when it is cut short.
    """

    def __init__(self, phase: str, total: int, seconds: float = 1.5) -> None:
        self.phase = phase
        self.total = total
        self.done = 0
        self.failed = 0
        self.batch = SMALLEST_BATCH
        self._rate: float | None = None
        self._seconds = seconds
        self._began = time.monotonic()

    def resume(self) -> None:
        """Note that the reading goes on only now: the time since the last batch does not count."""
        self._began = time.monotonic()

    def advance(self, count: int) -> None:
        """Note that ``count`` more are done."""
        now = time.monotonic()
        rate = count / max(now - self._began, 1e-3)
        self._began = now
        self.done += count
        self._rate = rate if self._rate is None else 0.7 * self._rate + 0.3 * rate
        wanted = min(int(rate * self._seconds), 2 * self.batch, LARGEST_BATCH)
        self.batch = max(wanted, SMALLEST_BATCH)

    @property
    def progress(self) -> Progress:
        """How far it is."""
        left = max(0, self.total - self.done) / self._rate if self._rate else None
        return Progress(self.phase, self.done, self.total, self.failed, self._rate, left)
