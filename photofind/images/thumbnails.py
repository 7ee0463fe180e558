"""Thumbnails for display: small upright JPEGs in sRGB, made in a worker."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from photofind.errors import VeryLargeError
from photofind.images.containers import REDUCIBLE, decoding_errors
from photofind.images.cost import Cost
from photofind.images.decode import decoding, is_on_its_side, upright
from photofind.images.exif import orientation_of
from photofind.images.limits import DEFAULT_LIMITS, SPARE_BYTES, Limits
from photofind.images.photo import open_photo
from photofind.images.preview import read_embedded_thumbnail
from photofind.images.raw import open_raw, raw_format
from photofind.images.reading import read_bytes
from photofind.images.salvage import salvage
from photofind.images.turns import VERY_LARGE, Take, Turns, at_once
from photofind.system.effort import Efforts
from photofind.system.memory import limit_memory

__all__ = ["ThumbnailService", "make_thumbnail"]

_QUALITY = 85

_ROOM = 1.5
"""Minimum scale, relative to the result, at which a JPEG is decoded; the rest is averaged."""


class ThumbnailService:
    """Makes thumbnails, of very large photos or of all others.

    Parameters
    ----------
    pixels, bytes, memory, seconds
        The :class:`~photofind.images.limits.Limits` of a photo.
    turn
        The file by which processes take turns at very large photos; None if this process leaves
        them to another one.
    """

    def __init__(
        self,
        pixels: int,
        bytes: int,  # noqa: A002
        memory: int,
        seconds: float,
        turn: str | None = None,
    ) -> None:
        self._limits = Limits(pixels, bytes, memory, seconds)
        self._turns = Turns(memory, Path(turn)) if turn else None
        self._efforts = Efforts(seconds / 6)
        limit_memory(memory + SPARE_BYTES)

    def make(
        self, path: str, size: int, note: Callable[[Any], None]
    ) -> tuple[tuple[int, int] | str | None, list[npt.NDArray[np.uint8]]]:
        """Return the state of the file, and its thumbnail as an array.

        The state is the file's size in bytes and its modification time in nanoseconds; None if it
        changed while it was read; ``"very large"``, without a thumbnail, if that is left to another
        process. The thumbnail is from :func:`make_thumbnail`.
        """
        before = _file_state(path)
        length = before[0] if before else 0
        if self._turns is None and length > VERY_LARGE:
            return "very large", []
        with self._efforts.of(0, self._limits.seconds_for(length), note) as effort:

            @contextmanager
            def take(cost: Cost) -> Iterator[None]:
                effort.seconds = self._limits.seconds_for(length, cost.pixels)
                if self._turns is None:
                    if cost.memory > VERY_LARGE:
                        raise VeryLargeError("very large")
                    yield
                    return
                with effort.in_turn(self._turns.take(cost)):
                    yield

            try:
                thumbnail = make_thumbnail(path, size, self._limits, take)
            except VeryLargeError:
                return "very large", []
        return before if _file_state(path) == before else None, [np.frombuffer(thumbnail, np.uint8)]


def make_thumbnail(
    path: str, size: int, limits: Limits = DEFAULT_LIMITS, take: Take = at_once
) -> bytes:
    """Return a JPEG of a photo, without any metadata.

    Parameters
    ----------
    path
        The photo.
    size
        The maximum of its longer side, in pixels. Smaller photos are not enlarged.
    limits
        The largest photo that is read.
    take
        Waits until it may be decoded.

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
            shown = _of_whole(path, size, limits, take)
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


def _of_whole(path: str, size: int, limits: Limits, take: Take) -> Image.Image:
    """Return the thumbnail from the whole file."""
    shown, _ = salvage(
        read_bytes(path, limits),
        lambda data: _of_bytes(data, Path(path).name, size, limits, take),
        lambda thumbnail: thumbnail,
    )
    return shown


def _of_bytes(data: bytes, name: str, size: int, limits: Limits, take: Take) -> Image.Image:
    if raw_format(data, name):
        picture, _ = open_raw(data, (size, size), limits, take)
    else:
        picture = open_photo(data, limits, take)
    whole = picture.size
    target, box = _within(whole, size), None
    if target != whole:
        room = _ROOM if picture.format in REDUCIBLE else 1
        # For HEIF, this selects the embedded thumbnail if it is large enough.
        scaled = picture.draft("RGB", (int(room * target[0]), int(room * target[1])))
        box = scaled and scaled[1]
    with decoding_errors(), decoding(picture, whole, max(target), data, limits, take):
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
