"""Opening the photo in a file: of several pages the photo, and what Pillow does not read."""

from __future__ import annotations

from PIL import Image, ImageFile, TiffImagePlugin

from photofind.errors import DamagedImageError
from photofind.images.containers import decoding_errors, open_picture
from photofind.images.float_tiff import is_float_tiff, read_float_tiff
from photofind.images.jxl import is_jxl, open_jxl
from photofind.images.limits import Limits
from photofind.images.turns import Take

__all__ = ["is_inverted", "open_photo"]

_SUBFILE_TYPE, _PHOTOMETRIC = 254, 262
_WHITE_IS_ZERO = 0

_MOST_PAGES = 20
"""Of a TIFF, among which the photo is looked for."""


def open_photo(data: bytes, limits: Limits, take: Take) -> Image.Image:
    """Return the photo in a file of any format except camera RAW.

    Parameters
    ----------
    data
        The bytes of the file.
    limits
        The largest photo that is opened.
    take
        Waits until it may be decoded, where opening it decodes it.

    Raises
    ------
    ImageError
        As :func:`~photofind.images.containers.open_picture`.
    """
    if is_jxl(data):
        return open_jxl(data, limits, take)
    try:
        picture = open_picture(data, limits)
    except DamagedImageError:
        if not is_float_tiff(data):
            raise
        return read_float_tiff(data, limits, take)
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        with decoding_errors():
            _turn_to_photo(picture)
        limits.check_pixels(*picture.size)
    return picture


def is_inverted(picture: Image.Image) -> bool:
    """Return whether a TIFF stores white as zero."""
    return (
        isinstance(picture, TiffImagePlugin.TiffImageFile)
        and picture.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    )


def _turn_to_photo(picture: ImageFile.ImageFile) -> None:
    """Turn a TIFF to its first page that is not a thumbnail; the first one where all are."""
    for page in range(_MOST_PAGES):
        try:
            picture.seek(page)
        except EOFError:
            break
        if not _is_thumbnail(picture):
            return
    picture.seek(0)


def _is_thumbnail(picture: ImageFile.ImageFile) -> bool:
    if not isinstance(picture, TiffImagePlugin.TiffImageFile):
        return False
    kind = picture.tag_v2.get(_SUBFILE_TYPE, 0)
    return isinstance(kind, int) and bool(kind & 1)
