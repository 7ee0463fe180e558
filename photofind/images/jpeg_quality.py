"""The quality that a JPEG was saved with, told from its quantisation table."""

from __future__ import annotations

from typing import BinaryIO

__all__ = ["jpeg_quality"]

# The standard's table for luminance (Annex K.1), in the order of the file, added up: encoders scale
# it by quality.
_STANDARD_SUM = 3688
_TABLES, _SCAN, _END = 0xDB, 0xDA, 0xD9
_MOST_SEGMENTS = 200


def jpeg_quality(file: BinaryIO) -> int | None:
    """Return the quality of a JPEG, 1 to 100, as libjpeg counts it; None where it does not say.

    Only the headers of its segments are read, and the table.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    if file.read(2) != b"\xff\xd8":
        return None
    for _ in range(_MOST_SEGMENTS):
        header = file.read(4)
        if len(header) < 4 or header[0] != 0xFF or header[1] in (_SCAN, _END):
            return None
        length = int.from_bytes(header[2:]) - 2
        if header[1] == _TABLES:
            return _quality(file.read(max(length, 0)))
        file.seek(max(length, 0), 1)
    return None


def _quality(tables: bytes) -> int | None:
    """Return the quality of a segment that begins with the table for luminance."""
    wide = 2 if tables[:1] >= b"\x10" else 1
    values = tables[1 : 1 + 64 * wide]
    if len(values) < 64 * wide:
        return None
    numbers = [int.from_bytes(values[at : at + wide]) for at in range(0, len(values), wide)]
    scale = 100 * sum(numbers) / _STANDARD_SUM
    quality = (200 - scale) / 2 if scale <= 100 else 5000 / scale
    return round(min(max(quality, 1), 100))
