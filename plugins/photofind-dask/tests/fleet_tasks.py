"""Tasks of workers that behave as they should not; workers import them by their names."""

from __future__ import annotations

import threading
from types import SimpleNamespace

from distributed.scheduler import KilledWorker
from photofind_dask import tasks
from photofind_dask.messages import unpack

began = threading.Event()
held = threading.Event()
seen: list[list[str]] = []


def poisoned(request: bytes) -> bytes:
    """A photo named so takes the worker down, as often as it is tried."""
    paths = unpack(request)["paths"]
    seen.append(paths)
    if any("poison" in path for path in paths):
        raise KilledWorker("a task", SimpleNamespace(address="tls://worker"), 3)
    return tasks.read(request)


def holding(request: bytes) -> bytes:
    """Nothing is read until it may be."""
    began.set()
    held.wait(60)
    return tasks.read(request)
