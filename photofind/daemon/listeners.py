"""Who hears the events of the daemon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Lock

from photofind.model import Event

__all__ = ["STOPPING", "Listeners"]

STOPPING = Event("stopping", None)
"""The last event."""


class Listeners:
    """Functions that are called with every event. Threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._functions: list[Callable[[Event], None]] = []

    def __len__(self) -> int:
        return len(self._functions)

    def add(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Have ``listener`` called with every event, in any thread; return what ends that.

        It must not wait.
        """
        with self._lock:
            self._functions.append(listener)

        def end() -> None:
            with self._lock:
                if listener in self._functions:
                    self._functions.remove(listener)

        return end

    def tell(self, event: Event) -> None:
        """Call every listener with an event."""
        with self._lock:
            functions = list(self._functions)
        for function in functions:
            function(event)

    def events(self) -> Iterator[Event]:
        """Yield every event from now on, up to the last one."""
        queue: SimpleQueue[Event] = SimpleQueue()
        end = self.add(queue.put)
        try:
            while (event := queue.get()) != STOPPING:
                yield event
            yield event
        finally:
            end()
