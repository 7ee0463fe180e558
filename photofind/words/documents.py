"""What the text index holds of a photo: its words, by column."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import PurePath

from photofind.images.formats import RAW_SUFFIXES
from photofind.model.records import Photo
from photofind.model.words import Word, narrowest, words_of
from photofind.words.dates import time_tokens
from photofind.words.folding import indexed

__all__ = ["COLUMNS", "digest", "document"]

COLUMNS = {
    "keyword": 10.0,
    "caption": 8.0,
    "name": 8.0,
    "tag": 5.0,
    "place": 5.0,
    "folder": 4.0,
    "date": 4.0,
    "wider": 2.5,
    "camera": 2.0,
    "type": 1.0,
}
"""The columns, and how much a word counts that stands there.

What a person wrote counts more than what was derived.
"""

_TIMES_MORE = 3
"""So much more often a tag is indexed that is certain."""

_SYNONYMS = {"jpg": "jpeg", "tif": "tiff", "heif": "heic"}


def document(photo: Photo, root: str, places: Sequence[str]) -> dict[str, str]:
    """Return the words of a photo by column, as they are indexed.

    Parameters
    ----------
    root
        The folder of the library that it lies in: of its path only what is below is indexed, and
        the folder's own name.
    places
        The names of the town, region and country it was taken in.
    """
    path = _readable(photo.path)
    folder, name = os.path.split(path)
    words = [*words_of(photo)]
    own = [word for word in words if word.is_confirmed or not (word.space or word.meaning)]
    named = narrowest([word for word in words if word.space or word.is_confirmed])
    above = [word for word in words if word.meaning is not None and word not in named]
    return {
        "keyword": indexed(dict.fromkeys(word.name for word in own)),
        "caption": indexed([photo.caption] if photo.caption else []),
        "name": indexed([name]),
        "tag": indexed(_names(named)),
        "place": indexed(places),
        "folder": indexed(_folders(folder, _readable(root))),
        "date": " ".join(time_tokens(photo.moment)),
        "wider": indexed(_names(above)),
        "camera": indexed([photo.camera] if photo.camera else []),
        "type": indexed(_types(photo, name)),
    }


def digest(photo: Photo, root: str) -> bytes:
    """Return what differs, 8 bytes, once a photo is to be indexed anew."""
    told = (
        root, photo.path, photo.moment, photo.camera, photo.latitude, photo.longitude,
        photo.keywords, photo.caption, photo.format,
        [(space, *tags.items()) for space, tags in photo.tags.items()], [*photo.said.items()],
    )  # fmt: skip
    return blake2b(repr(told).encode(), digest_size=8).digest()


def _names(words: Iterable[Word]) -> list[str]:
    """Return the names of words, and all others that mean the same: the surer, the more often.

    What a photo has more often ranks it higher.
    """
    confidences: dict[str, float] = {}
    for word in words:
        for name in (word.name, *(word.meaning.words if word.meaning else ())):
            confidences[name] = max(confidences.get(name, 0.0), word.confidence)
    return [
        name for name, sure in confidences.items() for _ in range(1 + round(_TIMES_MORE * sure))
    ]


def _folders(folder: str, root: str) -> list[str]:
    """Return the names of the folders from a root on; all of them where it is in none."""
    inner = folder[len(os.path.dirname(root)) :] if root else folder  # noqa: PTH120
    return [part for part in PurePath(inner).parts if part != PurePath(inner).anchor]


def _types(photo: Photo, name: str) -> list[str]:
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122
    kinds = [suffix.lstrip("."), photo.format.lower()]
    kinds += [_SYNONYMS[kind] for kind in kinds if kind in _SYNONYMS]
    if suffix in RAW_SUFFIXES:
        kinds.append("raw")
    return [*dict.fromkeys(kind for kind in kinds if kind)]


def _readable(path: str) -> str:
    """Return a path without the bytes that are no text."""
    return path.encode("utf-8", "replace").decode()
