"""Photos by words: the tags that extractors named, and the keywords that people wrote."""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import lru_cache

from photofind.errors import LibraryError
from photofind.library.embedded.catalog import Photo
from photofind.model import TagCount

__all__ = ["TagIndex", "carries", "confidence_in"]

# What somebody wrote into a photo is sure.
_SURE = 1.0


class TagIndex:
    """Which photos carry which tags and keywords: 8 bytes for each of a photo."""

    def __init__(self) -> None:
        self._names: dict[str, _Name] = {}

    def add(self, photo: Photo) -> None:
        """Take in a photo."""
        for name, space in _named(photo):
            known = self._names.setdefault(_folded(name), _Name(name))
            known.add(photo.id, space)

    def counts(self) -> list[TagCount]:
        """Return all names, those of the most photos first; spelled as they were met first."""
        counts = [
            TagCount(
                known.spelling,
                len(known.photos),
                tuple(sorted({space.rpartition("@")[0] for space in known.spaces if space})),
                "" in known.spaces,
            )
            for known in self._names.values()
        ]
        return sorted(counts, key=lambda count: (-count.photos, count.name.casefold()))

    def carriers(self, tags: Iterable[str]) -> set[int]:
        """Return the ids of the photos that carry all of some tags.

        Raises
        ------
        LibraryError
            No photo carries one of them; it names those that are written much like it.
        """
        carrying: set[int] | None = None
        for tag in tags:
            found: set[int] = set()
            wanted = _folded(tag)
            for name, known in self._names.items():
                if wanted in name:
                    found.update(known.photos)
            if not found:
                raise self._unknown(tag)
            carrying = found if carrying is None else carrying & found
        return carrying or set()

    def _unknown(self, tag: str) -> LibraryError:
        if not self._names:
            return LibraryError(
                "no photo has a tag or a keyword yet",
                "`photofind extractors info NAME` says which extractor can name tags",
            )
        known = {name.strip(): known.spelling for name, known in self._names.items()}
        words = {word: word for name in known for word in name.split()}
        near = get_close_matches(_folded(tag).strip(), [*(words | known)], cutoff=0.7)
        likely = ", ".join(f"'{(words | known)[name]}'" for name in near)
        return LibraryError(
            f"no photo has the tag {tag!r}",
            f"near it are {likely}" if likely else "`photofind tags` lists those that photos have",
        )


class _Name:
    """A name, the photos that carry it, and the spaces that gave it; "" where people did."""

    __slots__ = ("photos", "spaces", "spelling")

    def __init__(self, spelling: str) -> None:
        self.spelling = spelling
        self.photos = array("q")
        self.spaces: set[str] = set()

    def add(self, photo: int, space: str) -> None:
        self.spaces.add(space)
        if not self.photos or self.photos[-1] != photo:  # Two may give it to one photo.
            self.photos.append(photo)


def carries(photo: Photo, tag: str) -> bool:
    """Return whether a photo carries a tag, or a keyword, of this name.

    Case and punctuation do not matter, and the name may be some whole words of a longer one:
    "dog" is found in "hot dog", and not in "dogma".
    """
    wanted = _folded(tag)
    return any(wanted in _folded(name) for name, _ in _named(photo))


def confidence_in(photo: Photo, tag: str) -> float:
    """Return how sure it is that a photo carries a tag, 0 to 1; a keyword is sure."""
    wanted = _folded(tag)
    if any(wanted in _folded(keyword) for keyword in photo.keywords):
        return _SURE
    return max(
        (
            confidence
            for tags in photo.tags.values()
            for name, confidence in tags.items()
            if wanted in _folded(name)
        ),
        default=0.0,
    )


def _named(photo: Photo) -> Iterator[tuple[str, str]]:
    """Yield the names that a photo carries, each with the space that gave it; "" for people."""
    for keyword in photo.keywords:
        yield keyword, ""
    for space, tags in photo.tags.items():
        for name in tags:
            yield name, space


@lru_cache(16384)
def _folded(name: str) -> str:
    """Return the words of a name in one case, with a space around each: " hot dog "."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    # Letters, the marks upon them, and digits.
    words = "".join(one if unicodedata.category(one)[0] in "LMN" else " " for one in text).split()
    return f" {' '.join(words) or text.strip()} "
