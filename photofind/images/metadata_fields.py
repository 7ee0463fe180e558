"""The metadata of a photo, and the normal form of its parts from all sources."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = [
    "LONGEST_TEXT",
    "Metadata",
    "bounded_keywords",
    "bounded_text",
    "decode_text",
    "parse_time",
    "valid_position",
]

LONGEST_TEXT = 2000
"""Of a caption, in characters; some devices write their whole state into it."""

_MOST_KEYWORDS, _LONGEST_KEYWORD, _MOST_KEYWORD_BYTES = 1000, 200, 32_000
"""Number, characters of each, and bytes of all in JSON: a photo's record stays below 64 kB."""

_LONGEST_TIME = 64
"""In characters."""

_CAMERA_TIME = re.compile(
    r"(\d{4})[-:/. ] *(\d{1,2})[-:/. ] *(\d{1,2})"
    r"(?:[T ] *(\d{1,2})[:.] *(\d{1,2})(?:[:.] *([0-5]?\d|60)(?:\.\d*)?)?"
    r" *(?P<offset>Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)


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
        In the order written, each once; see :func:`bounded_keywords`.
    caption
        The description of the photo; see :func:`bounded_text`.
    """

    captured: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    keywords: tuple[str, ...] = ()
    caption: str | None = None


def decode_text(data: bytes) -> str:
    """Decode text of unknown encoding: UTF-8, Windows-1252 or Latin-1; stripped."""
    for encoding in ("utf-8", "cp1252"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        text = data.decode("latin-1")
    return text.strip("\0 \t\r\n")


def bounded_text(text: str, longest: int = LONGEST_TEXT) -> str | None:
    """Return what is kept of a text: its first characters, stripped; None if that is nothing."""
    # Lone surrogates, from damaged UTF-16, cannot be written anywhere.
    kept = text[:longest].encode("utf-8", "replace").decode()
    return kept.strip("\0 \t\r\n") or None


def bounded_keywords(words: Iterable[str]) -> tuple[str, ...]:
    """Return what is kept of keywords: each once, the first 1,000, 200 characters of each."""
    kept: dict[str, None] = {}
    left = _MOST_KEYWORD_BYTES
    for word in words:
        short = bounded_text(word, _LONGEST_KEYWORD)
        if short is None or short in kept:
            continue
        left -= len(json.dumps(short)) + 1
        if left < 0 or len(kept) == _MOST_KEYWORDS:
            break
        kept[short] = None
    return tuple(kept)


def parse_time(text: str, offset: str = "") -> str | None:
    """Return a time in the form of :attr:`Metadata.captured`; None if it is not a time.

    Parameters
    ----------
    text
        The time in the form of ISO 8601 or EXIF.
    offset
        Offset from UTC, used if ``text`` has none, and ignored if invalid.
    """
    if len(text) > _LONGEST_TIME:
        return None
    time = _iso_time(text) or _camera_time(text)
    if time is None or time.year == 1:  # Which some programs write for none.
        return None
    if offset and time.tzinfo is None:
        return parse_time(f"{time.isoformat()}{offset}") or parse_time(time.isoformat())
    return time.isoformat(timespec="seconds")


def _iso_time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(re.sub(r"^(\d{4}):(\d\d):(\d\d)", r"\1-\2-\3", text))
    except ValueError:
        return None


def _camera_time(text: str) -> datetime | None:
    """Return a time as some cameras write it: with blanks, slashes, hour 24 or second 60."""
    match = _CAMERA_TIME.fullmatch(text.strip("\0 \t\r\n"))
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    extra = timedelta(seconds=1) if second == 60 else timedelta()
    try:
        # Hours that are counted from 1 to 24 begin the day with 24.
        time = datetime(
            year, month, day, hour % 24 if hour <= 24 else hour, minute, min(second, 59)
        )
        offset = match["offset"]
        return (datetime.fromisoformat(f"{time.isoformat()}{offset}") if offset else time) + extra
    except (OverflowError, ValueError):
        return None


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
