"""Taking known photos into a queue, some thousands at a time: there may be millions."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from heapq import nlargest
from operator import attrgetter

from photofind.indexing.known_files import file_of
from photofind.indexing.scan import Found
from photofind.model.records import Photo

__all__ = ["MOST", "Filling"]

MOST = 65_536
"""So many files are in a queue at the most: each takes 400 bytes, and all photos are gone through
to find the newest of them."""

_age = attrgetter("modified", "path")


class Filling:
    """How far the photos that lack something were taken into a queue, from the newest on.

    Attributes
    ----------
    left
        How many were left for later, when some were taken last.
    """

    def __init__(self) -> None:
        self.left = 0
        self._version: Hashable = None  # Of the library, when the newest were taken.
        self._last: tuple[int, str] | None = None  # The oldest that was taken, where any are left.

    def is_due(self, version: Hashable) -> bool:
        """Return whether there may be photos to take in a library of this version."""
        return bool(self.left) or self._version != version

    def take(self, photos: Iterable[Photo], version: Hashable) -> dict[str, Found]:
        """Return the files of the next newest photos, by path, the newest first.

        Parameters
        ----------
        photos
            All that lack something, in any order.
        version
            Of the library.
        """
        if not self.left:
            self._version, self._last = version, None
        count = 0

        def older() -> Iterator[Found]:
            nonlocal count
            for photo in photos:
                if self._last is None or _age(photo) < self._last:
                    count += 1
                    yield file_of(photo)

        newest = nlargest(MOST, older(), key=_age)
        self.left = count - len(newest)
        self._last = _age(newest[-1]) if self.left else None
        return {file.path: file for file in newest}
