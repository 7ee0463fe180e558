"""Types of what operations take, with the bounds that are checked where values come from outside.

To mypy, and in Python, each is the plain type. :mod:`photofind.daemon.validation` makes validators
and JSON schemas of what is written beside it. Commands import this when they start: named tuples
are made faster than dataclasses.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

__all__ = [
    "AbsolutePath",
    "Between",
    "Box",
    "Checked",
    "ContentPair",
    "Count",
    "Date",
    "EvaluationId",
    "JudgementKey",
    "Keep",
    "Length",
    "Limit",
    "Matching",
    "PositiveCount",
    "Seconds",
    "Seed",
    "TagName",
    "TagNames",
    "Text",
    "ThumbnailSize",
    "Unit",
    "Words",
    "checked_box",
]

LONGEST_TEXT = 4096
LONGEST_TAG = 200
"""As many as may be asked for at once have to fit into an address, however they are quoted."""

LONGEST_WORDS = 1000
MOST_TAGS = 20
SMALLEST_BOX = 0.02
KEPT = ("best", "largest", "oldest", "newest")
"""What can be kept of duplicates, other than what lies in a folder."""
THUMBNAIL_SIZES = (128, 256, 512, 1024)
PATH_SCHEMA = {"type": "string", "pattern": r"^(/|[A-Za-z]:)", "maxLength": LONGEST_TEXT}


class Between(NamedTuple):
    """A number from ``least`` to ``most``; above ``least`` if that is ``exclusive``."""

    least: float
    most: float
    exclusive: bool = False


class Length(NamedTuple):
    """A sequence of ``least`` to ``most`` items."""

    least: int
    most: int


class Matching(NamedTuple):
    """A text that matches a regular expression; with an example."""

    pattern: str
    example: str


class Checked:
    """A value that a function returns, in its normal form, or refuses with ValueError.

    ``schema`` is the JSON schema of what it takes.
    """

    def __init__(self, check: Callable[[Any], Any], schema: Mapping[str, Any]) -> None:
        self.check = check
        self.schema = schema


def text(value: Any) -> str:
    """Return a text that can be encoded as the file system encodes names.

    Raises
    ------
    ValueError
        It is none, or too long.
    """
    if not isinstance(value, str):
        raise ValueError("it is not a text")
    if len(value) > LONGEST_TEXT:
        raise ValueError(f"it is longer than {LONGEST_TEXT:,} characters")
    if "\0" in value:
        raise ValueError("it holds a null character")
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        raise ValueError("it holds half a character") from None
    return value


def absolute_path(value: Any) -> str:
    """Return an absolute path in its normal form.

    Raises
    ------
    ValueError
        It is none.
    """
    path = text(value)
    if not os.path.isabs(path):  # noqa: PTH117
        raise ValueError("it is not an absolute path")
    path = os.path.normpath(path)
    return path[1:] if path.startswith("//") else path  # POSIX lets it keep both slashes.


def _keep(value: Any) -> str:
    return value if value in KEPT else absolute_path(value)


def _tag(value: Any) -> str:
    if not text(value).strip():
        raise ValueError("it is empty")
    if len(value) > LONGEST_TAG:
        raise ValueError(f"it is longer than {LONGEST_TAG} characters")
    return str(value)


def _words(value: Any) -> str:
    if not text(value).strip():
        raise ValueError("it is empty")
    if len(value) > LONGEST_WORDS:
        raise ValueError(f"it is longer than {LONGEST_WORDS:,} characters")
    return " ".join(value.split())


def checked_box(value: Any) -> tuple[float, ...]:
    """Return a part of a photo, cut off where the photo ends.

    Raises
    ------
    ValueError
        It is none.
    """
    numbers = isinstance(value, list | tuple) and all(
        isinstance(one, int | float) and not isinstance(one, bool) for one in value
    )
    if not numbers or len(value) != 4:
        raise ValueError("it is not x, y, width and height")
    left, top, width, height = map(float, value)
    if not (0 <= left <= 1 and 0 <= top <= 1):
        raise ValueError("it is no part: its corner is not within the photo, from 0 to 1")
    width, height = min(width, 1 - left), min(height, 1 - top)
    if not (width >= SMALLEST_BOX and height >= SMALLEST_BOX):
        raise ValueError(f"it is smaller than {SMALLEST_BOX} of a side of the photo")
    return left, top, width, height


def _thumbnail_size(value: Any) -> int:
    # From an address it comes as a text.
    size = int(value) if isinstance(value, str) and value.isdecimal() else value
    if size not in THUMBNAIL_SIZES:
        raise ValueError(f"it is none of {', '.join(map(str, THUMBNAIL_SIZES))}")
    return int(size)


Box = Annotated[
    tuple[float, ...],
    Checked(
        checked_box,
        {
            "type": "array",
            "items": {"type": "number", "minimum": 0, "maximum": 1},
            "minItems": 4,
            "maxItems": 4,
        },
    ),
]
"""A part of a photo: x and y of its upper left corner, width, height, as fractions of the photo's
sides as it is shown. What reaches beyond the photo is cut off."""

Text = Annotated[str, Checked(text, {"type": "string", "maxLength": LONGEST_TEXT})]
AbsolutePath = Annotated[str, Checked(absolute_path, PATH_SCHEMA)]
TagName = Annotated[
    str, Checked(_tag, {"type": "string", "minLength": 1, "maxLength": LONGEST_TAG})
]
Words = Annotated[
    str, Checked(_words, {"type": "string", "minLength": 1, "maxLength": LONGEST_WORDS})
]
TagNames = Annotated[Sequence[TagName], Length(0, MOST_TAGS)]
Date = Annotated[str, Matching(r"^\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d)?)?)?)?$", "2021-05")]
"""ISO 8601, as precise as wanted: 2021, 2021-05, 2021-05-03, 2021-05-03T14:30."""

ContentPair = Annotated[
    str, Matching(r"^[0-9a-f]{8,128}:[0-9a-f]{8,128}$", f"{'0' * 32}:{'1' * 32}")
]
"""Two content ids, with a colon between them."""

EvaluationId = Annotated[
    str, Matching(r"^[0-9]{8}T[0-9]{6}-[0-9a-f]{8}$", "20240131T120000-0a1b2c3d")
]
"""What names a kept evaluation: when it was made, and a random part."""

JudgementKey = Annotated[
    str, Matching(r"^[0-9a-f]{32}(:[0-9a-f]{8,128})?$", f"{'0' * 32}:{'1' * 32}")
]
"""A query, as a key of 32 digits; or with a colon and a content id one judgement of it."""

Keep = Annotated[str, Checked(_keep, {"type": "string", "maxLength": LONGEST_TEXT})]
"""``best``, ``largest``, ``oldest``, ``newest``, or the absolute path of a folder."""

Count = Annotated[int, Between(0, 2**53)]
PositiveCount = Annotated[int, Between(1, 2**53)]
Limit = Annotated[int, Between(1, 10_000)]
Unit = Annotated[float, Between(0, 1)]
Seed = Annotated[int, Between(0, 2**31 - 1)]
Seconds = Annotated[float, Between(0, 366 * 86400, exclusive=True)]
ThumbnailSize = Annotated[
    int, Checked(_thumbnail_size, {"type": "integer", "enum": list(THUMBNAIL_SIZES)})
]
"""Pixels of the longer side, at most."""
