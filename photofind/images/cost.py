"""What decoding a picture costs, from its header: before anything is decoded."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from PIL import ImageFile, JpegImagePlugin, TiffImagePlugin

from photofind.errors import ImageError

__all__ = ["Cost", "cost_of", "cost_of_raw"]

_PER_PIXEL = {"WEBP": 17.0, "AVIF": 16.0, "HEIF": 12.0}
"""Bytes for each pixel, of decoders that hold several copies of a picture; as measured, at most."""

_PER_SAMPLE_OF_JPEG2000 = 6.5
_PER_PIXEL_OF_RAW = 12

_STORED = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
"""Bytes for each pixel in which Pillow stores a mode; 4 for the others."""

_ORIENTATION, _ROWS_PER_STRIP, _TILE_WIDTH, _TILE_LENGTH = 274, 278, 322, 323

_MOST_SCANS = 500
"""Of a progressive JPEG. Encoders write about ten; each is a pass over all pixels."""

_FEW_SCANS = 20

_HIGH, _SCANS_PER_DECODING = 150_000_000, 16
"""In pixels, a few seconds; a scan takes a fraction of what decoding them once takes."""

_SCAN = 0xFFDA
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""The next marker after the data of a scan."""


class Cost(NamedTuple):
    """What decoding a picture and resizing it costs.

    Attributes
    ----------
    pixels
        Of the whole picture.
    memory
        In bytes, at most, without the file.
    scans
        Passes over the pixels, of a progressive JPEG.
    """

    pixels: int
    memory: int
    scans: int = 0

    @property
    def is_high(self) -> bool:
        """Whether decoding it takes so long that others are not to wait for it."""
        return self.pixels + self.pixels * self.scans // _SCANS_PER_DECODING > _HIGH


def cost_of(picture: ImageFile.ImageFile, whole: tuple[int, int], target: int, data: bytes) -> Cost:
    """Return what decoding an opened picture and resizing it costs.

    Parameters
    ----------
    picture
        Opened, and perhaps set to be decoded at a smaller scale.
    whole
        Its width and height before that.
    target
        The longer side of the result.
    data
        The bytes of the file.

    Raises
    ------
    ImageError
        Its passes over the pixels are so many that only an attack explains them.
    """
    pixels = whole[0] * whole[1]
    decoded = picture.width * picture.height
    # Resizing goes through a picture of the new width and the old height.
    memory = 4 * target * picture.height
    scans = 0
    if isinstance(picture, JpegImagePlugin.JpegImageFile):
        if "progressive" in picture.info:
            scans = _count_scans(data)
            if scans > _MOST_SCANS:
                raise ImageError(f"too costly: {scans:,} scans, limit {_MOST_SCANS:,}")
        # All coefficients, two bytes each: libjpeg holds them of a file of several scans.
        memory += int(2 * _planes(picture) * pixels) + 4 * decoded
    else:
        memory += int(_per_pixel(picture) * decoded) + _buffers(picture)
    return Cost(pixels, memory, scans)


def cost_of_raw(width: int, height: int) -> Cost:
    """Return what developing a camera RAW photo costs."""
    return Cost(width * height, _PER_PIXEL_OF_RAW * width * height)


def _per_pixel(picture: ImageFile.ImageFile) -> float:
    """Return the bytes for each pixel that decoding and making continuous take."""
    mode = picture.mode
    stored = _STORED.get(mode, 4)
    match mode:
        case "1":
            made = 1
        case "P" | "I;16" | "I;16B" | "I;16L" | "I;16N":
            made = 4
        case _:
            made = 0
    if picture.has_transparency_data:
        made = 4 if mode == "RGBA" else 8  # Resizing multiplies with the opacity first.
    match picture.format:
        case "JPEG2000":
            return _PER_SAMPLE_OF_JPEG2000 * len(picture.getbands()) + made
        case _:
            return _PER_PIXEL.get(picture.format or "", stored + made)


def _planes(picture: JpegImagePlugin.JpegImageFile) -> float:
    """Return how many samples a JPEG has for each pixel: 1.5 with the usual subsampling."""
    areas = [vertical * horizontal for _, vertical, horizontal, _ in picture.layer]
    return sum(areas) / max(areas) if areas and min(areas) > 0 else 4


def _buffers(picture: ImageFile.ImageFile) -> int:
    """Return what decoding a TIFF takes beside the picture.

    That is a strip, or a tile, which may be larger than the picture, and a copy that is turned.
    """
    if not isinstance(picture, TiffImagePlugin.TiffImageFile):
        return 0

    def number(tag: int, default: int) -> int:
        value = picture.tag_v2.get(tag)
        return value if isinstance(value, int) else default

    width, height = picture.size
    strip = width * min(number(_ROWS_PER_STRIP, height), height)
    tile = number(_TILE_WIDTH, 0) * number(_TILE_LENGTH, 0)
    turned = 0 if number(_ORIENTATION, 1) == 1 else width * height
    return 4 * (max(strip, tile) + turned)


def _count_scans(data: bytes) -> int:
    """Return how many scans a JPEG has; where there are few, a number that is not lower."""
    pairs = (np.frombuffer(data, ">u2", (len(data) - start) // 2, start) for start in (0, 1))
    if (most := sum(int(np.count_nonzero(pair == _SCAN)) for pair in pairs)) <= _FEW_SCANS:
        return most
    place, scans = 2, 0
    while place + 4 <= len(data) and data[place] == 0xFF:
        if data[place + 1] == 0xFF:
            place += 1
            continue
        is_scan = data[place : place + 2] == b"\xff\xda"
        place += 2 + int.from_bytes(data[place + 2 : place + 4])
        if is_scan:
            scans += 1
            following = _AFTER_SCAN.search(data, place)
            if following is None or following[0] == b"\xff\xd9":
                break
            place = following.start()
    return scans
