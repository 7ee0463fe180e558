"""Checking a few places of the folders for changes, without scanning the folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from photofind.images.formats import is_photo
from photofind.indexing.changes import Changes, compare
from photofind.indexing.excludes import Rules
from photofind.indexing.full_scan import outside
from photofind.indexing.reachability import mounts, out_of_reach
from photofind.indexing.scan import Found, Walk
from photofind.library.store import Store
from photofind.model import Skipped
from photofind.model.filters import Filter
from photofind.model.records import Folder, Photo, innermost
from photofind.paths import is_below

__all__ = ["PartialCheck", "partial_check"]

FEW = 4


@dataclass
class PartialCheck:
    """How some places differ from what the library holds of them.

    Parameters
    ----------
    changes
        How they differ from what is known; ``gone`` holds photos that can be removed.
    skipped
        What could not be checked at, and why.
    to_scan
        Folders of the library of which only a full scan can tell what became of them.
    """

    changes: Changes
    skipped: list[Skipped] = field(default_factory=list)
    to_scan: set[str] = field(default_factory=set)


def partial_check(
    store: Store,
    places: Collection[str],
    is_complete: Callable[[Photo], bool],
    *,
    excludes: Sequence[str] = (),
    apart: Sequence[str] = (),
) -> PartialCheck:
    """Compare what is at some places with what the library knows of them.

    Parameters
    ----------
    store
        Read only.
    places
        Absolute paths of files and folders that may have come, changed or gone. A folder stands
        for everything below it.
    is_complete
        As for :func:`photofind.indexing.changes.compare`.
    excludes
        Exclude rules for all folders, before each folder's own.
    apart
        What is part of no folder: photofind's home.

    Raises
    ------
    SettingsError
        Where an exclude rule is none.
    """
    folders = store.folders()
    to_scan: set[str] = set()
    skipped: list[Skipped] = []
    found: dict[str, Found] = {}
    checked: list[str] = []
    for folder, inside in _by_folder(folders, _topmost(places)):
        if folder.path in inside or not Path(folder.path).is_dir():
            to_scan.add(folder.path)
            continue
        others = [other.path for other in folders if other.path != folder.path]
        walk = Walk(folder.path, Rules((*excludes, *folder.excludes)), [*others, *apart])
        for place in inside:
            if walk.leaves_out(place):
                continue
            checked.append(place)
            for entry in walk.at(place):
                if isinstance(entry, Found):
                    found[entry.path] = entry
                else:
                    skipped.append(entry)
        if walk.links:
            to_scan.add(folder.path)

    known = [
        photo
        for photo in _known(store, checked)
        if (holder := innermost(folders, photo.path)) is not None and holder.path not in to_scan
    ]
    changes = compare(found.values(), known, is_complete)
    gone = outside(changes.gone, {skip.path for skip in skipped})
    lost = _on_lost_mounts(folders, gone)
    to_scan |= {holder.path for photo in lost if (holder := innermost(folders, photo.path))}
    ids = {photo.id for photo in lost}
    gone = [photo for photo in gone if photo.id not in ids]
    return PartialCheck(replace(changes, gone=gone), skipped, to_scan)


def _topmost(places: Iterable[str]) -> list[str]:
    """Return the places that lie in no other of them."""
    every = set(places)
    return sorted(
        place
        for place in every
        if not any(parent in every for parent in map(str, Path(place).parents))
    )


def _by_folder(
    folders: Sequence[Folder], places: Iterable[str]
) -> Iterator[tuple[Folder, list[str]]]:
    """Yield the folders with the places in each; places outside of all are left out."""
    inside: dict[str, list[str]] = {}
    for place in places:
        if (folder := innermost(folders, place)) is not None:
            inside.setdefault(folder.path, []).append(place)
        # A place may also hold whole folders of the library.
        for other in folders:
            if other.path != place and is_below(other.path, place):
                inside.setdefault(other.path, []).append(other.path)
    for folder in folders:
        if folder.path in inside:
            yield folder, inside[folder.path]


def _known(store: Store, places: Iterable[str]) -> Iterator[Photo]:
    """Yield the photos that are known at and below some places that lie apart."""
    places = list(places)
    photos = store.by_path(places)
    yield from photos.values()
    trees: list[str] = []
    for place in places:
        if place in photos:
            continue
        if Path(place).is_dir() or not is_photo(place):
            trees.append(place)
    if len(trees) <= FEW:
        for tree in trees:
            yield from store.select(Filter(folder=tree))
        return
    wanted = set(trees)
    for photo in store.select():
        parent = os.path.dirname(photo.path)  # noqa: PTH120 (many of these)
        while parent not in wanted and len(parent) > 1 and parent != os.path.dirname(parent):  # noqa: PTH120
            parent = os.path.dirname(parent)  # noqa: PTH120
        if parent in wanted:
            yield photo


def _on_lost_mounts(folders: Iterable[Folder], photos: Sequence[Photo]) -> list[Photo]:
    """Return the photos that are not gone, but whose drive is."""
    if not photos:
        return []
    mounted = mounts()
    recorded = {mount for folder in folders for mount in folder.mounts}
    return [photo for some in out_of_reach(photos, recorded, mounted).values() for photo in some]
