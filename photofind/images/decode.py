"""A photo's bytes become the pixels that an extractor sees: upright, RGB, squashed to its size.

Safe to call from several threads; Pillow releases the GIL while it decodes and resizes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from photofind.images.containers import decoding_errors, open_picture
from photofind.images.exif import orientation_of
from photofind.images.limits import DEFAULT_LIMITS, Limits
from photofind.images.raw import open_raw, raw_format

__all__ = ["Picture", "decode"]

_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What puts a picture of each EXIF orientation upright; those from 5 on swap its sides."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded photo.

    Attributes
    ----------
    pixels
        uint8 (height, width, 3), RGB, of the size that was asked for.
    width, height
        Size of the whole photo, upright, in pixels.
    format
        ``"JPEG"``, ``"HEIF"``, ``"DNG"`` and so on.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    format: str


def decode(
    data: bytes, size: tuple[int, int], limits: Limits = DEFAULT_LIMITS, name: str = ""
) -> Picture:
    """Decode a photo to a given size.

    The whole photo is squashed to that size, which ranks better than its centre cropped.

    Parameters
    ----------
    data
        The bytes of the file, whose content tells the format.
    size
        Height and width of the pixels.
    limits
        ``limits.pixels`` is the largest photo that is decoded.
    name
        The file's name, which tells some RAW files from TIFF.

    Raises
    ------
    ImageError
        Where the bytes are not a picture in a format that is read, are damaged or truncated,
        or hold too many pixels.
    """
    raw = raw_format(data, name)
    if raw:
        picture, (width, height) = open_raw(data, size, limits)
    else:
        picture = open_picture(data, limits)
        width, height = picture.size
    with decoding_errors():
        pixels, orientation = _squash(picture, size)
    if orientation >= 5 and not raw:
        width, height = height, width
    return Picture(pixels, width, height, raw or picture.format or "")


def _squash(picture: Image.Image, size: tuple[int, int]) -> tuple[NDArray[np.uint8], int]:
    """Return the pixels of a picture, upright, and the EXIF orientation that it was stored in."""
    height, width = size
    box = None
    if picture.format in ("JPEG", "MPO"):
        # libjpeg decodes at a half, a quarter or an eighth for a fraction of the work. Not below
        # twice the target: there the mean difference to full decoding stays at 0.1 to 0.3 of 255,
        # against 0.5 to 1 at the target itself, for a tenth of the time.
        side = 2 * max(size)
        scaled = picture.draft("RGB", (side, side))
        box = scaled and scaled[1]
    picture.load()
    # Asked for now, because Pillow turns TIFF by itself while loading.
    orientation = orientation_of(picture)
    target = (height, width) if orientation >= 5 else (width, height)
    # Resized first, so that the rest is done to a small picture.
    small = _rgb(_continuous(picture).resize(target, Image.Resampling.BILINEAR, box=box))
    if orientation in _TRANSPOSES:
        small = small.transpose(_TRANSPOSES[orientation])
    return np.array(small), orientation


def _continuous(picture: Image.Image) -> Image.Image:
    """Return the picture in a mode whose values can be averaged."""
    if picture.mode.startswith("I;16"):
        return picture.convert("I")
    if picture.mode != "RGBA" and picture.has_transparency_data:
        return picture.convert("RGBA")
    if picture.mode == "P":
        return picture.convert("RGB")
    if picture.mode == "1":
        return picture.convert("L")
    return picture


def _rgb(picture: Image.Image) -> Image.Image:
    """Return the picture as RGB, on white where it is transparent."""
    if picture.mode in ("I", "F"):
        picture = _eight_bits(picture)
    if picture.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.buildTransform(lab, srgb, "LAB", "RGB").apply(picture)
    if picture.mode == "RGBA":
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Return a grey picture of wide values as one of 8 bits.

    These modes do not tell what white is: the first of 1, 255 and 65535 that holds every value is
    taken for it, or else the greatest value.
    """
    values = np.nan_to_num(np.asarray(picture, np.float64), posinf=0, neginf=0)
    peak = values.max()
    white = next((white for white in (1.0, 255.0, 65535.0) if peak <= white), peak)
    return Image.fromarray(np.clip(values * (255 / white), 0, 255).astype(np.uint8))
