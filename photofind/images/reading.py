"""A photo's bytes, read once, safely, and the identity of what they hold."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from photofind.errors import ImageError
from photofind.images.limits import Limits

__all__ = ["PRELIMINARY", "content_id", "open_file", "read_bytes"]

PRELIMINARY = "~"
"""What the content id begins with of a photo of which only the embedded thumbnail was read."""


def read_bytes(path: str | os.PathLike[str], limits: Limits) -> bytes:
    """Return all bytes of a regular file; see :func:`open_file`."""
    with open_file(path, limits) as (file, size):
        return file.read(size)


@contextmanager
def open_file(path: str | os.PathLike[str], limits: Limits) -> Iterator[tuple[BinaryIO, int]]:
    """Open a regular file for reading; the context is the file and its size in bytes.

    Never waits: a pipe, a socket or a device is refused before it is opened.

    Parameters
    ----------
    path
        The file.
    limits
        ``limits.bytes`` is the largest size that is read.

    Raises
    ------
    ImageError
        If the file is missing, not a regular file, empty, too large, or cannot be read, be it
        inside the context.
    """
    try:
        _check(Path(path).stat(), limits)
        with open(path, "rb", opener=_open_without_waiting) as file:
            yield file, _check(os.fstat(file.fileno()), limits)
    except FileNotFoundError as error:
        raise ImageError("there is no such file") from error
    except PermissionError as error:
        raise ImageError("not allowed to read it", "check the file's permissions") from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the name.
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(f"cannot be read: {reason}") from error


def content_id(data: bytes) -> str:
    """Return the identity of a file's content: its BLAKE2b hash of 16 bytes, in hexadecimal."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _check(status: os.stat_result, limits: Limits) -> int:
    """Return the size of a file that may be read."""
    if stat.S_ISDIR(status.st_mode):
        raise ImageError("a folder, not a photo")
    if not stat.S_ISREG(status.st_mode):
        raise ImageError("not a regular file")
    if status.st_size == 0:
        raise ImageError("the file is empty")
    if status.st_size > limits.bytes:
        raise ImageError(f"too large: {status.st_size:,} bytes, limit {limits.bytes:,}")
    return status.st_size


def _open_without_waiting(path: str, flags: int) -> int:
    # The file may have been replaced by a pipe since it was looked at. Windows has no such flag.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
