"""Trying extractors in processes of their own, without waiting for those that take long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future
from typing import Generic, TypeVar

__all__ = ["Probes"]

AT_ONCE = 3
"""A plugin may load half a gigabyte of libraries into its process."""

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


class _Probe(Generic[Result]):
    """A try: its result once there is one, and whether it takes long."""

    def __init__(self) -> None:
        self.result: Future[Result] = Future()
        self.settled = threading.Event()  # It is done, or takes long.


class Probes(Generic[Key, Result]):
    """Tries things in threads, a few at once; one that takes long keeps no other waiting.

    Threads may share it.

    Parameters
    ----------
    patience
        After so many seconds a try takes long: it goes on, and others begin beside it.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._slots = threading.Semaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._running: dict[Key, _Probe[Result]] = {}

    def results(self, keys: Iterable[Key], attempt: Callable[[Key], Result]) -> dict[Key, Result]:
        """Try some things, and return what came of those that do not take long.

        What takes long goes on, and its result is returned by the next call that asks for it.
        """
        probes: dict[Key, _Probe[Result]] = {}
        for key in keys:
            with self._lock:
                probe = self._running.get(key)
                if probe is None:
                    probe = self._running[key] = _Probe()
                    arguments = (probe, key, attempt)
                    threading.Thread(target=self._run, args=arguments, daemon=True).start()
            probes[key] = probe
        found: dict[Key, Result] = {}
        for key, probe in probes.items():
            probe.settled.wait()
            if probe.result.done():
                with self._lock:
                    if self._running.get(key) is probe:
                        del self._running[key]
                found[key] = probe.result.result()
        return found

    def _run(self, probe: _Probe[Result], key: Key, attempt: Callable[[Key], Result]) -> None:
        self._slots.acquire()
        freeing = threading.Lock()

        def settle() -> None:
            if freeing.acquire(blocking=False):
                self._slots.release()
            probe.settled.set()

        timer = threading.Timer(self._patience, settle)
        timer.daemon = True
        timer.start()
        try:
            probe.result.set_result(attempt(key))
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            probe.result.set_exception(error)
        timer.cancel()
        settle()
