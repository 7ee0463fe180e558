"""Work that takes long ends early where something more urgent comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["giving_way"]

_LOOK = 0.2  # Seconds between two looks.


@contextmanager
def giving_way(go_on: Callable[[], bool], stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop``, in another thread, once ``go_on`` is false while the context lasts.

    Parameters
    ----------
    go_on
        Asked several times a second, in another thread.
    stop
        Ends the work; it is not called after the context.
    """
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK):
            if not go_on():
                stop()
                return

    thread = threading.Thread(target=look, name="giving way", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
