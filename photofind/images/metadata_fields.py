"""What a photo says of itself, and the common form of its parts, whoever wrote them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime

__all__ = ["Metadata", "decode_text", "parse_time", "valid_position"]


@dataclass(frozen=True)
class Metadata:
    """What a photo says of itself; None or empty where it says nothing that makes sense.

    Attributes
    ----------
    captured
        Local time of the shot, ISO 8601 to the second, with its offset from UTC where known:
        ``"2021-05-03T10:11:12+02:00"``.
    camera
        Maker and model.
    latitude, longitude
        WGS 84, in degrees, north and east positive; both or neither.
    keywords
        In the order written.
    caption
        What the photographer wrote about the photo.
    """

    captured: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    keywords: tuple[str, ...] = ()
    caption: str | None = None


def decode_text(data: bytes) -> str:
    """Return text of unknown encoding: UTF-8 where it is valid, Latin-1 otherwise, stripped."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.strip("\0 \t\r\n")


def parse_time(text: str, offset: str = "") -> str | None:
    """Return a time in the form of :attr:`Metadata.captured`, None where it is none.

    Parameters
    ----------
    text
        As ISO 8601 or EXIF writes it.
    offset
        Offset from UTC, used where ``text`` has none and ignored where it makes no sense.
    """
    text = re.sub(r"^(\d{4}):(\d\d):(\d\d)", r"\1-\2-\3", text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    if offset and time.tzinfo is None:
        return parse_time(f"{time.isoformat()}{offset}") or parse_time(time.isoformat())
    return time.isoformat(timespec="seconds")


def valid_position(
    latitude: float | None, longitude: float | None
) -> tuple[float, float] | tuple[None, None]:
    """Return a place on earth; (None, None) for numbers that are none.

    Zero and zero, in the Atlantic, is what devices write that know no position.
    """
    if (
        latitude is None
        or longitude is None
        or not (math.isfinite(latitude) and math.isfinite(longitude))
        or not (abs(latitude) <= 90 and abs(longitude) <= 180)
        or latitude == longitude == 0
    ):
        return None, None
    return latitude, longitude
