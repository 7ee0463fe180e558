"""Words that photos carry: the tags that extractors named, and the keywords that people wrote."""

from __future__ import annotations

from collections.abc import Iterator

from photofind.model.hierarchy import folded
from photofind.model.records import Photo

__all__ = ["carries", "confidence_in", "folded", "words_of"]

# A keyword that a person wrote into a photo is certain.
_CERTAIN = 1.0


def carries(photo: Photo, tag: str) -> bool:
    """Return whether a photo carries a tag, or a keyword, of this name.

    Case and punctuation do not matter, and the name may be whole words of a longer one: "dog" is
    found in "hot dog", and not in "dogma".
    """
    wanted = folded(tag)
    return any(wanted in folded(name) for name, _ in words_of(photo))


def confidence_in(photo: Photo, tag: str) -> float:
    """Return how sure it is that a photo carries a tag, 0 to 1; a keyword is certain."""
    wanted = folded(tag)
    if any(wanted in folded(keyword) for keyword in photo.keywords):
        return _CERTAIN
    return max(
        (
            confidence
            for tags in photo.tags.values()
            for name, confidence in tags.items()
            if wanted in folded(name)
        ),
        default=0.0,
    )


def words_of(photo: Photo) -> Iterator[tuple[str, str]]:
    """Yield the words that a photo carries, each with the id of its space; "" for a keyword."""
    for keyword in photo.keywords:
        yield keyword, ""
    for space, tags in photo.tags.items():
        for name in tags:
            yield name, space
