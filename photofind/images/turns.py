"""Turns at decoding: the threads and processes that decode for one home share its memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TypeAlias

from photofind.errors import PassingImageError
from photofind.images.cost import Cost

__all__ = ["VERY_LARGE", "Room", "Take", "Turns", "at_once"]

VERY_LARGE = 640_000_000
"""In bytes. Pictures that take more to decode are decoded one at a time."""

_LONGEST_WAIT, _LOOK = 600.0, 0.05  # Seconds for a turn, and between two tries.

Take: TypeAlias = Callable[[Cost], AbstractContextManager[None]]
"""What waits until a picture may be decoded; it may be while the context lasts."""


def at_once(_: Cost) -> AbstractContextManager[None]:
    """Let a picture be decoded without waiting."""
    return nullcontext()


class Room:
    """Bytes that the threads of this process share.

    Parameters
    ----------
    most
        How many there are. More than that are given only if no others are taken.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._changed = threading.Condition()

    @contextmanager
    def take(self, size: int) -> Iterator[None]:
        """Wait until so many bytes are free, and take them for the context."""
        with self._changed:
            self._changed.wait_for(lambda: self._taken == 0 or self._taken + size <= self._most)
            self._taken += size
        try:
            yield
        finally:
            with self._changed:
                self._taken -= size
                self._changed.notify_all()


class Turns:
    """Lets threads decode as far as memory goes, and one very large picture at a time.

    Parameters
    ----------
    memory
        In bytes, what all threads of this process take together.
    lock
        The file by which processes agree on who decodes a very large picture; None if only the
        threads of this process do.
    """

    def __init__(self, memory: int, lock: Path | None = None) -> None:
        self._room = Room(memory)
        self._lock = lock
        self._one = threading.Lock()

    @contextmanager
    def take(self, cost: Cost) -> Iterator[None]:
        """Wait until a picture may be decoded, which it may be while the context lasts.

        Raises
        ------
        PassingImageError
            Others take very long.
        """
        with ExitStack() as held:
            if cost.memory > VERY_LARGE:
                held.enter_context(self._alone())
            held.enter_context(self._room.take(cost.memory))
            yield

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait until no other thread or process decodes a very large picture."""
        busy = "waited too long for other very large pictures to be decoded"
        if not self._one.acquire(timeout=_LONGEST_WAIT):
            raise PassingImageError(busy)
        try:
            if self._lock is None:
                yield
                return
            from filelock import FileLock, Timeout  # Takes long to import, and is rarely needed.

            self._lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FileLock(self._lock, timeout=_LONGEST_WAIT, mode=0o600, poll_interval=_LOOK)
            try:
                lock.acquire()
            except Timeout as error:
                raise PassingImageError(busy) from error
            try:
                yield
            finally:
                lock.release()
        finally:
            self._one.release()
