"""What is known of all photos at once: their order in time, where they lie, and their tags."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from sys import intern
from threading import Lock

from photofind.library.embedded.catalog import Catalog
from photofind.library.store import Place
from photofind.library.tags import TagIndex
from photofind.model import TagCount
from photofind.model.filters import Filter
from photofind.model.records import Photo

__all__ = ["Overview"]

# So many photos are read in one go.
_BATCH = 64


class Overview:
    """The photos of a catalog, the newest first, with their places and their tags.

    Sorting them takes a while where there are many, and finding their places and tags longer, so
    both are kept until the catalog changes. Threads may share it.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._sorting = Lock()
        self._sorted_at = -1  # The revision of the catalog.
        self._order: list[int] = []
        self._failed: set[int] = set()
        self._looking = Lock()
        self._looked_at = -1  # The revision of the catalog.
        self._places: Counter[tuple[str, str]] = Counter()  # By folder and month.
        self._tags = TagIndex()

    def select(self, where: Filter, offset: int, limit: int | None) -> Iterator[Photo]:
        """Iterate over photos that pass, the newest first, from the ``offset``-th on."""
        order, failed = self._sorted()
        if where.failed is False or where.tags:
            # The tags of failed photos are not known here.
            unsure = set() if where.failed is False else failed
            there = self._look()[1].carriers(where.tags) if where.tags else None
            order = [
                one
                for one in order
                if one in unsure or (one not in failed and (there is None or one in there))
            ]
        stop = None if limit is None else offset + limit
        if where == Filter(failed=False):
            return self._passing(iter(order[offset:stop]), where)
        return islice(self._passing(iter(order), where), offset, stop)

    def places(self) -> list[Place]:
        """Return where and when photos were taken."""
        places = self._look()[0]
        return [Place(folder, month, n) for (folder, month), n in places.items()]

    def tags(self) -> list[TagCount]:
        """Return the tags and keywords that photos carry, those of the most photos first."""
        return self._look()[1].counts()

    def _passing(self, ids: Iterator[int], where: Filter) -> Iterator[Photo]:
        while batch := list(islice(ids, _BATCH)):
            records = self._catalog.by_id(batch)
            for one in batch:
                if one in records and where.passes(records[one].photo):
                    yield records[one].photo

    def _sorted(self) -> tuple[list[int], set[int]]:
        """Return the ids of all photos, the newest first, and of those that failed."""
        with self._sorting:
            revision = self._catalog.storage.revision
            if self._sorted_at != revision:
                moments, failed = [], set()
                for moment, identifier, has_failed in self._catalog.moments():
                    moments.append((moment, identifier))
                    if has_failed:
                        failed.add(identifier)
                moments.sort(reverse=True)
                self._order = [identifier for _, identifier in moments]
                self._failed, self._sorted_at = failed, revision
            return self._order, self._failed

    def _look(self) -> tuple[Counter[tuple[str, str]], TagIndex]:
        """Return where photos lie that did not fail, and their tags."""
        with self._looking:
            revision = self._catalog.storage.revision
            if self._looked_at != revision:
                places, tags = Counter[tuple[str, str]](), TagIndex()
                for photo, _ in self._catalog.select(Filter(failed=False)):
                    lies_in = intern(os.path.dirname(photo.path))  # noqa: PTH120
                    places[lies_in, intern(photo.moment[:7])] += 1
                    tags.add(photo)
                self._places, self._tags, self._looked_at = places, tags, revision
            return self._places, self._tags
