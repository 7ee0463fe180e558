"""What is known of all photos at once: their order in time, where they lie, and their tags."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from sys import intern
from threading import Lock

import numpy as np
import numpy.typing as npt

from photofind.library.embedded.catalog import Catalog
from photofind.library.store import Place
from photofind.library.tags import TagIndex
from photofind.model import TagCount
from photofind.model.filters import Filter
from photofind.model.records import Photo

__all__ = ["Overview"]

# So many photos are read in one go.
_BATCH = 64
# So many are told of at a time, before they are kept as arrays.
_TOLD = 8192
# So much of a moment counts, as it is text that others may have written.
_LONGEST = 40

_Ids = npt.NDArray[np.int64]
_NO_IDS: _Ids = np.zeros(0, np.int64)


class Overview:
    """The photos of a catalog, the newest first, with their places and their tags.

    Sorting them takes a while where there are many, and finding their places and tags longer, so
    both are kept until the catalog changes. Threads may share it.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._sorting = Lock()
        self._sorted_at = -1  # The revision of the catalog.
        self._order = _NO_IDS  # The newest first, ...
        self._failed = _NO_IDS > 0  # ... and which of them failed.
        self._looking = Lock()
        self._looked_at = -1  # The revision of the catalog.
        self._places: Counter[tuple[str, str]] = Counter()  # By folder and month.
        self._tags = TagIndex()

    def select(self, where: Filter, offset: int, limit: int | None) -> Iterator[Photo]:
        """Iterate over photos that pass, the newest first, from the ``offset``-th on."""
        order, failed = self._sorted()
        if where.failed is False or where.tags:
            kept = ~failed
            if where.tags:
                there = self._look()[1].carriers(where.tags)
                kept &= np.isin(order, np.fromiter(there, np.int64, len(there)))
            if where.failed is not False:
                kept |= failed  # Their tags are not known here.
            order = order[kept]
        stop = None if limit is None else offset + limit
        if where == Filter(failed=False):
            return self._passing(order[offset:stop], where)
        return islice(self._passing(order, where), offset, stop)

    def places(self) -> list[Place]:
        """Return where and when photos were taken."""
        places = self._look()[0]
        return [Place(folder, month, n) for (folder, month), n in places.items()]

    def tags(self) -> list[TagCount]:
        """Return the tags and keywords that photos carry, those of the most photos first."""
        return self._look()[1].counts()

    def _passing(self, ids: _Ids, where: Filter) -> Iterator[Photo]:
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH].tolist()
            records = self._catalog.by_id(batch)
            for one in batch:
                if one in records and where.passes(records[one].photo):
                    yield records[one].photo

    def _sorted(self) -> tuple[_Ids, npt.NDArray[np.bool_]]:
        """Return the ids of all photos, the newest first, and which of them failed, (n,)."""
        with self._sorting:
            revision = self._catalog.storage.revision
            if self._sorted_at != revision:
                told = self._catalog.moments()
                parts = [(np.zeros(0, "S1"), _NO_IDS, _NO_IDS > 0)]
                while some := list(islice(told, _TOLD)):
                    # Bytes of UTF-8 are in the order of their characters.
                    keys = [one[:_LONGEST].encode("utf-8", "replace") for one, _, _ in some]
                    ids = np.array([one for _, one, _ in some], np.int64)
                    parts.append((np.array(keys), ids, np.array([one for _, _, one in some])))
                moments, ids, failed = map(np.concatenate, zip(*parts, strict=True))
                newest = np.lexsort((ids, moments))[::-1]
                self._order, self._failed = ids[newest], failed[newest]
                self._sorted_at = revision
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
