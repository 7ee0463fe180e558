"""All photos by time or by tags, page by page, for whoever looks around without a query."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from sys import intern
from threading import Lock

from photofind.library.embedded.catalog import Photo
from photofind.library.embedded.library import Library
from photofind.model import Overview, TagCount
from photofind.paths import is_below
from photofind.search.filters import Filter, moment_of
from photofind.search.tags import TagIndex, confidence_in

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
        self._places: Counter[tuple[str, str]] = Counter()  # By folder and month.
        self._tags = TagIndex()

    def page(self, limits: Filter, offset: int, limit: int) -> list[Photo]:
        """Return photos that pass, from the ``offset``-th on, ``limit`` at the most.

        Raises
        ------
        LibraryError
            No photo has one of the tags.
        """
        return list(islice(self._passing(limits), offset, offset + limit))

    def tagged(self, tags: Sequence[str], limit: int) -> list[Photo]:
        """Return the photos that carry all of some tags, the surest first, then the newest.

        Raises
        ------
        LibraryError
            No photo has one of them.
        """
        photos = self._passing(Filter(tags=tuple(tags)))

        def confidence(photo: Photo) -> float:
            return min((confidence_in(photo, tag) for tag in tags), default=1.0)

        return sorted(photos, key=confidence, reverse=True)[:limit]

    def tags(self) -> list[TagCount]:
        """Return the tags and keywords that photos carry, those of the most photos first."""
        self._sorted()
        return self._tags.counts()

    def check_tags(self, tags: Sequence[str]) -> None:
        """Look whether there are photos with each of some tags.

        Raises
        ------
        LibraryError
            There is none with one of them.
        """
        self._sorted()
        self._tags.carriers(tags)

    def overview(self, folder: str | None = None) -> Overview:
        """Return where photos are, and when they were taken: all, or those below a folder."""
        self._sorted()
        above = [one.path for one in self._library.folders()] if folder is None else [folder]
        folders: Counter[str] = Counter()
        months: Counter[str] = Counter()
        with self._sorting:
            places = list(self._places.items())
        for (lies_in, month), count in places:
            below = [one for one in above if is_below(lies_in, one)]
            if not below:
                continue
            months[month] += count
            if folder is None:
                folders.update(dict.fromkeys(below, count))
            elif lies_in != folder:
                start = len(os.path.join(folder, ""))  # noqa: PTH118
                name = lies_in[start:].split(os.sep, 1)[0]
                folders[lies_in[: start + len(name)]] += count
        return Overview(
            months.total(), tuple(sorted(folders.items())), tuple(sorted(months.items())[::-1])
        )

    def _passing(self, limits: Filter) -> Iterator[Photo]:
        """Yield the photos that pass, the newest first."""
        order = self._sorted()
        if limits.tags:
            carriers = self._tags.carriers(limits.tags)
            order = [identifier for identifier in order if identifier in carriers]
        for photo in map(self._library.photo_by_id, order):
            if photo is not None and limits.passes(photo):
                yield photo

    def _sorted(self) -> list[int]:
        with self._sorting:
            if self._revision != self._library.revision:
                self._revision = self._library.revision
                moments = []
                self._places = Counter()
                tags = TagIndex()
                for photo in self._library.photos():
                    if photo.failure is None:
                        moment = moment_of(photo)
                        moments.append((moment, photo.id))
                        lies_in = intern(os.path.dirname(photo.path))  # noqa: PTH120
                        self._places[lies_in, intern(moment[:7])] += 1
                        tags.add(photo)
                self._tags = tags
                self._order = [identifier for _, identifier in sorted(moments, reverse=True)]
            return self._order
