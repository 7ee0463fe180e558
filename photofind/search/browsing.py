"""Photos without a query: page by page, and how many there are where and from when."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace

from photofind.library.store import Store
from photofind.model import Overview
from photofind.model.filters import Filter
from photofind.model.records import Photo
from photofind.paths import is_below
from photofind.search.tags import check_tags, nearest_tags

__all__ = ["count", "overview", "page"]


def page(store: Store, where: Filter, offset: int, limit: int) -> list[Photo]:
    """Return photos that pass and did not fail, newest first, from the ``offset``-th on.

    Raises
    ------
    LibraryError
        No photo has one of the tags.
    """
    check_tags(store, where.tags)
    passing = replace(where, tags=nearest_tags(store, where.tags)[0], failed=False)
    return list(store.select(passing, newest_first=True, offset=offset, limit=limit))


def count(store: Store, where: Filter) -> int:
    """Return how many photos pass and did not fail.

    Raises
    ------
    LibraryError
        No photo has one of the tags.
    """
    check_tags(store, where.tags)
    tags, _ = nearest_tags(store, where.tags)
    return store.count(replace(where, tags=tags, failed=False))


def overview(store: Store, folder: str | None = None) -> Overview:
    """Return where photos are, and when they were taken: all, or those below a folder."""
    above = [one.path for one in store.folders()] if folder is None else [folder]
    folders: Counter[str] = Counter()
    months: Counter[str] = Counter()
    for place in store.places():
        below = [one for one in above if is_below(place.folder, one)]
        if not below:
            continue
        months[place.month] += place.photos
        if folder is None:
            folders.update(dict.fromkeys(below, place.photos))
        elif place.folder != folder:
            start = len(os.path.join(folder, ""))  # noqa: PTH118
            name = place.folder[start:].split(os.sep, 1)[0]
            folders[place.folder[: start + len(name)]] += place.photos
    return Overview(
        months.total(), tuple(sorted(folders.items())), tuple(sorted(months.items())[::-1])
    )
