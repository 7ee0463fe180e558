"""Reading the bytes of a photo safely, and its content id."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from photofind.errors import ImageError, PassingImageError
from photofind.images.limits import Limits

__all__ = ["PRELIMINARY", "content_hash", "content_id", "open_file", "read_bytes"]

PRELIMINARY = "~"
"""The prefix of content ids of photos of which only the embedded thumbnail was read."""


# What a name is to blame for, and errors that have no number.
_LASTING = {None, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR}


def read_bytes(path: str | os.PathLike[str], limits: Limits) -> bytes:
    """Return all bytes of a regular file; see :func:`open_file`."""
    with open_file(path, limits) as (file, size):
        return file.read(size)


@contextmanager
def open_file(path: str | os.PathLike[str], limits: Limits) -> Iterator[tuple[BinaryIO, int]]:
    """Open a regular file for reading; yields the file and its size in bytes.

    Never blocks: a pipe, socket or device is refused before it is opened.

    Parameters
    ----------
    path
        The file.
    limits
        ``limits.bytes`` is the largest accepted size.

    Raises
    ------
    ImageError
        If the file is missing, not a regular file, empty, or too large.
    PassingImageError
        If the system does not let it be read, also while reading it in the context: no such error
        is due to the bytes of the file.
    """
    try:
        _check(Path(path).stat(), limits)
        with open(path, "rb", opener=_open_without_waiting) as file:
            yield file, _check(os.fstat(file.fileno()), limits)
    except FileNotFoundError as error:
        raise ImageError("there is no such file") from error
    except PermissionError as error:
        raise PassingImageError("permission denied", "check the file's permissions") from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the name.
        reason = getattr(error, "strerror", None) or str(error)
        # Without a number it is not the system that speaks, but what parses the file.
        passes = getattr(error, "errno", None) not in _LASTING
        kind = PassingImageError if passes else ImageError
        raise kind(f"cannot be read: {reason}") from error


def content_id(data: bytes) -> str:
    """Return the content id of a file: its 16-byte BLAKE2b hash, hexadecimal."""
    digest = content_hash()
    digest.update(data)
    return digest.hexdigest()


def content_hash() -> hashlib.blake2b:
    """Return what makes the content id of a file that is read in parts."""
    return hashlib.blake2b(digest_size=16)


def _check(status: os.stat_result, limits: Limits) -> int:
    """Return the size of a file; raise if it must not be read."""
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
    # The file may have been replaced by a pipe since it was checked. Windows has no such flag.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
