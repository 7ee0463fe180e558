"""Signs of life from whatever takes long while an extractor is loaded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["showing_progress", "working"]

_SECONDS = 5.0

_told: list[Callable[[dict[str, Any]], None]] = []


@contextmanager
def showing_progress(note: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Tell ``note`` of work that takes long, for as long as the block runs."""
    _told.append(note)
    try:
        yield
    finally:
        _told.remove(note)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Say every few seconds, while the block runs, that ``what`` is still going on.

    The block has to have an end of its own: it is not counted in how long loading may take.
    """
    done = threading.Event()

    def tell() -> None:
        while not done.is_set():
            for note in [*_told]:
                note({"working": what})
            done.wait(_SECONDS)

    teller = threading.Thread(target=tell, name="progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
