"""All photos by time, page by page, for whoever looks around without a query."""

from __future__ import annotations

from itertools import islice
from threading import Lock

from photofind.library.catalog import Photo
from photofind.library.library import Library
from photofind.search.filters import Filter, moment_of

__all__ = ["Timeline"]


class Timeline:
    """The photos of a library, the newest first.

    Sorting them takes a while where there are many, so their order is kept until the library
    changes. Threads may share it.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._sorting = Lock()
        self._revision = -1
        self._order: list[int] = []

    def page(self, limits: Filter, offset: int, limit: int) -> list[Photo]:
        """Return photos that pass, from the ``offset``-th on, ``limit`` at the most."""
        photos = map(self._library.photo_by_id, self._sorted())
        passing = (photo for photo in photos if photo is not None and limits.passes(photo))
        return list(islice(passing, offset, offset + limit))

    def _sorted(self) -> list[int]:
        with self._sorting:
            if self._revision != self._library.revision:
                self._revision = self._library.revision
                moments = [
                    (moment_of(photo), photo.id)
                    for photo in self._library.photos()
                    if photo.failure is None
                ]
                self._order = [identifier for _, identifier in sorted(moments, reverse=True)]
            return self._order
