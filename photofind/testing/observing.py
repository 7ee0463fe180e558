"""What an extractor does to its process, as the checks see it from outside of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["at_once", "busiest_share", "children"]

_LEAST_SECONDS = 0.5
"""Less processor time than this, in the clock ticks of the system, tells nothing."""

T = TypeVar("T")


def children(pid: int | None = None) -> dict[int, str]:
    """Return the processes that a process has started and that still run: names by ids.

    Parameters
    ----------
    pid
        The process; this one by default.
    """
    import psutil

    found = {}
    for child in psutil.Process(pid).children(recursive=True):
        try:
            found[child.pid] = child.name()
        except psutil.NoSuchProcess:  # It has just ended.
            continue
    return found


def at_once(*calls: Callable[[], T]) -> list[T]:
    """Run each call in a thread of its own, all at the same time, and return their results.

    Raises
    ------
    BaseException
        The first that a call raised.
    """
    results: dict[int, T] = {}
    errors: list[BaseException] = []
    start = threading.Barrier(len(calls))

    def run(place: int, call: Callable[[], T]) -> None:
        start.wait()
        try:
            results[place] = call()
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [results[place] for place in range(len(calls))]


def busiest_share(call: Callable[[], object], rounds: int) -> float | None:
    """Return the share of the processor time of this process that its busiest thread takes.

    It is the same on a busy machine, where the time on the clock says nothing.

    Parameters
    ----------
    call
        What is run, ``rounds`` times at most, until it took enough time.

    Returns
    -------
    float or None
        1 if a single thread does everything; None if there was too little to do.
    """
    import psutil

    process = psutil.Process()

    def spent() -> dict[int, float]:
        return {one.id: one.user_time + one.system_time for one in process.threads()}

    try:
        before = spent()
        for _ in range(rounds):
            call()
            taken = [after - before.get(thread, 0.0) for thread, after in spent().items()]
            if sum(taken) >= _LEAST_SECONDS:
                return max(taken) / sum(taken)
    except psutil.Error:  # The system does not tell.
        return None
    return None
