"""Which status an error has, and when a client is told to come back."""

from __future__ import annotations

import errno
import os
import threading
from functools import partial

import anyio
import pytest
from anyio import to_thread
from waiting import patience

from photofind.daemon.answers import error_response
from photofind.daemon.context import ApiContext
from photofind.declaration import GENERAL
from photofind.errors import (
    ExtractorError,
    LibraryError,
    NotAnsweringError,
    PhotofindError,
    VeryLargeError,
    WorkerKilledError,
    WorkerResourceError,
    WorkerStoppedError,
)


def caused(error: PhotofindError, cause: BaseException) -> PhotofindError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        WorkerResourceError("the worker: MemoryError"),
        NotAnsweringError("/mnt/photos does not answer", folder="/mnt/photos"),
        caused(LibraryError("cannot be read"), OSError(errno.EMFILE, os.strerror(errno.EMFILE))),
        *(
            caused(LibraryError("cannot be written"), OSError(number, os.strerror(number)))
            for number in (errno.EIO, errno.ENOSPC, errno.EROFS)
        ),
        WorkerStoppedError("the thumbnails worker was stopped"),
        WorkerKilledError("the thumbnails worker was killed by SIGKILL"),
        caused(ExtractorError("cannot be used"), WorkerResourceError("no memory")),
        caused(ExtractorError("cannot be used"), RuntimeError("can't start new thread")),
    ],
)
def test_what_passes_says_when_to_come_back(error: PhotofindError) -> None:
    answer = error_response(error)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "error",
    [
        LibraryError("it is not open for writing"),
        caused(LibraryError("cannot be read"), OSError(errno.EACCES, os.strerror(errno.EACCES))),
        caused(ExtractorError("cannot be used"), RuntimeError("a bug")),
    ],
)
def test_other_errors_do_not(error: PhotofindError) -> None:
    answer = error_response(error)
    assert answer.status_code == 409
    assert "Retry-After" not in answer.headers


def test_a_very_large_picture_is_made_in_a_lane_of_its_own() -> None:
    context = ApiContext(None, None, None, lambda: None)  # type: ignore[arg-type]
    at_work = [threading.Event() for _ in range(6)]
    release = threading.Event()
    asked: set[int] = set()

    def make(number: int) -> bytes:
        if number not in asked:
            asked.add(number)
            raise VeryLargeError("waits for its turn")
        at_work[number].set()
        assert release.wait(patience())
        return b"large"

    async def ask() -> None:
        made: list[bytes] = []

        async def keep(number: int) -> None:
            made.append(await context.picture(partial(make, number)))

        async with anyio.create_task_group() as tasks:
            for number in range(6):
                tasks.start_soon(keep, number)
            while len(asked) < 6:
                await anyio.sleep(0.01)
            assert await context.picture(lambda: b"ordinary") == b"ordinary"
            assert sum(event.is_set() for event in at_work) <= 1
            release.set()
        assert made == [b"large"] * 6

    anyio.run(ask)


def test_a_request_for_which_there_is_no_thread_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_thread(*arguments: object, **options: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(to_thread, "run_sync", no_thread)
    context = ApiContext(None, None, None, lambda: None)  # type: ignore[arg-type]
    with pytest.raises(PhotofindError, match="can't start new thread; try again") as caught:
        anyio.run(context.run_in, GENERAL, lambda: None)
    assert error_response(caught.value).status_code == 503
