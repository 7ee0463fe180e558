"""Durable writes, and disk errors explained to the user."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from photofind.errors import LibraryError

__all__ = ["explain_disk_errors", "is_of_the_disk", "is_read_only", "sync_file"]

_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}
_OF_THE_DISK = {*_FULL, errno.EIO, errno.EROFS}


def is_of_the_disk(error: BaseException) -> bool:
    """Return whether an error says that a disk is full, fails, or can only be read."""
    return isinstance(error, OSError) and error.errno in _OF_THE_DISK


def is_read_only(path: Path) -> bool:
    """Return whether the file system that holds ``path`` can only be read; unknown on Windows."""
    if sys.platform == "win32":
        return False
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def sync_file(descriptor: int) -> None:
    """Make the data and length of an open file durable."""
    if sys.platform == "darwin":
        import fcntl

        # fsync only reaches the drive's own cache: see fsync(2) of macOS.
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    elif sys.platform == "win32":
        os.fsync(descriptor)
    else:
        os.fdatasync(descriptor)


@contextmanager
def explain_disk_errors(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` about ``path`` into an error with a hint for the user.

    Raises
    ------
    LibraryError
        In place of any ``OSError`` raised inside.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            message = f"the disk that holds {path} is full"
            hint = "free some space and try again"
        elif error.errno == errno.EFBIG:
            message = f"{path} has reached the largest file size that is allowed"
            hint = "raise the limit (ulimit -f) or set PHOTOFIND_HOME to a folder on another disk"
        elif error.errno in _FORBIDDEN:
            message = f"{path} cannot be opened or written: {error.strerror}"
            hint = "make it writable, or set PHOTOFIND_HOME to a writable folder"
        else:
            message = f"{path} cannot be read or written: {error.strerror or error}"
            hint = "check the disk and try again"
        raise LibraryError(message, hint) from error
