"""IPTC-IIM 4.2: keywords, caption and date, from press photos and older photo managers."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from PIL import ImageFile, IptcImagePlugin

from photofind.images.metadata_fields import (
    Metadata,
    bounded_keywords,
    bounded_text,
    decode_text,
    parse_time,
)

__all__ = ["iptc_metadata"]

_KEYWORDS, _DATE, _TIME, _CAPTION = (2, 25), (2, 55), (2, 60), (2, 120)


def iptc_metadata(picture: ImageFile.ImageFile) -> Metadata:
    """Return the metadata in the IPTC block of an opened JPEG or TIFF."""
    try:
        block = IptcImagePlugin.getiptcinfo(picture) or {}
    except (AttributeError, LookupError, OSError, SyntaxError, TypeError, ValueError, struct.error):
        return Metadata()

    def values(dataset: tuple[int, int]) -> Iterator[str]:
        value = block.get(dataset)
        for one in value if isinstance(value, list) else [value]:
            # Pillow gives None for an empty data set.
            if isinstance(one, bytes) and (text := decode_text(one)):
                yield text

    date, time = next(values(_DATE), ""), next(values(_TIME), "000000")
    return Metadata(
        captured=parse_time(f"{date}T{time}") or parse_time(date),
        keywords=bounded_keywords(values(_KEYWORDS)),
        caption=bounded_text(next(values(_CAPTION), "")),
    )
