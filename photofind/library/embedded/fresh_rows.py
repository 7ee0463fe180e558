"""The file of what came after an index was built: a record for each row, with its point.

It is derived like the index itself: what is torn or damaged, or cannot be read, is made again.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from photofind.library.embedded.index_files import unreadable
from photofind.paths import open_private, remove_file
from photofind.system.resources import lacks_resources

__all__ = ["FRESH", "append_records", "read_records", "record_type", "size_of"]

FRESH = "fresh"
"""Its name, beside the arrays of the index."""

Records = npt.NDArray[Any]


def record_type(dimension: int, *, with_content: bool) -> np.dtype[Any]:
    """Return the type of a record with a point (d,)."""
    content = [("content", "<u4")] if with_content else []
    return np.dtype([("row", "<i8"), *content, ("point", "<f4", (dimension,)), ("checksum", "<u4")])


def read_records(path: Path, record: np.dtype[Any]) -> Records:
    """Return the records, (n,), up to the first torn or damaged one.

    Raises
    ------
    LibraryError
        The system cannot read it at the moment.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        if lacks_resources(error):
            raise unreadable(path, error) from error
        data = b""
    records = np.frombuffer(data[: len(data) // record.itemsize * record.itemsize], record)
    damaged = np.flatnonzero(records["checksum"] != _checksums(records))
    return records[: damaged[0]] if len(damaged) else records


def append_records(path: Path, records: Records, *, after: int) -> None:
    """Write records, with their checksums, in place of all that comes after the first so many."""
    records["checksum"] = _checksums(records)
    if path.is_dir():
        remove_file(path)  # It is given another name.
    with os.fdopen(open_private(path, os.O_WRONLY | os.O_APPEND), "ab") as file:
        file.truncate(after * records.itemsize)
        file.write(records.tobytes())


def size_of(path: Path) -> int:
    """Return how long a file is; 0 where it cannot be read."""
    try:  # With each query.
        return os.stat(path).st_size  # noqa: PTH116
    except OSError:
        return 0


def _checksums(records: Records) -> npt.NDArray[np.uint32]:
    size = records.dtype.itemsize
    raw = records.view(np.uint8).reshape(len(records), size)[:, : size - 4]
    return np.fromiter(map(zlib.crc32, raw), np.uint32, len(records))
