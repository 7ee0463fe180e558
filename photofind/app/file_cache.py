"""Files that are made again when they are gone: kept in a folder, the least used removed."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from photofind.paths import new_private_file, private_folder, remove_file

__all__ = ["FileCache"]

_DIGEST = 16
_USED = 3600.0
"""Seconds that a file is used before that is noted again."""

_KEPT_SHARE = 0.9
"""What is left of the largest size when files are removed: so many new ones remove none."""

_logger = logging.getLogger(__name__)


class FileCache:
    """Bytes in files, each with its own checksum.

    A file's time of last change says when it was used, and nothing else is recorded. So threads and
    processes may share a folder, and it may be emptied at any time. Errors of the disk are ignored.

    Parameters
    ----------
    folder
        Where the files are; made when needed, for this user alone.
    largest_bytes
        What is kept at most. The least recently used go first.
    """

    def __init__(self, folder: Path, largest_bytes: int) -> None:
        self._folder = folder
        self._largest = largest_bytes
        self._lock = threading.Lock()
        self._bytes: int | None = None  # What is there, as far as this process knows.

    def get(self, key: str) -> bytes | None:
        """Return what is kept under a key; None if there is nothing, or it is damaged."""
        path = self._folder / key
        try:
            with path.open("rb") as file:
                kept = file.read()
                used = os.fstat(file.fileno()).st_mtime
        except OSError:
            return None
        data = kept[_DIGEST:]
        if kept[:_DIGEST] != _checksum(data):
            return None
        if abs(time.time() - used) > _USED:
            with suppress(OSError):
                os.utime(path)
        return data

    def put(self, key: str, data: bytes) -> None:
        """Keep bytes under a key, the name of a file."""
        path = self._folder / key
        temporary = None
        try:
            descriptor, temporary = new_private_file(private_folder(self._folder) / key)
            # Not made durable: what a crash leaves of it is found damaged.
            with os.fdopen(descriptor, "wb") as file:
                file.write(_checksum(data) + data)
            temporary.replace(path)
            self._make_room(len(data) + _DIGEST)
        except OSError as error:
            _logger.info("%s is not kept: %s", path, error)
            if temporary is not None:
                with suppress(OSError):
                    remove_file(temporary)

    def _make_room(self, written: int) -> None:
        with self._lock:
            if self._bytes is None or self._bytes + written > self._largest:
                self._bytes = self._trimmed()
            else:
                self._bytes += written

    def _trimmed(self) -> int:
        """Remove the least recently used files if there are too many; return the bytes left."""
        files: list[tuple[float, int, str]] = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    status = entry.stat()
                    files.append((status.st_mtime, status.st_size, entry.path))
        total = sum(size for _, size, _ in files)
        if total > self._largest:
            for _, size, path in sorted(files):
                if total <= _KEPT_SHARE * self._largest:
                    break
                remove_file(Path(path))
                total -= size
        return total


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST).digest()
