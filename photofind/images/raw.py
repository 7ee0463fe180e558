"""Camera RAW files, through LibRaw: the preview that the camera embedded, else a quick development.

rawpy is an optional dependency: ``pip install 'photofind[raw]'``.
"""

from __future__ import annotations

import io
from pathlib import PurePath
from typing import TYPE_CHECKING

from PIL import Image, ImageFile

from photofind.errors import ImageError
from photofind.images.containers import decoding_errors, open_picture
from photofind.images.cost import cost_of_raw
from photofind.images.exif import load_exif
from photofind.images.formats import RAW_SUFFIXES
from photofind.images.limits import Limits
from photofind.images.turns import Take, at_once

if TYPE_CHECKING:
    import rawpy

__all__ = ["embedded_preview", "is_tiff", "open_raw", "raw_format"]

_SIGNATURES = (
    (0, b"FUJIFILMCCD-RAW", "RAF"),
    (0, b"IIRO", "ORF"),
    (0, b"IIRS", "ORF"),
    (0, b"MMOR", "ORF"),
    (0, b"IIU\0", "RW2"),
    (4, b"ftypcrx ", "CR3"),
    (8, b"CR\x02", "CR2"),
    (6, b"HEAPCCDR", "CRW"),
    (0, b"\0MRM", "MRW"),
    (0, b"FOVb", "X3F"),
)
"""Offset, signature at that offset, and format."""

_NEW_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION = 254, 330, 50706

_TURNS = {
    3: Image.Transpose.ROTATE_180,
    5: Image.Transpose.ROTATE_90,
    6: Image.Transpose.ROTATE_270,
}
"""LibRaw's ``flip``, which turns the sensor's picture upright, as Pillow's transpositions."""


def is_tiff(data: bytes) -> bool:
    """Return whether the bytes are a TIFF container: TIFF itself, DNG, NEF, ARW or CR2."""
    return data.startswith((b"II*\0", b"MM\0*"))


def raw_format(data: bytes, name: str = "") -> str | None:
    """Return the RAW format of a file, such as ``"NEF"``; None if it is not a RAW file.

    NEF and ARW have no signature of their own. By TIFF/EP (ISO 12234-2), which they and DNG follow,
    the first picture of the container is reduced and sub-directories hold the sensor's; the file
    name helps with cameras that deviate.
    """
    for offset, signature, format_name in _SIGNATURES:
        if data.startswith(signature, offset):
            return format_name
    if not is_tiff(data):
        return None
    suffix = PurePath(name).suffix.lower()
    first = load_exif(data)
    if _DNG_VERSION in first:
        return "DNG"
    if suffix in RAW_SUFFIXES:
        return suffix[1:].upper()
    return "RAW" if first.get(_NEW_SUBFILE_TYPE) == 1 and _SUB_IFDS in first else None


def open_raw(
    data: bytes, size: tuple[int, int], limits: Limits, take: Take = at_once
) -> tuple[Image.Image, tuple[int, int]]:
    """Return a picture of a RAW file, and the size of the whole photo.

    Parameters
    ----------
    data
        The bytes of the file.
    size
        Required height and width: a smaller preview is not used.
    limits
        ``limits.pixels`` is the largest photo that is opened, ``limits.memory`` the most that
        developing it takes.
    take
        Waits until it may be developed.

    Returns
    -------
    picture
        Opened, perhaps not decoded, perhaps with an orientation in its EXIF.
    whole
        Width and height of the photo, upright.

    Raises
    ------
    ImageError
        If the file cannot be read, or rawpy is not installed.
    """
    height, width = size
    with decoding_errors(), _read(data) as raw:
        sizes = raw.sizes
        limits.check_pixels(sizes.width, sizes.height)
        is_on_its_side = sizes.flip in (5, 6)
        whole = (sizes.height, sizes.width) if is_on_its_side else (sizes.width, sizes.height)
        picture = _preview(raw, limits)
        if picture is None or min(picture.size) < max(height, width):
            cost = cost_of_raw(sizes.raw_width, sizes.raw_height)
            limits.check_memory(cost)
            with take(cost):
                developed = raw.postprocess(half_size=True, use_camera_wb=True, output_bps=8)
            picture = Image.fromarray(developed)
    return picture, whole


def embedded_preview(data: bytes, limits: Limits) -> ImageFile.ImageFile | None:
    """Return the JPEG inside a RAW file, opened, with the EXIF that the camera or LibRaw wrote.

    None if there is none, the file is damaged or rawpy is not installed.
    """
    try:
        with decoding_errors(), _read(data) as raw:
            preview = _preview(raw, limits)
    except ImageError:
        return None
    return preview if isinstance(preview, ImageFile.ImageFile) else None


def _read(data: bytes) -> rawpy.RawPy:
    try:
        import rawpy
    except ModuleNotFoundError as error:
        raise ImageError(
            "a camera RAW photo, which needs rawpy", "pip install 'photofind[raw]'"
        ) from error
    return rawpy.imread(io.BytesIO(data))


def _preview(raw: rawpy.RawPy, limits: Limits) -> Image.Image | None:
    """Return the largest embedded preview; None if none can be read."""
    import rawpy

    try:
        preview = raw.extract_thumb()
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
        return None
    if isinstance(preview.data, bytes):  # A JPEG.
        # LibRaw adds an EXIF block with the orientation if the camera wrote none.
        try:
            return open_picture(preview.data, limits)
        except ImageError:
            return None
    picture = Image.fromarray(preview.data)
    turn = _TURNS.get(raw.sizes.flip)
    return picture if turn is None else picture.transpose(turn)
