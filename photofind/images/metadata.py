"""Metadata of a photo, combined from EXIF, XMP, IPTC and its sidecar."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from PIL import Image, ImageFile

from photofind.errors import ImageError
from photofind.images.containers import open_picture
from photofind.images.exif import exif_metadata, exif_of, load_exif, modified_time
from photofind.images.iptc import iptc_metadata
from photofind.images.jxl import is_jxl, jxl_boxes
from photofind.images.limits import DEFAULT_LIMITS, Limits
from photofind.images.metadata_fields import Metadata
from photofind.images.raw import embedded_preview, is_tiff, raw_format
from photofind.images.salvage import pixel_parts
from photofind.images.xmp import xmp_metadata

__all__ = ["Metadata", "read_metadata"]

_XMP_TAG = 700

Part = TypeVar("Part")

log = logging.getLogger(__name__)


def read_metadata(
    data: bytes, sidecar: bytes | None = None, limits: Limits = DEFAULT_LIMITS
) -> Metadata:
    """Return the metadata of a photo, without decoding it.

    Never fails but for lack of memory: missing, damaged or invalid parts are left out. The sidecar
    takes precedence, since it is what the photo's owner edits. Then EXIF, written by the camera,
    takes precedence for time and place; for words it is XMP, IPTC and EXIF in this order.

    Parameters
    ----------
    data
        The bytes of the photo.
    sidecar
        The bytes of the XMP file beside it.
    limits
        A photo with more than ``limits.pixels`` is not opened.
    """
    packet: object = b""
    exif, iptc = Image.Exif(), Metadata()
    if is_jxl(data):
        exif, packet = _part("header", lambda: _in_boxes(data), (exif, b""))
    elif (picture := _part("header", lambda: _header(data, limits), None)) is not None:
        exif = _part("EXIF", lambda: exif_of(picture), exif)
        iptc = _part("IPTC", lambda: iptc_metadata(picture), iptc)
        packet = picture.info.get("xmp")
    elif is_tiff(data):
        exif = _part("EXIF", lambda: load_exif(data), exif)
        packet = _part("XMP", lambda: exif.get(_XMP_TAG), packet)
    xmp = packet if isinstance(packet, bytes) else b""
    inside = _part("XMP", lambda: xmp_metadata(xmp), Metadata())
    beside = _part("sidecar", lambda: xmp_metadata(sidecar or b""), Metadata())
    shot = _part("EXIF", lambda: exif_metadata(exif), Metadata())
    placed = (source for source in (beside, shot, inside) if source.latitude is not None)
    place = next(placed, Metadata())
    return Metadata(
        captured=beside.captured
        or shot.captured
        or inside.captured
        or iptc.captured
        or _part("EXIF", lambda: modified_time(exif), None),
        camera=shot.camera,
        latitude=place.latitude,
        longitude=place.longitude,
        keywords=beside.keywords or inside.keywords or iptc.keywords or shot.keywords,
        caption=beside.caption or inside.caption or iptc.caption or shot.caption,
    )


def _part(name: str, read: Callable[[], Part], absent: Part) -> Part:
    """Return what a function reads of a part of the metadata; ``absent`` where it fails.

    Its modules know how such parts are damaged. This is for what they do not know: a photo is not
    refused for it.
    """
    try:
        return read()
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 (libraries raise nearly every one)
        log.warning("%s is left out: %s: %s", name, type(error).__name__, error)
        return absent


def _header(data: bytes, limits: Limits) -> ImageFile.ImageFile | None:
    """Return the opened picture whose header has the metadata; None if it cannot be opened."""
    if raw_format(data) and not is_tiff(data):
        return embedded_preview(data, limits)
    try:
        return open_picture(data, limits)
    except ImageError:
        pass
    try:
        return open_picture(pixel_parts(data), limits)
    except ImageError:
        return None


def _in_boxes(data: bytes) -> tuple[Image.Exif, bytes]:
    """Return EXIF and XMP of a JPEG XL."""
    exif, packet = Image.Exif(), b""
    for kind, content in jxl_boxes(data):
        if kind == b"Exif":  # After the offset of its header, which some encoders leave out.
            start = 0 if is_tiff(content) else 4 + int.from_bytes(content[:4])
            exif = load_exif(content[start:])
        elif kind == b"xml ":
            packet = content
    return exif, packet
