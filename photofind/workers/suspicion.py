"""Finding out early why a process shows no progress, long before it is overdue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from photofind.errors import PhotofindError, WorkerError
from photofind.workers.frames import Frame
from photofind.workers.process import Process

__all__ = ["Suspicion"]

# Seconds without progress after which a process is suspected for the first time; each next time
# takes twice as long.
_FIRST = 2.0


class Suspicion:
    """Asks, while a process shows no progress, whether that is to be expected.

    Parameters
    ----------
    process
        Claimed by this thread.
    suspect
        Raises a :class:`~photofind.errors.PhotofindError` if the process waits in vain.
    """

    def __init__(self, process: Process, suspect: Callable[[], None]) -> None:
        self._process = process
        self._suspect = suspect
        self._sign = threading.Event()
        self._over = False
        self._error: PhotofindError | None = None

    def exchange(
        self,
        request: Sequence[memoryview],
        timeout: float,
        note: Callable[[Any], None] | None,
    ) -> Frame:
        """Send a frame and return the answer, as :meth:`Process.exchange` does.

        Raises
        ------
        PhotofindError
            As ``suspect`` raised it, after the process was ended.
        WorkerError
            As :meth:`Process.exchange`.
        """

        def take(value: Any) -> None:
            self._sign.set()
            if note is not None:
                note(value)

        threading.Thread(target=self._watch, name="suspicion", daemon=True).start()
        try:
            return self._process.exchange(request, timeout, take)
        except WorkerError as error:
            if self._error is not None:
                raise self._error from error
            raise
        finally:
            self._over = True
            self._sign.set()

    def _watch(self) -> None:
        wait = _FIRST
        while not self._over:
            if self._sign.wait(wait):
                self._sign.clear()
                wait = _FIRST
                continue
            wait *= 2
            try:
                self._suspect()
            except PhotofindError as error:
                if not self._over:
                    self._error = error
                    self._process.end()
                return
