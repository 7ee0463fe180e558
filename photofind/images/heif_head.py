"""Reading only the metadata and the thumbnail of a HEIF file (ISO 23008-12), such as HEIC."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

__all__ = ["heif_head"]

_LARGEST_FILE = 1 << 26
"""In bytes; unread parts of a file are filled with zeros, which take memory."""

_MOST_READ = 1 << 20
"""Largest number of bytes read from a file."""

_MOST_BOXES, _MOST_ITEMS, _MOST_EXTENTS = 1 << 8, 1 << 12, 1 << 4
"""Limits per box; cameras write far fewer."""

_TINY = 64
"""Bytes up to which an item is always read, such as the layout of tiles."""


class _Damaged(Exception):
    """The file violates the format or exceeds a limit."""


class _Box(NamedTuple):
    kind: bytes
    start: int
    end: int


def heif_head(file: BinaryIO, size: int) -> bytes | None:
    """Return a HEIF file with zeros in place of all pixels except the thumbnail's.

    It can be opened like the photo and has the same metadata.

    Parameters
    ----------
    file
        The file.
    size
        In bytes.

    Returns
    -------
    bytes or None
        None if it is not such a file, is too large or unusual, or has no thumbnail.
    """
    file.seek(4)
    if file.read(4) != b"ftyp" or size > _LARGEST_FILE:
        return None
    sparse = _Sparse(file, size)
    try:
        boxes = {box.kind: box for box in sparse.boxes(0, size)}
        meta = boxes[b"meta"]
        sparse.read(0, boxes[b"ftyp"].end)
        sparse.read(meta.start, meta.end)
        parts = {box.kind: box for box in sparse.boxes(meta.start + 4, meta.end)}
        thumbnails, descriptions = _references(sparse, parts[b"iref"])
        if not thumbnails:
            return None
        for item, extents in _items(_Numbers(sparse.of(parts[b"iloc"]))):
            length = sum(end - start for start, end in extents)
            if item in thumbnails or item in descriptions or length <= _TINY:
                for start, end in extents:
                    sparse.read(start, end)
    except (_Damaged, KeyError):  # KeyError: a required box is missing.
        return None
    return bytes(sparse.data)


class _Sparse:
    """A file of which parts are read.

    Attributes
    ----------
    data
        The file, with zeros for unread parts.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.data = bytearray(size)
        self._file = file
        self._left = _MOST_READ

    def read(self, start: int, end: int) -> bytes:
        """Read a part of the file."""
        self._left -= end - start
        if not 0 <= start <= end <= len(self.data) or self._left < 0:
            raise _Damaged
        self._file.seek(start)
        part = self._file.read(end - start)
        if len(part) < end - start:  # The file has been truncated since.
            raise _Damaged
        self.data[start:end] = part
        return part

    def of(self, box: _Box) -> memoryview:
        """Return the content of a box that has been read."""
        return memoryview(self.data)[box.start : box.end]

    def boxes(self, start: int, end: int) -> Iterator[_Box]:
        """Read the headers of the boxes in a part of the file."""
        for _ in range(_MOST_BOXES):
            if start == end:
                return
            header = self.read(start, min(start + 8, end))
            length, content = int.from_bytes(header[:4]), start + 8
            if length == 1:
                length, content = int.from_bytes(self.read(content, content + 8)), content + 8
            elif length == 0:
                length = end - start
            if not content <= start + length <= end:
                raise _Damaged
            yield _Box(header[4:], content, start + length)
            start += length
        raise _Damaged


class _Numbers:
    """A sequence of big-endian numbers."""

    def __init__(self, data: memoryview) -> None:
        self._data = data

    def next(self, size: int) -> int:
        """Return the next number, of ``size`` bytes."""
        if size > len(self._data):
            raise _Damaged
        number = int.from_bytes(self._data[:size])
        self._data = self._data[size:]
        return number


def _references(sparse: _Sparse, box: _Box) -> tuple[set[int], set[int]]:
    """Return the ids of thumbnails, and of items that describe others, such as EXIF."""
    found: dict[bytes, set[int]] = {b"thmb": set(), b"cdsc": set()}
    size = 4 if _Numbers(sparse.of(box)).next(1) else 2
    for reference in sparse.boxes(box.start + 4, box.end):
        if reference.kind in found:
            found[reference.kind].add(_Numbers(sparse.of(reference)).next(size))
    return found[b"thmb"], found[b"cdsc"]


def _items(numbers: _Numbers) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Yield the id and the extents of each item that is stored in the file itself."""
    version = numbers.next(4) >> 24
    sizes = numbers.next(2)
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    count = numbers.next(4 if version > 1 else 2)
    if count > _MOST_ITEMS:
        raise _Damaged
    for _ in range(count):
        item = numbers.next(4 if version > 1 else 2)
        is_elsewhere = version > 0 and numbers.next(2) & 15 != 0
        numbers.next(2)  # The file it is stored in.
        origin = numbers.next(base)
        extents = []
        parts = numbers.next(2)
        if parts > _MOST_EXTENTS:
            raise _Damaged
        for _ in range(parts):
            if version > 0:
                numbers.next(index)
            start = origin + numbers.next(offset)
            extents.append((start, start + numbers.next(length)))
        if not is_elsewhere:
            yield item, extents
