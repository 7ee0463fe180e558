"""Pictures from outside the library that were sent to the API, to search with.

They are kept in a private folder, each under a random name, for a day at most, and are not decoded
here.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from photofind.daemon.answers import too_large
from photofind.errors import RequestError
from photofind.model.references import UPLOAD, PhotoNotFoundError
from photofind.paths import private_folder, remove_file
from photofind.system.disk import explain_disk_errors

__all__ = ["Incoming", "Uploads"]

_MOST = 50
_SECONDS = 24 * 3600
_PARTIAL = ".part"


class Uploads:
    """The uploads of one home, in a folder that is made for the first one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, number: str) -> str:
        """Return the path of an upload, given its number.

        Raises
        ------
        PhotoNotFoundError
            There is none of that number, or no longer.
        """
        path = self._folder / number
        if not re.fullmatch("[0-9a-f]{32}", number) or not path.is_file():
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
        with explain_disk_errors(self._folder):
            private_folder(self._folder)
            self._prune()
            return Incoming(self._folder / secrets.token_hex(16), content_type, limit)

    def _prune(self) -> None:
        """Remove the uploads that are too old, and the oldest if there are too many."""
        files = [(entry.stat().st_mtime, Path(entry)) for entry in os.scandir(self._folder)]
        files.sort(reverse=True)
        for place, (modified, path) in enumerate(files, 1):
            if place >= _MOST or modified < time.time() - _SECONDS:
                remove_file(path)


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
        with explain_disk_errors(self._path):
            self._file.close()
            self._partial.replace(self._path)
        return UPLOAD + self._path.name

    def _write(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise too_large(self._limit)
        with explain_disk_errors(self._path):
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
