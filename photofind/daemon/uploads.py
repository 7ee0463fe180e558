"""Pictures from outside the library that were sent to the API, to search with.

They are kept in a private folder, each under a random name, for a day at most, and are not decoded
here.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from anyio import to_thread
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from photofind.daemon.answers import too_large
from photofind.errors import RequestError
from photofind.model.references import UPLOAD, PhotoNotFoundError
from photofind.paths import private_folder, remove_file
from photofind.system.disk import explained

__all__ = ["Incoming", "Uploads"]

_MOST = 50
_SECONDS = 24 * 3600
_LOOK_SECONDS = 3600.0
_PARTIAL = ".part"

_log = logging.getLogger(__name__)


class Uploads:
    """The uploads of one home, in a folder that is made for the first one.

    What daemons before this one left half sent is removed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            for path in folder.glob(f"*{_PARTIAL}"):
                remove_file(path)
        except OSError as error:
            _log.warning("uploads that were not sent whole stay: %s", error)

    def path(self, number: str) -> str:
        """Return the path of an upload, given its number.

        Raises
        ------
        PhotoNotFoundError
            There is none of that number, or no longer.
        """
        path = self._folder / number
        if not re.fullmatch("[0-9a-f]{32}", number) or not _is_kept(path):
            raise PhotoNotFoundError(
                "that upload is not there any more",
                f"send the picture again; the last {_MOST} are kept, for a day",
            )
        return str(path)

    def incoming(self, content_type: str, limit: int) -> Incoming:
        """Return what receives a picture that is being sent, ``limit`` bytes at most.

        Raises
        ------
        RequestError
            It is sent as a form without a boundary.
        LibraryError
            The disk refuses.
        """
        with explained(self._folder):
            private_folder(self._folder)
            self._prune(_MOST - 1)
            return Incoming(self._folder / secrets.token_hex(16), content_type, limit)

    async def keep_clear(self) -> None:
        """Remove each upload when its day ends."""
        while True:
            left = None
            try:
                left = await to_thread.run_sync(self._prune, abandon_on_cancel=True)
            except (OSError, RuntimeError) as error:  # The disk fails, or no thread can be had.
                _log.warning("uploads cannot be removed: %s", error)
            # At least each hour: while the machine sleeps, this clock may stand still.
            await asyncio.sleep(min(left or _LOOK_SECONDS, _LOOK_SECONDS))

    def _prune(self, most: int = _MOST) -> float | None:
        """Remove uploads that are too old, and the oldest but ``most``.

        Returns
        -------
        left
            Seconds until the next one is too old; None if there is none.
        """
        with suppress(FileNotFoundError):  # There has not been any yet.
            files = [(entry.stat().st_mtime, Path(entry)) for entry in os.scandir(self._folder)]
            files.sort(reverse=True)
            for place, (modified, path) in enumerate(files, 1):
                if place > most or _left(modified) <= 0:
                    remove_file(path)
            return min((left for one, _ in files if (left := _left(one)) > 0), default=None)
        return None


def _left(modified: float) -> float:
    """Return for how many seconds an upload is kept."""
    return modified + _SECONDS - time.time()


def _is_kept(path: Path) -> bool:
    return path.is_file() and _left(path.stat().st_mtime) > 0


class Incoming:
    """A picture that is being sent, as it is or in the part ``file`` of a form.

    It is removed at the end of the block, unless it was kept.
    """

    def __init__(self, path: Path, content_type: str, limit: int) -> None:
        self._path = path
        self._partial = path.with_suffix(_PARTIAL)
        self._limit = limit
        self._size = 0
        kind, options = parse_options_header(content_type)
        self._form: _Form | None = None
        if kind == b"multipart/form-data":
            self._form = _Form(options.get(b"boundary", b""), self._write)
        descriptor = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file: BinaryIO = os.fdopen(descriptor, "wb")

    def __enter__(self) -> Incoming:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        remove_file(self._partial)

    def feed(self, data: bytes) -> None:
        """Receive some bytes of the request's body.

        Raises
        ------
        RequestError
            It claims to be a form, and is none.
        Refused
            It is too large.
        LibraryError
            The disk refuses.
        """
        if self._form is not None:
            self._form.feed(data)
        else:
            self._write(data)

    def keep(self) -> str:
        """Keep the picture; return its upload's name.

        Raises
        ------
        RequestError
            Nothing was sent.
        LibraryError
            The disk refuses.
        """
        if not self._size or not (self._form is None or self._form.complete):
            raise RequestError(
                "there is no whole picture in the request",
                "send its bytes as they are, or as a form with a part named file",
            )
        with explained(self._path):
            self._file.close()
            self._partial.replace(self._path)
        return UPLOAD + self._path.name

    def _write(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise too_large(self._limit)
        with explained(self._path):
            self._file.write(data)


class _Form:
    """Finds the part ``file`` of a form while its bytes come in."""

    def __init__(self, boundary: bytes, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._name = self._value = b""
        self._is_file = self._found = False
        self.complete = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._take_name,
                    "on_header_value": self._take_value,
                    "on_header_end": self._end_header,
                    "on_part_data": self._take_data,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _malformed(error) from None

    def feed(self, data: bytes) -> None:
        """Receive some bytes of the form."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _malformed(error) from None

    def _begin(self) -> None:
        self._is_file = False

    def _take_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            self._is_file = options.get(b"name") == b"file" and not self._found
            self._found = self._found or self._is_file
        self._name = self._value = b""

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._write(data[start:end])

    def _end(self) -> None:
        self.complete = True


def _malformed(error: Exception) -> RequestError:
    return RequestError(f"the form in the request is malformed: {error}")
