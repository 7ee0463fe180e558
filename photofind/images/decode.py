"""Decoding photos to the pixels for an extractor: upright, RGB, resized to its input size.

Thread-safe; Pillow releases the GIL while it decodes and resizes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile

from photofind.images.containers import REDUCIBLE, decoding_errors
from photofind.images.cost import cost_of
from photofind.images.exif import orientation_of
from photofind.images.fingerprint import fingerprint_of
from photofind.images.limits import DEFAULT_LIMITS, Limits
from photofind.images.photo import is_inverted, open_photo
from photofind.images.raw import open_raw, raw_format
from photofind.images.salvage import salvage
from photofind.images.turns import Take, at_once

__all__ = ["Picture", "decode", "decoding", "is_on_its_side", "upright"]

_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition that turns each EXIF orientation upright; those from 5 swap the sides."""

_FINGERPRINTED = 128
"""Height and width, in pixels, of what a fingerprint is made of at least."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded photo.

    Attributes
    ----------
    pixels
        uint8 (height, width, 3), RGB, in the requested size.
    width, height
        Size of the whole photo, upright, in pixels.
    format
        ``"JPEG"``, ``"HEIF"``, ``"DNG"`` and so on.
    note
        What is wrong with the file, where only a part of it could be read.
    fingerprint
        See :func:`~photofind.images.fingerprint.fingerprint_of`; None where it was not made.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    format: str
    note: str | None = None
    fingerprint: str | None = None


def decode(
    data: bytes,
    size: tuple[int, int],
    limits: Limits = DEFAULT_LIMITS,
    name: str = "",
    take: Take = at_once,
) -> Picture:
    """Decode a photo and resize it.

    The whole photo is resized regardless of its aspect ratio, which ranks better than cropping it.

    Parameters
    ----------
    data
        The bytes of the file; the format is recognised by content.
    size
        Height and width of the pixels.
    limits
        ``limits.pixels`` is the largest photo that is decoded, ``limits.memory`` the most that
        decoding takes.
    name
        The file's name, to distinguish some RAW files from TIFF.
    take
        Waits until it may be decoded.

    Raises
    ------
    ImageError
        If the bytes are not a picture in a supported format, nothing can be read of them, or they
        have too many pixels, or take too much memory.
    """
    picture, note = salvage(
        data,
        lambda readable: _decode(readable, size, limits, name, take),
        lambda decoded: Image.fromarray(decoded.pixels),
    )
    return picture if note is None else replace(picture, note=note)


def _decode(data: bytes, size: tuple[int, int], limits: Limits, name: str, take: Take) -> Picture:
    raw = raw_format(data, name)
    if raw:
        picture, (width, height) = open_raw(data, size, limits, take)
    else:
        picture = open_photo(data, limits, take)
        width, height = picture.size
    with decoding_errors():
        pixels, fingerprint, orientation = _squash(picture, size, limits, take, data)
    if is_on_its_side(orientation) and not raw:
        width, height = height, width
    return Picture(pixels, width, height, raw or picture.format or "", fingerprint=fingerprint)


@contextmanager
def decoding(
    picture: Image.Image,
    whole: tuple[int, int],
    target: int,
    data: bytes,
    limits: Limits,
    take: Take,
) -> Iterator[None]:
    """Wait until an opened picture may be decoded and resized, which it may be in the context.

    At the end of the context its pixels are freed.

    The parameters are those of :func:`~photofind.images.cost.cost_of` and :func:`decode`.

    Raises
    ------
    ImageError
        That would take too much memory.
    """
    if not isinstance(picture, ImageFile.ImageFile):  # It has been developed.
        yield
        return
    if picture.width * picture.height > limits.pixels:
        limits.check_pixels(*whole)
    cost = cost_of(picture, whole, target, data)
    limits.check_memory(cost)
    with take(cost):
        try:
            yield
        finally:
            picture.close()  # Its memory is free before it is another's turn.


def is_on_its_side(orientation: int) -> bool:
    """Return whether turning a picture of this EXIF orientation upright swaps its sides."""
    return orientation >= 5


def upright(
    picture: Image.Image,
    size: tuple[int, int],
    orientation: int,
    box: tuple[float, float, float, float] | None = None,
    *,
    resampling: Image.Resampling = Image.Resampling.BILINEAR,
    use_profile: bool = False,
) -> Image.Image:
    """Return a decoded picture resized, in RGB and upright.

    Parameters
    ----------
    picture
        The picture as stored, in any mode.
    size
        Height and width of the result.
    orientation
        Its EXIF orientation.
    box
        The part of it to use; all by default.
    resampling
        The filter.
    use_profile
        Whether to convert to sRGB if the picture has a colour profile.
    """
    height, width = size
    target = (height, width) if is_on_its_side(orientation) else (width, height)
    # Resized first, so that the other steps work on a small picture.
    small = _continuous(picture).resize(target, resampling, box=box)
    small = _rgb(_in_srgb(small) if use_profile else small)
    turn = _TRANSPOSES.get(orientation)
    return small if turn is None else small.transpose(turn)


def _squash(
    picture: Image.Image, size: tuple[int, int], limits: Limits, take: Take, data: bytes
) -> tuple[NDArray[np.uint8], str, int]:
    """Return the upright pixels of a picture, its fingerprint, and its EXIF orientation."""
    box, whole = None, picture.size
    if picture.format in REDUCIBLE:
        # libjpeg decodes at 1/2, 1/4 or 1/8 scale for a fraction of the work. At twice the target
        # size or more, the mean difference to full decoding is 0.1 to 0.3 of 255, against 0.5 to 1
        # at the target size, which would be only slightly faster.
        side = 2 * max(*size, _FINGERPRINTED // 2)
        scaled = picture.draft("RGB", (side, side))
        box = scaled and scaled[1]
    with decoding(picture, whole, max(size), data, limits, take):
        picture.load()
        # Read after loading, because Pillow turns TIFF by itself while loading.
        orientation = orientation_of(picture)
        small = upright(picture, size, orientation, box)
        # Of few pixels, it would depend on the extractor.
        fingerprinted = (
            small
            if min(size) >= _FINGERPRINTED
            else upright(picture, (_FINGERPRINTED, _FINGERPRINTED), orientation, box)
        )
        return np.asarray(small), fingerprint_of(fingerprinted), orientation


def _continuous(picture: Image.Image) -> Image.Image:
    """Return the picture in a mode whose values can be averaged."""
    if picture.mode.startswith("I;16"):
        wide = picture.convert("I")
        return wide.point(lambda value: value * -1 + 65535) if is_inverted(picture) else wide
    if picture.mode != "RGBA" and picture.has_transparency_data:
        return picture.convert("RGBA")
    if picture.mode == "P":
        return picture.convert("RGB")
    if picture.mode == "1":
        return picture.convert("L")
    return picture


def _rgb(picture: Image.Image) -> Image.Image:
    """Return the picture as RGB, with white for transparency."""
    if picture.mode in ("I", "F"):
        picture = _eight_bits(picture)
    if picture.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.buildTransform(lab, srgb, "LAB", "RGB").apply(picture)
    if picture.mode == "RGBA":
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _in_srgb(picture: Image.Image) -> Image.Image:
    """Return the picture converted to sRGB if it has a usable colour profile."""
    profile = picture.info.get("icc_profile")
    if not isinstance(profile, bytes) or picture.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return picture
    transform = _to_srgb(profile, picture.mode)
    return picture if transform is None else transform.apply(picture)


@lru_cache(16)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform from a colour profile to sRGB; None if the profile is unusable."""
    try:
        return ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGBA" if mode == "RGBA" else "RGB",
        )
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Return a grey picture with a wide value range as 8 bits.

    These modes do not define white: it is the first of 1, 255 and 65535 that no value exceeds, or
    else the greatest value.
    """
    values = np.nan_to_num(np.asarray(picture, np.float64), posinf=0, neginf=0)
    peak = values.max()
    white = next((white for white in (1.0, 255.0, 65535.0) if peak <= white), peak)
    return Image.fromarray(np.clip(values * (255 / white), 0, 255).astype(np.uint8))
