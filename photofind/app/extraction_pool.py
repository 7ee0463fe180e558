"""One worker process for each extractor, started when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction

__all__ = ["ExtractionPool"]


_MOST_RETIRED = 2


class ExtractionPool:
    """What embeds photos, by the names of extractors. Threads may share it.

    Parameters
    ----------
    new
        Makes what embeds photos with an extractor, given its name.
    """

    def __init__(self, new: Callable[[str], Extraction]) -> None:
        self._new = new
        self._lock = RLock()
        self._open: dict[str, Extraction] = {}
        self._retired: list[tuple[str, Extraction]] = []

    def __call__(self, extractor: str) -> Extraction:
        """Return what embeds photos with an extractor."""
        with self._lock:
            if extractor not in self._open:
                self._open[extractor] = self._new(extractor)
            return self._open[extractor]

    def find(self, extractor: str) -> Extraction | None:
        """Return the same if it is open already, otherwise None."""
        with self._lock:
            return self._open.get(extractor)

    def replace(self, extractor: str) -> None:
        """End the worker of an extractor; the next one loads it as it is installed then."""
        with self._lock:
            old = self._open.pop(extractor, None)
        if old is not None:
            old.close()

    def retire(self, extractor: str) -> None:
        """Have a new worker load an extractor as it is installed now.

        The worker that has loaded it before answers for its own space until it has been idle.
        """
        with self._lock:
            if old := self._open.pop(extractor, None):
                self._retired = [(extractor, old), *self._running_retired][:_MOST_RETIRED]

    def retired(self, extractor: str) -> list[Extraction]:
        """Return what embeds photos as an extractor did before, the latest first."""
        with self._lock:
            self._retired = self._running_retired
            return [one for name, one in self._retired if name == extractor]

    @property
    def _running_retired(self) -> list[tuple[str, Extraction]]:
        # One that ended would load what is installed now.
        return [(name, one) for name, one in self._retired if one.pid]

    @property
    def names(self) -> list[str]:
        """The extractors that were asked for."""
        with self._lock:
            return [*self._open]

    @property
    def processes(self) -> dict[str, int]:
        """The process ids of the workers that run, by the names of extractors."""
        with self._lock:
            before = {f"{name} as it was": one for name, one in self._retired}
            open_now = before | self._open
        return {name: pid for name, one in open_now.items() if (pid := one.pid)}

    def close(self) -> None:
        """End all workers; the pool can be used again."""
        with self._lock:
            open_now = [*self._open.values(), *(one for _, one in self._retired)]
            self._open.clear()
            self._retired.clear()
        for one in open_now:
            one.close()
