"""Which status an error has, and when a client is told to come back."""

from __future__ import annotations

import errno
import os

import anyio
import pytest
from anyio import to_thread

from photofind.daemon.answers import error_response
from photofind.daemon.context import ApiContext
from photofind.declaration import GENERAL
from photofind.errors import (
    ExtractorError,
    LibraryError,
    NotAnsweringError,
    PhotofindError,
    WorkerResourceError,
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
        caused(ExtractorError("cannot be used"), WorkerResourceError("no memory")),
        caused(ExtractorError("cannot be used"), RuntimeError("can't start new thread")),
    ],
)
def test_what_the_machine_lacks_says_when_to_come_back(error: PhotofindError) -> None:
    answer = error_response(error)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "error",
    [
        LibraryError("the disk is full"),
        caused(LibraryError("cannot be read"), OSError(errno.EIO, os.strerror(errno.EIO))),
        caused(ExtractorError("cannot be used"), RuntimeError("a bug")),
    ],
)
def test_other_errors_do_not(error: PhotofindError) -> None:
    answer = error_response(error)
    assert answer.status_code == 409
    assert "Retry-After" not in answer.headers


def test_a_request_for_which_there_is_no_thread_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_thread(*arguments: object, **options: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(to_thread, "run_sync", no_thread)
    context = ApiContext(None, None, None, lambda: None)  # type: ignore[arg-type]
    with pytest.raises(PhotofindError, match="can't start new thread; try again") as caught:
        anyio.run(context.run_in, GENERAL, lambda: None)
    assert error_response(caught.value).status_code == 503
