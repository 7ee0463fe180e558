"""What the extractor protocol asks of a plugin's attributes and of its results.

The functions return what is wrong, in words that follow on the plugin's name.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from photofind.extractors.protocol import ABILITIES

if TYPE_CHECKING:
    from photofind.extractors.registry import Plugin

__all__ = ["base_names", "declared", "fault", "fault_of_array", "fault_of_tags", "is_name"]

_LARGEST_SIDE = 4096
_LARGEST_DIMENSION = 65536
_LARGEST_BATCH = 1024
_LONGEST_IDLE = 86_400
# Names and versions are parts of folder names.
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", re.ASCII)


def is_name(word: object) -> bool:
    """Return whether ``word`` can be an extractor's name or version, and part of a folder name."""
    return isinstance(word, str) and _WORD.fullmatch(word) is not None


def declared(extractor: Any) -> dict[str, Any]:
    """Return the attributes of an extractor; None for missing ones."""
    names = (
        *("name", "version", "protocol", "input_size", "preview_size", "dimension"),
        *("derives_from", "embed_embeddings", "device", "batch_size", "idle_seconds", "aspect"),
        *("embed", "describe", *ABILITIES),
    )
    return {name: getattr(extractor, name, None) for name in names}


def fault(declared: dict[str, Any], plugin: Plugin) -> str | None:
    """Return what is wrong with the attributes of an extractor; None if nothing is."""
    if declared["name"] != plugin.name:
        return f"it calls itself {declared['name']!r}"
    for word in ("name", "version"):
        if not is_name(declared[word]):
            return f"its {word} {declared[word]!r} is not a short word"
    if not _is_within(declared["dimension"], _LARGEST_DIMENSION):
        return f"its dimension {declared['dimension']!r} is not a valid length"
    if (size := declared["preview_size"]) is not None and not _is_size(size):
        return f"its preview size {size!r} is not a height and a width in pixels"
    if (size := declared["batch_size"]) is not None and not _is_within(size, _LARGEST_BATCH):
        return f"its batch size {size!r} is not a number of pictures, {_LARGEST_BATCH} at most"
    if (aspect := declared["aspect"]) not in (None, "native"):
        return f"its aspect {aspect!r} is not 'native'"
    if (word := declared["device"]) is not None and not is_name(word):
        return f"its device {word!r} is not a short word"
    if (idle := declared["idle_seconds"]) is not None and not _is_time(idle):
        return f"its idle time {idle!r} is not a number of seconds, {_LONGEST_IDLE} at most"
    if declared["derives_from"] is not None:
        return _fault_of_derived(declared)
    if not _is_size(size := declared["input_size"]):
        return f"its input size {size!r} is not a height and a width in pixels"
    if not callable(declared["embed"]):
        return "it has no method embed"
    return None


def _fault_of_derived(declared: dict[str, Any]) -> str | None:
    names = base_names(declared["derives_from"])
    if not names or not all(is_name(part) for name in names for part in name.split("@", 1)):
        return f"its derives_from {declared['derives_from']!r} is no name of an extractor"
    bases = [name.partition("@")[0] for name in names]
    if len({*bases}) < len(bases) or declared["name"] in bases:
        return f"its derives_from {declared['derives_from']!r} has a name twice, or its own"
    if not callable(declared["embed_embeddings"]):
        return "it has no method embed_embeddings"
    return None


def base_names(derives_from: object) -> tuple[str, ...]:
    """Return the names of the bases of a derived extractor; none where they are no words."""
    names = (derives_from,) if isinstance(derives_from, str) else derives_from
    is_list = isinstance(names, tuple | list) and all(isinstance(name, str) for name in names)
    return tuple(names) if is_list else ()  # type: ignore[arg-type]


def _is_size(size: object) -> bool:
    return (
        isinstance(size, tuple | list)
        and len(size) == 2
        and all(_is_within(side, _LARGEST_SIDE) for side in size)
    )


def _is_within(value: object, largest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= largest


def _is_time(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0 <= value <= _LONGEST_IDLE
    )


def fault_of_array(array: Any, shape: tuple[int, ...], what: str) -> str | None:
    """Return what is wrong with an array that an extractor returned; None if nothing is."""
    import numpy as np

    if not isinstance(array, np.ndarray):
        return f"it returned {type(array).__name__}, not an array"
    if array.shape != shape:
        return f"it returned {what} of shape {array.shape}, not {shape}"
    if array.dtype != np.float32:
        return f"it returned {what} of {array.dtype}, not float32"
    if not np.isfinite(array).all():
        return f"it returned {what} with non-finite values"
    return None


def fault_of_tags(tags: list[list[tuple[Any, float]]], count: int) -> str | None:
    """Return what is wrong with the tags of so many pictures; None if nothing is."""
    if len(tags) != count:
        return f"it returned tags for {len(tags)} pictures, not {count}"
    for word, confidence in (tag for picture in tags for tag in picture):
        if not isinstance(word, str) or not word.strip() or not word.isprintable():
            return f"it returned the tag {word!r}, which is not a word"
        if not 0 <= confidence <= 1:
            return f"it returned the tag {word!r} with the confidence {confidence}"
    for picture in tags:
        if any(first < second for (_, first), (_, second) in pairwise(picture)):
            return "it returned tags that are not sorted by confidence"
    return None
