"""A photo's embedded thumbnail, from the first bytes of its file: all else stays unread.

Cameras and telephones put a small JPEG into EXIF, or a small picture into HEIC. It shows what the
photo shows, for a hundredth of the work.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageFile, ImageStat

from photofind.errors import ImageError
from photofind.images.containers import decoding_errors, open_picture
from photofind.images.decode import Picture, is_on_its_side, upright
from photofind.images.exif import orientation_of, thumbnail_of
from photofind.images.heif_head import heif_head
from photofind.images.limits import DEFAULT_LIMITS, Limits
from photofind.images.reading import PRELIMINARY, content_id, open_file

__all__ = ["EmbeddedThumbnail", "Preview", "read_embedded_thumbnail", "read_preview"]

_FIRST_READ = 1 << 16
"""Bytes of a file that are read at first; nearly all headers of JPEGs are shorter."""

_LONGEST_HEADER = 1 << 20
"""Of a JPEG, in bytes: where one is longer, it holds a depth map or another picture."""

_SHORTEST_SIDE, _LARGEST = 96, Limits(pixels=1 << 22)
"""The long side of a thumbnail at least, and its pixels at most."""

_ROUNDING = 0.02
"""The share of a thumbnail's side that it may be off; some have sides that are multiples of 8."""

_DARK, _BLANK = 32, 16
"""Of 255: the mean brightness of a bar at most, and the contrast of a picture at least."""

_START_OF_SCAN, _FILL = 0xFFDA, 0xFFFF


class EmbeddedThumbnail(NamedTuple):
    """A photo's embedded thumbnail.

    Attributes
    ----------
    picture
        Decoded, as it is stored, without letterbox bars.
    orientation
        The EXIF orientation in which it is stored.
    width, height, format
        Of the whole photo, upright.
    head
        Bytes from the file that can be opened as the photo and tell the same metadata.
    size
        Of the file, in bytes.
    """

    picture: Image.Image
    orientation: int
    width: int
    height: int
    format: str
    head: bytes
    size: int


@dataclass(frozen=True, eq=False)
class Preview:
    """What an embedded thumbnail tells of its photo.

    Attributes
    ----------
    picture
        As :func:`~photofind.images.decode.decode` would return it, but for the detail.
    content
        A preliminary content id: of what was read, and of the file's size.
    head
        As in :class:`EmbeddedThumbnail`.
    """

    picture: Picture
    content: str
    head: bytes


def read_preview(
    path: str | os.PathLike[str], size: tuple[int, int], limits: Limits = DEFAULT_LIMITS
) -> Preview | None:
    """Return what the embedded thumbnail of a photo tells, None where there is none of use.

    Parameters
    ----------
    path
        The file.
    size
        Height and width of the pixels.
    limits
        The largest photo that is looked at.

    Raises
    ------
    ImageError
        If the file cannot be read at all.
    """
    found = read_embedded_thumbnail(path, limits)
    if found is None:
        return None
    pixels = np.array(upright(found.picture, size, found.orientation))
    return Preview(
        Picture(pixels, found.width, found.height, found.format),
        f"{PRELIMINARY}{content_id(found.head + b'%d' % found.size)}",
        found.head,
    )


def read_embedded_thumbnail(
    path: str | os.PathLike[str], limits: Limits = DEFAULT_LIMITS
) -> EmbeddedThumbnail | None:
    """Return the embedded thumbnail of a photo, None where there is none of use.

    One that is tiny, damaged, blank or of another shape than the photo, which may have been edited
    since, is of no use.

    Raises
    ------
    ImageError
        If the file cannot be read at all.
    """
    with open_file(path, limits) as (file, size):
        start = file.read(_FIRST_READ)
        head = _jpeg_head(file, start) or heif_head(file, size)
    if head is None:
        return None
    try:
        with decoding_errors():
            return _embedded(head, size, limits)
    except ImageError:
        return None


def _jpeg_head(file: BinaryIO, data: bytes) -> bytes | None:
    """Return all of a JPEG that comes before its pixels; None where that is too much, or damaged.

    Parameters
    ----------
    file
        The file, from which more is read where needed.
    data
        What was read of it.
    """
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    place = 2
    while place <= _LONGEST_HEADER:
        if place + 4 > len(data):
            more = file.read(max(len(data), place + 4 - len(data)))
            if not more:
                return None
            data += more
            continue
        marker = int.from_bytes(data[place : place + 2])
        if marker == _FILL:
            place += 1
            continue
        if not 0xFFC0 <= marker < _FILL:
            return None
        place += 2 + int.from_bytes(data[place + 2 : place + 4])
        if marker == _START_OF_SCAN:
            return data[:place]
    return None


def _embedded(head: bytes, size: int, limits: Limits) -> EmbeddedThumbnail | None:
    photo = open_picture(head, limits)
    orientation, (width, height) = orientation_of(photo), photo.size
    whole = (height, width) if is_on_its_side(orientation) else (width, height)
    picture = _heif_thumbnail(photo) if photo.format == "HEIF" else _exif_thumbnail(photo)
    if picture is None or max(picture.size) < _SHORTEST_SIDE:
        return None
    picture.load()
    shown = _without_bars(picture, (width, height))
    if shown is None or _is_blank(shown):
        return None
    return EmbeddedThumbnail(shown, orientation, *whole, photo.format or "", head, size)


def _exif_thumbnail(photo: ImageFile.ImageFile) -> ImageFile.ImageFile | None:
    thumbnail = thumbnail_of(photo)
    return open_picture(thumbnail, _LARGEST) if thumbnail is not None else None


def _heif_thumbnail(photo: ImageFile.ImageFile) -> ImageFile.ImageFile | None:
    """Return the photo, but what it will decode is its thumbnail."""
    share = _SHORTEST_SIDE / max(photo.size)
    width, height = (int(side * share) for side in photo.size)
    return photo if photo.draft("RGB", (width, height)) else None


def _without_bars(picture: Image.Image, whole: tuple[int, int]) -> Image.Image | None:
    """Return a thumbnail without the dark bars that make it 4:3, say, where its photo is 3:2.

    Parameters
    ----------
    picture
        The thumbnail.
    whole
        Width and height of the photo, which it should show the whole of.

    Returns
    -------
    Image or None
        None where it has another shape than the photo, and no bars to explain that.
    """
    width, height = picture.size
    # What is too much of each side; for one of them, or both, nothing is.
    wide = max(width - height * whole[0] / whole[1], 0)
    high = max(height - width * whole[1] / whole[0], 0)
    if wide <= max(2, _ROUNDING * width) and high <= max(2, _ROUNDING * height):
        return picture
    left, top = math.ceil(wide / 2), math.ceil(high / 2)
    # Where a bar ends, within a pixel or two, it is as bright as what lies beside it.
    bar_width, bar_height = (max(left - 2, 1), height) if left > top else (width, max(top - 2, 1))
    bars = [
        (0, 0, bar_width, bar_height),
        (width - bar_width, height - bar_height, width, height),
    ]
    brightness = picture.convert("L")
    if any(ImageStat.Stat(brightness.crop(bar)).mean[0] > _DARK for bar in bars):
        return None
    return picture.crop((left, top, width - left, height - top))


def _is_blank(picture: Image.Image) -> bool:
    ((darkest, brightest),) = ImageStat.Stat(picture.convert("L")).extrema
    return brightest - darkest < _BLANK
