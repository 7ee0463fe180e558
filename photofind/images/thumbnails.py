"""Thumbnails for display: small upright JPEGs in sRGB, made in a worker."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from photofind.images.containers import decoding_errors, open_picture
from photofind.images.decode import is_on_its_side, upright
from photofind.images.exif import orientation_of
from photofind.images.limits import DEFAULT_LIMITS, Limits
from photofind.images.preview import read_embedded_thumbnail
from photofind.images.raw import open_raw, raw_format
from photofind.images.reading import read_bytes

__all__ = ["ThumbnailService", "make_thumbnail"]

_QUALITY = 85

_ROOM = 1.5
"""Minimum scale, relative to the result, at which a JPEG is decoded; the rest is averaged."""


class ThumbnailService:
    """Makes thumbnails.

    Parameters
    ----------
    pixels, bytes
        The :class:`~photofind.images.limits.Limits` of a photo.
    """

    def __init__(self, pixels: int, bytes: int) -> None:  # noqa: A002
        self._limits = Limits(pixels, bytes)

    def make(
        self, path: str, size: int
    ) -> tuple[tuple[int, int] | None, list[npt.NDArray[np.uint8]]]:
        """Return the state of the file, and its thumbnail as an array.

        The state is the file's size in bytes and its modification time in nanoseconds; None if it
        changed while it was read. The thumbnail is from :func:`make_thumbnail`.
        """
        before = _file_state(path)
        thumbnail = make_thumbnail(path, size, self._limits)
        return before if _file_state(path) == before else None, [np.frombuffer(thumbnail, np.uint8)]


def make_thumbnail(path: str, size: int, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return a JPEG of a photo, without any metadata.

    Parameters
    ----------
    path
        The photo.
    size
        The maximum of its longer side, in pixels. Smaller photos are not enlarged.
    limits
        The largest photo that is read.

    Raises
    ------
    ImageError
        If the photo cannot be read.
    """
    embedded = read_embedded_thumbnail(path, limits)
    with decoding_errors():
        if embedded is not None and max(embedded.picture.size) >= size:
            target = _within(embedded.picture.size, size)
            shown = _shown(embedded.picture, target, embedded.orientation)
        else:
            shown = _of_whole(path, size, limits)
        shown.info.clear()  # Pillow would write comments and other metadata.
        buffer = io.BytesIO()
        shown.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def _file_state(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - the path may not be UTF-8
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns


def _of_whole(path: str, size: int, limits: Limits) -> Image.Image:
    """Return the thumbnail from the whole file."""
    data = read_bytes(path, limits)
    if raw_format(data, Path(path).name):
        picture, _ = open_raw(data, (size, size), limits)
    else:
        picture = open_picture(data, limits)
    target, box = _within(picture.size, size), None
    if target != picture.size:
        room = _ROOM if picture.format in ("JPEG", "MPO") else 1
        # For HEIF, this selects the embedded thumbnail if it is large enough.
        scaled = picture.draft("RGB", (int(room * target[0]), int(room * target[1])))
        box = scaled and scaled[1]
    picture.load()
    return _shown(picture, target, orientation_of(picture), box)


def _within(whole: tuple[int, int], size: int) -> tuple[int, int]:
    """Return width and height, scaled down so that the longer side is at most ``size``."""
    share = min(size / max(whole), 1)
    width, height = whole
    return max(round(width * share), 1), max(round(height * share), 1)


def _shown(
    picture: Image.Image,
    target: tuple[int, int],
    orientation: int,
    box: tuple[float, float, float, float] | None = None,
) -> Image.Image:
    """Return a decoded picture upright; ``target`` is its width and height before turning."""
    width, height = target
    return upright(
        picture,
        (width, height) if is_on_its_side(orientation) else (height, width),
        orientation,
        box,
        resampling=Image.Resampling.BICUBIC,
        use_profile=True,
    )
