"""Reading what can be read of a damaged photo, and saying so."""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

from PIL import Image, ImageFile

from photofind.errors import DamagedImageError, ImageError
from photofind.images import notes

__all__ = ["pixel_parts", "salvage"]

Result = TypeVar("Result")

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PARTS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf", b"iCCP"}
"""The chunks of a PNG that decide how it looks. The frames of an animation do not."""

_JPEG_PARTS = {0xE0, 0xE1, 0xE2, 0xEE}
"""Application segments of a JPEG that may decide how it looks: JFIF, EXIF, profile, Adobe."""

_LONGEST_PROFILE = 1 << 20
"""In bytes; Pillow refuses a PNG with a longer one."""


class _Tolerance(threading.local):
    """Whether Pillow goes on at damage, in this thread.

    Pillow asks a variable of its module, which is one for all threads, for its truth only.
    """

    is_on = False

    def __bool__(self) -> bool:
        return self.is_on


_tolerance = _Tolerance()
ImageFile.LOAD_TRUNCATED_IMAGES = cast("bool", _tolerance)


def salvage(
    data: bytes, read: Callable[[bytes], Result], picture_of: Callable[[Result], Image.Image]
) -> tuple[Result, str | None]:
    """Return what ``read`` makes of the bytes of a photo, and a note if that is not all of it.

    Parameters
    ----------
    data
        The bytes of the file.
    read
        Decodes the photo. It is called again, first without the parts of the header that it may do
        without, then with tolerance, while it raises a :class:`DamagedImageError`.
    picture_of
        Returns the picture of a result. Where it has one colour only, nothing was read.

    Raises
    ------
    ImageError
        As ``read`` raised it first.
    """
    try:
        return read(data), None
    except DamagedImageError as error:
        strict = error
    parts = pixel_parts(data)
    if parts != data:
        try:
            return read(parts), notes.HEADER
        except ImageError:
            pass  # The pixels are damaged too.
    try:
        with _tolerating():
            result = read(parts)
    except ImageError:
        raise strict from None
    extrema = picture_of(result).convert("RGB").getextrema()
    if all(low == high for low, high in cast("tuple[tuple[int, int], ...]", extrema)):
        raise strict
    return result, notes.PIXELS


def pixel_parts(data: bytes) -> bytes:
    """Return a PNG or JPEG without the parts that have no say in its pixels, or are damaged."""
    if data.startswith(_PNG):
        return _PNG + b"".join(_png_parts(data))
    if data.startswith(b"\xff\xd8\xff"):
        return b"".join(_jpeg_parts(data))
    return data


@contextmanager
def _tolerating() -> Iterator[None]:
    _tolerance.is_on = True
    try:
        yield
    finally:
        _tolerance.is_on = False


def _png_parts(data: bytes) -> Iterator[bytes]:
    place = len(_PNG)
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        chunk = data[place : place + 12 + length]
        place += 12 + length
        if kind in (b"eXIf", b"iCCP"):
            is_whole = len(chunk) == 12 + length
            if not is_whole or zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:]):
                continue
            if kind == b"iCCP" and not _has_short_profile(chunk[8:-4]):
                continue
        if kind in _PNG_PARTS:
            yield chunk


def _has_short_profile(chunk: bytes) -> bool:
    _, _, packed = chunk.partition(b"\0")
    unpacking = zlib.decompressobj()
    try:
        unpacking.decompress(packed[1:], _LONGEST_PROFILE)
    except zlib.error:
        return False
    return unpacking.eof


def _jpeg_parts(data: bytes) -> Iterator[bytes]:
    yield data[:2]
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        kind = data[place + 1]
        if kind == 0xFF:
            place += 1
            continue
        if kind == 0xDA:
            break
        following = place + 2 + int.from_bytes(data[place + 2 : place + 4])
        if kind in _JPEG_PARTS or not (0xE0 <= kind <= 0xEF or kind == 0xFE):
            yield data[place:following]
        place = following
    yield data[place:]
