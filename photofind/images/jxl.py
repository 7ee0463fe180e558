"""JPEG XL, through its plugin for Pillow.

pillow-jxl-plugin is an optional dependency: ``pip install 'photofind[jxl]'``. It decodes a picture
when that is opened, so size and metadata are read here before.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from PIL import Image

from photofind.errors import DamagedImageError, ImageError
from photofind.images.containers import decoding_errors
from photofind.images.cost import Cost
from photofind.images.limits import Limits
from photofind.images.turns import Take

__all__ = ["is_jxl", "jxl_boxes", "open_jxl"]

_CODESTREAM = b"\xff\x0a"
_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_MOST_BOXES = 1000
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_LENGTHS = (9, 13, 18, 30)
"""Bits of a side in the header, by the two bits before it."""

_PER_PIXEL = 48
"""Bytes that decoding takes, at most: floating-point samples, twice, and the picture, twice."""


def is_jxl(data: bytes) -> bool:
    """Return whether the bytes are JPEG XL."""
    return data.startswith((_CODESTREAM, _CONTAINER))


def open_jxl(data: bytes, limits: Limits, take: Take) -> Image.Image:
    """Return a decoded JPEG XL, with EXIF where its orientation is still to be applied.

    Raises
    ------
    ImageError
        It is damaged or too large, or the plugin is not installed.
    """
    try:
        from pillow_jxl import JpegXLImagePlugin
    except ModuleNotFoundError as error:
        raise ImageError(
            "a JPEG XL photo, which needs pillow-jxl-plugin", "pip install 'photofind[jxl]'"
        ) from error
    width, height = _size(data)
    limits.check_pixels(width, height)
    cost = Cost(width * height, _PER_PIXEL * width * height)
    limits.check_memory(cost)
    with take(cost), decoding_errors():
        # The threads of photofind decode at once already.
        JpegXLImagePlugin.DECODE_THREADS = 0
        picture = JpegXLImagePlugin.JXLImageFile(io.BytesIO(data))
        picture.load()  # type: ignore[no-untyped-call]
    decoded = picture.copy()
    decoded.format = "JXL"
    if not picture.jpeg:  # The decoder has turned it upright.
        decoded.info.pop("exif", None)
    return decoded


def jxl_boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and content of the boxes in a JPEG XL container."""
    place = 0
    for _ in range(_MOST_BOXES):
        if not data.startswith(_CONTAINER) or place + 8 > len(data):
            return
        length, kind = int.from_bytes(data[place : place + 4]), data[place + 4 : place + 8]
        start = place + 8
        if length == 1:
            length = int.from_bytes(data[start : start + 8])
            start += 8
        end = place + length if length else len(data)
        if end < start:
            return
        yield kind, data[start:end]
        place = end


def _size(data: bytes) -> tuple[int, int]:
    """Return width and height, which the beginning of the codestream has."""
    stream = data
    if not data.startswith(_CODESTREAM):
        # A part begins with its number.
        stream = b"".join(
            part[4:36] if kind == b"jxlp" else part[:32]
            for kind, part in jxl_boxes(data)
            if kind in (b"jxlc", b"jxlp")
        )
    if not stream.startswith(_CODESTREAM) or len(stream) < 12:
        raise DamagedImageError("cannot be decoded: its data is damaged or not supported")
    bits = int.from_bytes(stream[2:12], "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & ((1 << count) - 1)
        bits >>= count
        return value

    def side(is_small: int) -> int:
        return 8 * (take(5) + 1) if is_small else take(_LENGTHS[take(2)]) + 1

    is_small = take(1)
    height = side(is_small)
    ratio = take(3)
    if ratio == 0:
        return side(is_small), height
    across, down = _RATIOS[ratio - 1]
    return height * across // down, height
