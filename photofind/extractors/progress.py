"""Progress reports from slow steps of loading an extractor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["showing_progress", "working"]

_SECONDS = 5.0

_listeners: list[Callable[[dict[str, Any]], None]] = []


@contextmanager
def showing_progress(note: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Report slow work to ``note`` while the block runs."""
    _listeners.append(note)
    try:
        yield
    finally:
        _listeners.remove(note)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Report every few seconds, while the block runs, that ``what`` is in progress.

    The block must have a time limit of its own: it does not count towards the time for loading.
    """
    done = threading.Event()

    def report() -> None:
        while not done.is_set():
            for note in [*_listeners]:
                note({"working": what})
            done.wait(_SECONDS)

    reporter = threading.Thread(target=report, name="progress", daemon=True)
    reporter.start()
    try:
        yield
    finally:
        done.set()
        reporter.join()
