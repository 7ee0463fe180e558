"""Which photos carry which tags and keywords, kept in memory: a help for engines."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from photofind.model import TagCount
from photofind.model.records import Photo
from photofind.model.words import folded, words_of

__all__ = ["TagIndex"]


class TagIndex:
    """The photos that carry each tag and keyword: 8 bytes for each word of a photo."""

    def __init__(self) -> None:
        self._names: dict[str, _Name] = {}

    def add(self, photo: Photo) -> None:
        """Add a photo."""
        for name, space in words_of(photo):
            known = self._names.setdefault(folded(name), _Name(name))
            known.add(photo.id, space)

    def counts(self) -> list[TagCount]:
        """Return all names, the most frequent first; spelled as they were met first."""
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

        A tag matches as :func:`~photofind.model.words.carries` says.
        """
        carrying: set[int] | None = None
        for tag in tags:
            found: set[int] = set()
            wanted = folded(tag)
            for name, known in self._names.items():
                if wanted in name:
                    found.update(known.photos)
            carrying = found if carrying is None else carrying & found
        return carrying or set()


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
