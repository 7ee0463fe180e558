"""The metadata of a photo, and the normal form of its parts from all sources."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime

__all__ = ["Metadata", "decode_text", "parse_time", "valid_position"]


@dataclass(frozen=True)
class Metadata:
    """The metadata of a photo; None or empty for missing or invalid parts.

    Attributes
    ----------
    captured
        Local time of the shot, ISO 8601 to the second, with its offset from UTC if known:
        ``"2021-05-03T10:11:12+02:00"``.
    camera
        Maker and model.
    latitude, longitude
        WGS 84, in degrees, north and east positive; both or neither.
    keywords
        In the order written.
    caption
        The description of the photo.
    """

    captured: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    keywords: tuple[str, ...] = ()
    caption: str | None = None


def decode_text(data: bytes) -> str:
    """Decode text of unknown encoding, as UTF-8 if valid and as Latin-1 otherwise; stripped."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.strip("\0 \t\r\n")


def parse_time(text: str, offset: str = "") -> str | None:
    """Return a time in the form of :attr:`Metadata.captured`; None if it is not a time.

    Parameters
    ----------
    text
        The time in the form of ISO 8601 or EXIF.
    offset
        Offset from UTC, used if ``text`` has none, and ignored if invalid.
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
    """Return the coordinates if they are valid, otherwise (None, None).

    (0, 0), in the Atlantic, is rejected: devices write it if they do not know their position.
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
