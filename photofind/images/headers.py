"""Whether a file is of a format whose signature is too short to tell, by its header.

Any text may begin with ``P6`` or ``BM``.
"""

from __future__ import annotations

import re
import struct

__all__ = ["HEADER_BYTES", "has_sound_header"]

HEADER_BYTES = 1024
"""How many bytes from the beginning of a file are looked at."""

_NUMBER = re.compile(rb"(?:[ \t\r\n]|#[^\r\n]*[\r\n])+(-?\d{1,9}(?:\.\d*)?)(?=\s|#)")
"""A number in the header of a portable anymap, after white space and comments."""

_PLAIN = re.compile(rb"[\d\s]*")
_TRAILING = 1024  # Bytes after the picture.

_BITMAP = struct.Struct("<2sI4xII")
_CORE, _CORE_BYTES = struct.Struct("<HHHH"), 12
_INFO, _INFO_BYTES = struct.Struct("<iiHH"), (40, 52, 56, 64, 108, 124)
_DEPTHS = {1, 2, 4, 8, 16, 24, 32}


def has_sound_header(format_name: str, beginning: bytes, size: int) -> bool:
    """Return whether a file is of a format as far as its header tells.

    Parameters
    ----------
    format_name
        ``"BMP"``, ``"PPM"``, ``"WEBP"``, ``"AVIF"``, ``"HEIF"`` or ``"CR3"``; others are not looked
        at.
    beginning
        Its first :data:`HEADER_BYTES`, or all of it.
    size
        Of the file, in bytes.
    """
    match format_name:
        case "BMP":
            return _is_bitmap(beginning, size)
        case "PPM":
            return _is_portable(beginning, size)
        case "WEBP":
            return beginning.startswith(b"RIFF")
        case "AVIF" | "HEIF" | "CR3":
            return beginning.startswith(b"\0\0")  # The first box is short.
        case _:
            return True


def _is_bitmap(beginning: bytes, size: int) -> bool:
    try:
        signature, _, offset, header = _BITMAP.unpack_from(beginning)
        if header == _CORE_BYTES:
            width, height, planes, depth = _CORE.unpack_from(beginning, _BITMAP.size)
        elif header in _INFO_BYTES:
            width, height, planes, depth = _INFO.unpack_from(beginning, _BITMAP.size)
        else:
            return False
    except struct.error:
        return False
    return (
        signature == b"BM"
        and _BITMAP.size - 4 + header <= offset <= size
        and width > 0
        and height != 0
        and planes == 1
        and depth in _DEPTHS
    )


def _is_portable(beginning: bytes, size: int) -> bool:
    kind, place, numbers = beginning[1:2], 2, []
    if not (beginning.startswith(b"P") and kind and kind in b"123456f"):
        return False
    for _ in range(2 if kind in b"14" else 3):
        match = _NUMBER.match(beginning, place)
        if match is None:
            return False
        numbers.append(float(match[1]))
        place = match.end()
    width, height, *most = numbers
    place += 1
    if kind in b"123":
        return _PLAIN.fullmatch(beginning, place) is not None
    match kind:
        case b"4":
            length = (width + 7) // 8 * height
        case b"f":
            length = 4 * width * height
        case _:
            length = width * height * (3 if kind == b"6" else 1) * (2 if most[0] > 255 else 1)
    return width > 0 and 0 < length <= size - place <= length + _TRAILING
