"""The child process of one extractor, whose failure to start is an error of the extractor."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from photofind.errors import (
    ExtractorError,
    WorkerError,
    WorkerResourceError,
    WorkerStartError,
    WorkerTimeoutError,
)
from photofind.workers import Reply, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from photofind.workers.frames import JSON

__all__ = ["ExtractionWorker"]

_SERVICE = "photofind.extractors.service:ExtractionService"


class ExtractionWorker(Worker):
    """The worker that reads and embeds photos with one extractor.

    Parameters
    ----------
    extractor
        Its name.
    start_seconds
        Longest time to load it, excluding the conversion of its network.
    **options
        As for :class:`~photofind.workers.Worker`.
    """

    def __init__(self, extractor: str, *, start_seconds: float, **options: Any) -> None:
        super().__init__(_SERVICE, name="extraction", start_seconds=start_seconds, **options)
        self._extractor = extractor
        self._longest_start = start_seconds
        self._asked_idle = False

    def call(
        self,
        method: str,
        /,
        *arrays: np.ndarray,
        timeout: float,
        note: Callable[[Any], None] | None = None,
        suspect: Callable[[], None] | None = None,
        **arguments: JSON,
    ) -> Reply:
        """Call a method of the service and return what it returns.

        Raises
        ------
        ExtractorError
            If the extractor is not installed or does not work.
        WorkerError
            As the method of :class:`~photofind.workers.Worker`, for all that happens once it is
            loaded.
        """
        try:
            reply = super().call(
                method, *arrays, timeout=timeout, note=note, suspect=suspect, **arguments
            )
        except WorkerResourceError as error:
            raise self._unusable(error.message, error) from error
        except WorkerStartError as error:
            reason = error.message
            if isinstance(error.__cause__, WorkerTimeoutError):
                reason = f"it took longer than {self._longest_start:g} s to load"
            raise self._unusable(reason, error, error.details) from error
        self._let_it_idle(timeout)
        return reply

    def _unusable(self, reason: str, error: WorkerError, details: str = "") -> ExtractorError:
        what = f"the extractor {self._extractor!r} cannot be used: {reason}"
        return ExtractorError(what, error.hint, details)

    def _let_it_idle(self, timeout: float) -> None:
        """Let it be idle for as long as the extractor asks, which is asked once."""
        if self._asked_idle or self.idle_seconds is None:
            return
        self._asked_idle = True
        with suppress(WorkerError):
            wanted = super().call("info", timeout=timeout).value["idle_seconds"]
            self.idle_seconds = max(self.idle_seconds, wanted)
