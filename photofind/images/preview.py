"""The thumbnail embedded in a photo, from the first bytes of its file.

Cameras and phones put a small JPEG into EXIF, or a small picture into HEIC. It shows the same as
the photo, for a hundredth of the work.
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
"""Bytes that are read first; nearly all JPEG headers are shorter."""

_LONGEST_HEADER = 1 << 20
"""Of a JPEG, in bytes; longer headers hold a depth map or another picture."""

_SHORTEST_SIDE, _LARGEST = 96, Limits(pixels=1 << 22)
"""The minimum of a thumbnail's longer side, and the maximum of its pixels."""

_ROUNDING = 0.02
"""Tolerated relative error of a thumbnail's side; some sides are rounded to multiples of 8."""

_DARK, _BLANK = 32, 16
"""Of 255: the maximum mean brightness of a bar, and the minimum contrast of a picture."""

_START_OF_SCAN, _FILL = 0xFFDA, 0xFFFF


class EmbeddedThumbnail(NamedTuple):
    """A photo's embedded thumbnail.

    Attributes
    ----------
    picture
        The thumbnail, decoded, as stored, without letterbox bars.
    orientation
        Its EXIF orientation.
    width, height, format
        Of the whole photo, upright.
    head
        Bytes from the file that can be opened like the photo, with the same metadata.
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
    """A preview of a photo, from its embedded thumbnail.

    Attributes
    ----------
    picture
        Like the result of :func:`~photofind.images.decode.decode`, with less detail.
    content
        A preliminary content id, from the bytes that were read and the file's size.
    head
        As in :class:`EmbeddedThumbnail`.
    """

    picture: Picture
    content: str
    head: bytes


def read_preview(
    path: str | os.PathLike[str], size: tuple[int, int], limits: Limits = DEFAULT_LIMITS
) -> Preview | None:
    """Return the preview of a photo from its embedded thumbnail; None without a usable one.

    Parameters
    ----------
    path
        The file.
    size
        Height and width of the pixels.
    limits
        The largest photo that is read.

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
    """Return the embedded thumbnail of a photo; None without a usable one.

    A thumbnail is unusable if it is tiny, damaged, blank or of another shape than the photo, which
    may have been edited since.

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
    """Return the part of a JPEG before its pixels; None if it is too long or damaged.

    Parameters
    ----------
    file
        The file, from which more is read if needed.
    data
        The bytes read from it so far.
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
    """Return the photo, set to decode its thumbnail."""
    share = _SHORTEST_SIDE / max(photo.size)
    width, height = (int(side * share) for side in photo.size)
    return photo if photo.draft("RGB", (width, height)) else None


def _without_bars(picture: Image.Image, whole: tuple[int, int]) -> Image.Image | None:
    """Return a thumbnail without dark bars, such as those that make a 3:2 photo 4:3.

    Parameters
    ----------
    picture
        The thumbnail.
    whole
        Width and height of the photo.

    Returns
    -------
    Image or None
        None if its shape differs from the photo's and no bars explain that.
    """
    width, height = picture.size
    # The excess of each side; at least one is zero.
    wide = max(width - height * whole[0] / whole[1], 0)
    high = max(height - width * whole[1] / whole[0], 0)
    if wide <= max(2, _ROUNDING * width) and high <= max(2, _ROUNDING * height):
        return picture
    left, top = math.ceil(wide / 2), math.ceil(high / 2)
    # The last pixel or two of a bar are blended with the picture.
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
