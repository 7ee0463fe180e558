"""One worker process for each extractor, started when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction

__all__ = ["ExtractionPool"]


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

    @property
    def processes(self) -> dict[str, int]:
        """The process ids of the workers that run, by the names of extractors."""
        with self._lock:
            open_now = dict(self._open)
        return {name: pid for name, one in open_now.items() if (pid := one.pid)}

    def close(self) -> None:
        """End all workers; the pool can be used again."""
        with self._lock:
            open_now = [*self._open.values()]
            self._open.clear()
        for one in open_now:
            one.close()
