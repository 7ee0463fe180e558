"""Which photos carry which tags and keywords, kept in memory: a help for engines."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from photofind.model import TagCount
from photofind.model.hierarchy import Meaning, folded, meanings_of
from photofind.model.records import Photo
from photofind.model.words import Finds, words_of

__all__ = ["TagIndex"]


class TagIndex:
    """The photos that carry each tag and keyword: 8 bytes for each word of a photo."""

    def __init__(self) -> None:
        self._names: dict[Meaning | str, _Name] = {}

    def add(self, photo: Photo) -> None:
        """Add a photo."""
        for word in words_of(photo):
            key = word.meaning or folded(word.name)
            known = self._names.get(key)
            if known is None:
                known = self._names[key] = _Name(word.name, word.meaning)
            known.add(photo.id, word.space)
            known.is_listed = known.is_listed or word.is_sure

    def counts(self) -> list[TagCount]:
        """Return the names that are sure of any photo, the most frequent first.

        Of those that lie above others only those that people use; spelled as first met.
        """
        together: dict[str, list[_Name]] = {}
        for known in self._names.values():
            if known.is_listed and (known.meaning is None or known.meaning.is_everyday):
                together.setdefault(self._listed_as(known), []).append(known)
        counts = [
            TagCount(
                several[0].spelling,
                len(set().union(*(known.photos for known in several))),
                tuple(sorted({one.rpartition("@")[0] for one in spaces if one})),
                "" in spaces,
            )
            for several in together.values()
            for spaces in [set().union(*(known.spaces for known in several))]
        ]
        return sorted(counts, key=lambda count: (-count.photos, count.name.casefold()))

    def carriers(self, tags: Iterable[str]) -> set[int]:
        """Return the ids of the photos that carry all of some tags.

        A tag matches as :func:`~photofind.model.words.carries` says.
        """
        carrying: set[int] | None = None
        for tag in tags:
            found: set[int] = set()
            finds = Finds(tag)
            for known in self._names.values():
                if finds(known.spelling, known.meaning):
                    found.update(known.photos)
            carrying = found if carrying is None else carrying & found
        return carrying or set()

    def _listed_as(self, known: _Name) -> str:
        """Return what a name is listed as: a keyword as the tag that it is a word of."""
        if known.meaning is None:
            for meaning in meanings_of(known.spelling):
                if meaning in self._names:
                    return folded(self._names[meaning].spelling)
        return folded(known.spelling)


class _Name:
    """A name, the photos that carry it, and the spaces that gave it; "" where people did."""

    __slots__ = ("is_listed", "meaning", "photos", "spaces", "spelling")

    def __init__(self, spelling: str, meaning: Meaning | None) -> None:
        self.spelling = spelling
        self.meaning = meaning
        self.is_listed = False
        self.photos = array("q")
        self.spaces: set[str] = set()

    def add(self, photo: int, space: str) -> None:
        self.spaces.add(space)
        if not self.photos or self.photos[-1] != photo:  # Two may give it to one photo.
            self.photos.append(photo)
