"""IPTC-IIM 4.2: the keywords, caption and date of press photos and of older photo managers."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from PIL import ImageFile, IptcImagePlugin

from photofind.images.metadata_fields import Metadata, decode_text, parse_time

__all__ = ["iptc_metadata"]

_KEYWORDS, _DATE, _TIME, _CAPTION = (2, 25), (2, 55), (2, 60), (2, 120)


def iptc_metadata(picture: ImageFile.ImageFile) -> Metadata:
    """Return what the IPTC block in the header of an opened JPEG or TIFF tells."""
    try:
        block = IptcImagePlugin.getiptcinfo(picture) or {}
    except (AttributeError, OSError, SyntaxError, TypeError, ValueError, struct.error):
        return Metadata()

    def values(dataset: tuple[int, int]) -> Iterator[str]:
        value = block.get(dataset, [])
        yield from filter(None, map(decode_text, [value] if isinstance(value, bytes) else value))

    date, time = next(values(_DATE), ""), next(values(_TIME), "000000")
    return Metadata(
        captured=parse_time(f"{date}T{time}") or parse_time(date),
        keywords=tuple(values(_KEYWORDS)),
        caption=next(values(_CAPTION), None),
    )
