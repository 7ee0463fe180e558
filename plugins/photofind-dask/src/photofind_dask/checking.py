"""Asking each worker of a fleet, before it reads the first photo, what it has."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from photofind.errors import FleetError
from photofind_dask import tasks
from photofind_dask.messages import pack, unpack

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["check_workers", "line_of", "new_key"]

# How long workers may take to load an extractor; one may have to convert its network first.
_START_SECONDS = 600.0
# How long a fleet without workers is waited for, and an answer that went with its worker.
_PATIENCE = 10.0
_LOOK = 0.2


def check_workers(client: Client, address: str, asked: tasks.Request) -> None:
    """Check that each worker has photofind, an extractor and its model as they are here.

    Parameters
    ----------
    asked
        ``extractor``, ``options`` and ``expected``, as of :func:`photofind_dask.tasks.read`.

    Raises
    ------
    FleetError
        One has not: the message names it, and both versions. Or there is none.
    """
    told: dict[str, dict[str, Any]] = {}
    waiting: dict[str, Future[bytes]] = {}
    had_workers = began = time.monotonic()
    while not told or waiting:
        try:
            workers = set(client.nthreads())
        except Exception as error:
            raise FleetError(
                f"the workers of {address} cannot be asked: {line_of(error)}"
            ) from error
        now = time.monotonic()
        had_workers = now if workers else had_workers
        if now - had_workers > _PATIENCE:
            raise FleetError(
                f"the fleet at {address} has no workers",
                "start some with `python -m photofind_dask worker`",
            )
        for worker in (waiting.keys() | told.keys()) - workers:
            # It died. It comes back under another address, if it does, and is asked then.
            told.pop(worker, None)
            if (gone := waiting.pop(worker, None)) is not None:
                client.cancel([gone])
        for worker in workers - waiting.keys() - told.keys():
            # Not Client.run: what takes long would hold up all that the worker does.
            waiting[worker] = client.submit(
                tasks.describe, pack(asked), pure=False, workers=[worker], key=new_key()
            )
        for worker, future in [*waiting.items()]:
            if not future.done():
                continue
            try:
                told[worker] = unpack(future.result(_PATIENCE))
            except TimeoutError:  # It went with its worker.
                continue
            except Exception as error:
                raise FleetError(
                    f"the worker {worker} cannot run photofind: {line_of(error)}",
                    "install photofind and photofind-dask there, of the same version",
                ) from error
            del waiting[worker]
            _check(worker, told[worker], asked)
        if now - began > _START_SECONDS:
            raise FleetError(f"workers of {address} do not answer: {', '.join(waiting)}")
        time.sleep(_LOOK)


def new_key() -> str:
    """Return a name for a task, which no other one has."""
    return f"photofind-{uuid4().hex}"


def line_of(error: object) -> str:
    """Return an error of Dask as one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _check(worker: str, found: dict[str, Any], asked: tasks.Request) -> None:
    where = f"{found['host']} ({worker})"
    if "error" in found:
        raise FleetError(f"the worker {where} cannot embed: {found['error']}")
    described = {kind: found[kind] for kind in asked["expected"]}
    if described != asked["expected"]:
        raise FleetError(
            tasks.difference(where, described, asked), "install the same versions on all machines"
        )
