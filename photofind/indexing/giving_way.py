"""Work that takes long ends early where something more urgent comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["giving_way"]

_LOOK = 0.2  # Seconds between two looks.


@contextmanager
def giving_way(go_on: Callable[[], bool], stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop``, in another thread, while ``go_on`` is false and the context lasts.

    Parameters
    ----------
    go_on
        Asked several times a second, in another thread.
    stop
        Ends what is under way. It is called until the context ends, since work that consists of
        several calls may begin the next one just then; it is not called after the context.
    """
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK):
            if not go_on():
                stop()

    thread = threading.Thread(target=look, name="giving way", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
