"""EXIF (CIPA DC-008): orientation, time, camera, position, keywords and caption."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from photofind.images.metadata_fields import (
    Metadata,
    bounded_keywords,
    bounded_text,
    decode_text,
    parse_time,
    valid_position,
)

__all__ = [
    "exif_metadata",
    "exif_of",
    "load_exif",
    "modified_time",
    "orientation_of",
    "thumbnail_of",
]

_DAMAGED = (
    *(AttributeError, IndexError, KeyError, OSError, OverflowError, struct.error),
    *(SyntaxError, TypeError, ValueError, ZeroDivisionError),
)
"""Exceptions that Pillow raises on damaged EXIF, found by trial."""

_EXIF = b"Exif\0\0"
"""The prefix of an EXIF block in a JPEG."""

_MOST_READ, _LONGEST_CAMERA = 1 << 16, 200
"""Bytes of a text that are decoded, and characters of the camera's name that are kept."""

_TIMES = (
    (Base.DateTimeOriginal, Base.OffsetTimeOriginal),
    (Base.DateTimeDigitized, Base.OffsetTimeDigitized),
)


def load_exif(data: bytes) -> Image.Exif:
    """Return the first directory of a TIFF container; empty if damaged."""
    exif = Image.Exif()
    try:
        exif.load(data)
    except _DAMAGED:
        return Image.Exif()
    return exif


def exif_of(picture: Image.Image) -> Image.Exif:
    """Return the EXIF in the header of an opened picture; empty if damaged."""
    try:
        # Not picture.getexif(): for PNG, that decodes all pixels to find later chunks.
        return Image.Image.getexif(picture)
    except _DAMAGED:
        return Image.Exif()


def orientation_of(picture: Image.Image) -> int:
    """Return the EXIF orientation of a decoded picture, 1 to 8; 1 by default."""
    orientation = _value(exif_of(picture), Base.Orientation)
    return orientation if orientation in range(1, 9) else 1


def thumbnail_of(picture: Image.Image) -> bytes | None:
    """Return the JPEG thumbnail in the EXIF of an opened JPEG; None without one.

    Only its position is checked: it may be damaged or show another picture.
    """
    block = picture.info.get("exif")
    if not isinstance(block, bytes):
        return None
    directory = _directory(exif_of(picture), IFD.IFD1)
    start = _value(directory, Base.JpegIFOffset)
    length = _value(directory, Base.JpegIFByteCount)
    if not (isinstance(start, int) and isinstance(length, int) and start > 0 and length > 0):
        return None
    while block.startswith(_EXIF):  # Some programs write it twice; offsets start after it.
        block = block.removeprefix(_EXIF)
    thumbnail = block[start : start + length]
    return thumbnail if thumbnail.startswith(b"\xff\xd8\xff") else None


def exif_metadata(exif: Image.Exif) -> Metadata:
    """Return the metadata in EXIF; each part is read even if others are damaged."""
    shot, gps = _directory(exif, IFD.Exif), _directory(exif, IFD.GPSInfo)
    times = (parse_time(_text(shot, time), _text(shot, offset)) for time, offset in _TIMES)
    latitude, longitude = valid_position(
        _degrees(gps, GPS.GPSLatitude, GPS.GPSLatitudeRef),
        _degrees(gps, GPS.GPSLongitude, GPS.GPSLongitudeRef),
    )
    return Metadata(
        captured=next(filter(None, times), None),
        camera=_camera(_text(exif, Base.Make), _text(exif, Base.Model)),
        latitude=latitude,
        longitude=longitude,
        keywords=_windows_keywords(exif),
        caption=bounded_text(_text(exif, Base.ImageDescription) or _comment(shot, exif.endian)),
    )


def modified_time(exif: Image.Exif) -> str | None:
    """Return EXIF's modification time, the last resort for the time of the shot."""
    offset = _text(_directory(exif, IFD.Exif), Base.OffsetTime)
    return parse_time(_text(exif, Base.DateTime), offset)


def _directory(exif: Image.Exif, tag: int) -> Mapping[int, Any]:
    try:
        return exif.get_ifd(tag)
    except _DAMAGED:
        return {}


def _value(tags: Mapping[int, Any], tag: int) -> Any:
    try:
        return tags.get(tag)
    except _DAMAGED:  # Values are parsed on access.
        return None


def _text(tags: Mapping[int, Any], tag: int) -> str:
    value = _value(tags, tag)
    if isinstance(value, str):
        # Pillow decodes all text as Latin-1, which loses no byte.
        value = value[:_MOST_READ].encode("latin-1", "replace")
    return decode_text(value[:_MOST_READ]) if isinstance(value, bytes) else ""


def _camera(make: str, model: str) -> str | None:
    """Return maker and model, without the maker twice ("NIKON CORPORATION NIKON D70")."""
    words = make.split()
    if words and model.casefold().startswith(words[0].casefold()):
        return bounded_text(model, _LONGEST_CAMERA)
    return bounded_text(f"{make} {model}".strip(), _LONGEST_CAMERA)


def _degrees(gps: Mapping[int, Any], tag: int, reference: int) -> float | None:
    try:
        degrees, *parts = (float(part) for part in _value(gps, tag))
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    if len(parts) > 2 or not math.isfinite(degrees):
        return None
    # Minutes or seconds that are missing, or 0/0, are not known that exactly.
    known = [part if math.isfinite(part) else 0.0 for part in parts]
    angle = degrees + sum(part / unit for part, unit in zip(known, (60, 3600), strict=False))
    return -angle if _text(gps, reference).upper() in ("S", "W") else angle


def _windows_keywords(exif: Image.Exif) -> tuple[str, ...]:
    """Return the keywords that Windows Explorer writes: UTF-16, separated by semicolons."""
    value = _value(exif, Base.XPKeywords)
    if not isinstance(value, bytes):
        return ()
    return bounded_keywords(value[:_MOST_READ].decode("utf-16-le", "replace").split(";"))


def _comment(shot: Mapping[int, Any], endian: str | None) -> str:
    """Return EXIF's UserComment, whose first eight bytes name its encoding."""
    value = _value(shot, Base.UserComment)
    if not isinstance(value, bytes):
        return ""
    if value.startswith(b"UNICODE\0"):
        order = "utf-16-le" if endian == "<" else "utf-16-be"
        return value[8:_MOST_READ].decode(order, "replace").strip("\0 \t\r\n")
    return decode_text(value[8:_MOST_READ]) if value.startswith((b"ASCII\0\0\0", b"\0" * 8)) else ""
