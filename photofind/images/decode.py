"""A photo's bytes become the pixels that an extractor sees: upright, RGB, squashed to its size.

Safe to call from several threads; Pillow releases the GIL while it decodes and resizes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from photofind.images.containers import decoding_errors, open_picture
from photofind.images.exif import orientation_of
from photofind.images.limits import DEFAULT_LIMITS, Limits
from photofind.images.raw import open_raw, raw_format

__all__ = ["Picture", "decode", "is_on_its_side", "upright"]

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
        If the bytes are not a picture in a format that is read, are damaged or truncated,
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
    if is_on_its_side(orientation) and not raw:
        width, height = height, width
    return Picture(pixels, width, height, raw or picture.format or "")


def is_on_its_side(orientation: int) -> bool:
    """Return whether putting a picture of this EXIF orientation upright swaps its sides."""
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
        As it is stored, in any mode.
    size
        Height and width of the result.
    orientation
        The EXIF orientation in which it is stored.
    box
        The part of it that is shown, all by default.
    resampling
        The filter.
    use_profile
        Whether colours are converted to sRGB where the picture has a colour profile.
    """
    height, width = size
    target = (height, width) if is_on_its_side(orientation) else (width, height)
    # Resized first, so that the rest is done to a small picture.
    small = _continuous(picture).resize(target, resampling, box=box)
    small = _rgb(_in_srgb(small) if use_profile else small)
    turn = _TRANSPOSES.get(orientation)
    return small if turn is None else small.transpose(turn)


def _squash(picture: Image.Image, size: tuple[int, int]) -> tuple[NDArray[np.uint8], int]:
    """Return the pixels of a picture, upright, and the EXIF orientation that it was stored in."""
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
    return np.array(upright(picture, size, orientation, box)), orientation


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


def _in_srgb(picture: Image.Image) -> Image.Image:
    """Return the picture in sRGB where it has a colour profile that fits, else as it is."""
    profile = picture.info.get("icc_profile")
    if not isinstance(profile, bytes) or picture.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return picture
    transform = _to_srgb(profile, picture.mode)
    return picture if transform is None else transform.apply(picture)


@lru_cache(16)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return what converts from a colour profile; None where it is damaged or of other colours."""
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
    """Return a grey picture of wide values as one of 8 bits.

    These modes do not tell what white is: the first of 1, 255 and 65535 that holds every value is
    taken for it, or else the greatest value.
    """
    values = np.nan_to_num(np.asarray(picture, np.float64), posinf=0, neginf=0)
    peak = values.max()
    white = next((white for white in (1.0, 255.0, 65535.0) if peak <= white), peak)
    return Image.fromarray(np.clip(values * (255 / white), 0, 255).astype(np.uint8))
