"""Work on files in threads of their own, which may be given up: nothing can end such a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["Beat", "Threads", "Touch", "Work"]

Beat: TypeAlias = Callable[[], None]
Work: TypeAlias = Callable[[Beat], Any]

# So long a thread is kept for the next touch.
_IDLE_SECONDS = 2.0


class _GivenUp(Exception):
    """The touch goes on in vain: nothing waits for it."""


class Touch:
    """Work on files, in a thread of its own.

    Parameters
    ----------
    work
        What is done.
    again
        What is done to find out whether the folder answers again.
    patience
        Seconds without a sign of progress after which it is given up.

    Attributes
    ----------
    signs
        How many signs of progress it has given.
    silent
        Seconds that it was waited for since the last one.
    """

    def __init__(self, work: Work, again: Work, patience: float) -> None:
        self.work = work
        self.again = again
        self.patience = patience
        self.signs = 0
        self.silent = 0.0
        self.given_up = False
        self.done = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None

    def beat(self) -> None:
        """Take note of a sign of progress."""
        self.signs += 1
        if self.given_up:
            raise _GivenUp

    def run(self) -> None:
        """Do the work, and keep what it returns or raises."""
        try:
            self.result = self.work(self.beat)
        except BaseException as error:  # noqa: BLE001 (it is raised where it is waited for)
            self.error = error


class Threads:
    """Threads that do one thing after another; one that is stuck is no longer among them."""

    def __init__(self) -> None:
        self._idle: list[SimpleQueue[Callable[[], None]]] = []

    def run(self, job: Callable[[], None]) -> None:
        """Have a free thread do a job."""
        try:
            jobs = self._idle.pop()
        except IndexError:
            jobs = SimpleQueue()
            threading.Thread(target=self._work, args=(jobs,), name="touch", daemon=True).start()
        jobs.put(job)

    def _work(self, jobs: SimpleQueue[Callable[[], None]]) -> None:
        while True:
            try:
                job = jobs.get(timeout=_IDLE_SECONDS)
            except Empty:
                try:
                    self._idle.remove(jobs)
                except ValueError:  # It was taken just now: there will be a job.
                    continue
                return
            job()
            self._idle.append(jobs)
