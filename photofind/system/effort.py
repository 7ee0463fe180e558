"""How much processor time pieces of work take; a process that cannot end one ends itself.

A decoder that runs in a thread cannot be stopped, so the process of a worker has to end. Processor
time is what counts where the system tells it: a busy or slow machine hits nobody.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeAlias

__all__ = ["OVERDUE", "Effort", "Efforts"]

OVERDUE = 86
"""The exit code of a process that ended itself because of a piece of work."""

_LOOK = 0.5  # Seconds between two looks.
_LEAST_SHARE = 0.05  # Of a processor: a process that takes less is not at work.
_MOST_WALL = 8.0  # How often its processor time a piece of work may last.

Note: TypeAlias = Callable[[Any], None]


class Effort:
    """A piece of work under way in the thread that began it.

    Attributes
    ----------
    seconds
        The processor time that it may take; it can be raised while it is under way.
    """

    def __init__(self, place: int, seconds: float) -> None:
        self.place = place
        self.seconds = seconds
        self._clock = _clock_of_this_thread()
        self._spent = self._now()
        self._began = time.monotonic()
        self._waits_since: float | None = None

    @contextmanager
    def in_turn(self, turn: AbstractContextManager[object]) -> Iterator[None]:
        """Enter a context that waits for others; waiting is no work."""
        with ExitStack() as held:
            self._waits_since = time.monotonic()
            try:
                held.enter_context(turn)
            finally:
                self._began += time.monotonic() - self._waits_since
                self._waits_since = None
            yield

    @property
    def waits(self) -> bool:
        """Whether it waits for others."""
        return self._waits_since is not None

    @property
    def is_overdue(self) -> bool:
        """Whether it took more processor time than it may."""
        return self._now() - self._spent > self.seconds

    @property
    def is_in_time(self) -> bool:
        """Whether it may go on, by the clock on the wall."""
        return self.waits or time.monotonic() - self._began < _MOST_WALL * self.seconds

    def _now(self) -> float:
        # Without a clock for each thread, that of the process counts what others do too.
        return time.process_time() if self._clock is None else time.clock_gettime(self._clock)


class Efforts:
    """The pieces of work under way in this process.

    Parameters
    ----------
    every
        Seconds between two notes that tell the parent that there is work, not a hang.
    """

    def __init__(self, every: float) -> None:
        self._every = every
        self._changed = threading.Condition()
        self._under_way: dict[Effort, Note] = {}
        self._watch: threading.Thread | None = None

    @contextmanager
    def of(self, place: int, seconds: float, note: Note) -> Iterator[Effort]:
        """Watch what this thread does in the context.

        Parameters
        ----------
        place
            Names it in the note ``{"overdue": place, "seconds": seconds}``, after which the
            process ends.
        seconds
            The processor time that it may take.
        note
            Sends notes to the parent.
        """
        effort = Effort(place, seconds)
        with self._changed:
            self._under_way[effort] = note
            if self._watch is None:
                self._watch = threading.Thread(target=self._look, name="effort", daemon=True)
                self._watch.start()
            self._changed.notify()
        try:
            yield effort
        finally:
            with self._changed:
                del self._under_way[effort]

    def _look(self) -> None:
        noted, spent = time.monotonic(), time.process_time()
        while True:
            with self._changed:
                if not self._under_way:
                    self._changed.wait()
                    noted, spent = time.monotonic(), time.process_time()
                # Notes are sent while nothing can end: none may come after the end of a call.
                for effort, note in self._under_way.items():
                    if effort.is_overdue:
                        note({"overdue": effort.place, "seconds": effort.seconds})
                        os._exit(OVERDUE)
                now, used = time.monotonic(), time.process_time()
                if now - noted >= self._every and self._under_way:
                    works = used - spent > _LEAST_SHARE * (now - noted)
                    noted, spent = now, used
                    efforts = [*self._under_way]
                    if (works and all(effort.is_in_time for effort in efforts)) or all(
                        effort.waits for effort in efforts
                    ):
                        self._under_way[efforts[0]]({"working": efforts[0].place})
            time.sleep(_LOOK)


def _clock_of_this_thread() -> int | None:
    """Return the clock of the processor time of this thread; None where there is none."""
    if not hasattr(time, "pthread_getcpuclockid"):  # macOS and Windows.
        return None
    return time.pthread_getcpuclockid(threading.get_ident())
