"""Checking a few places of the folders for changes, without scanning the folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from photofind.errors import NotAnsweringError
from photofind.images.formats import is_photo
from photofind.indexing.changes import Changes, compare
from photofind.indexing.excludes import Rules
from photofind.indexing.full_scan import outside
from photofind.indexing.reachability import mounts, out_of_reach
from photofind.indexing.scan import Found, Walk
from photofind.indexing.swaps import is_swapped
from photofind.library.store import Store
from photofind.model import Skipped
from photofind.model.filters import Filter
from photofind.model.records import Folder, Photo, innermost
from photofind.paths import is_below
from photofind.system.reach import Reach
from photofind.system.volumes import volumes_at

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
    written: Collection[str] = (),
    reach: Reach | None = None,
) -> PartialCheck:
    """Compare what is at some places with what the library knows of them.

    Parameters
    ----------
    store
        Read only.
    places
        Absolute paths of files and folders that may have come, changed or gone. A folder stands
        for everything below it.
    is_complete, written
        As for :func:`photofind.indexing.changes.compare`.
    excludes
        Exclude rules for all folders, before each folder's own.
    apart
        What is part of no folder: photofind's home.
    reach
        Looks at the places. Those in a folder that does not answer are left out: it is scanned
        when it answers again.
    """
    reach = reach or Reach()
    folders = store.folders()
    to_scan: set[str] = set()
    seen = _Seen()
    for folder, inside in _by_folder(folders, _topmost(places)):
        if folder.path in inside or folder.state == "offline":  # Which a scan alone can end.
            to_scan.add(folder.path)
            continue
        others = [other.path for other in folders if other.path != folder.path]
        real = [reach.real_path(path) for path in (*others, *apart)]
        rules = Rules((*excludes, *folder.excludes))
        try:
            looked = reach.follow(folder.path, partial(_look, folder, inside, rules, real))
        except NotAnsweringError:
            continue
        seen.add(looked)
        if looked.needs_scan:
            to_scan.add(folder.path)

    skipped, found = seen.skipped, seen.found
    known = [
        photo
        for photo in _known(store, seen.checked, found)
        if photo.away is None
        and (holder := innermost(folders, photo.path)) is not None
        and holder.path not in to_scan
    ]
    changes = compare(found.values(), known, is_complete, written)
    gone = outside(changes.gone, {skip.path for skip in skipped})
    lost = _on_lost_mounts(folders, gone, reach)
    to_scan |= {holder.path for photo in lost if (holder := innermost(folders, photo.path))}
    ids = {photo.id for photo in lost}
    gone = [photo for photo in gone if photo.id not in ids]
    return PartialCheck(replace(changes, gone=gone), skipped, to_scan)


@dataclass
class _Seen:
    """What was seen at places.

    Parameters
    ----------
    checked
        The places, and whether there is a folder at each.
    needs_scan
        Whether only a full scan can tell what became of their folder.
    """

    found: dict[str, Found] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    checked: dict[str, bool] = field(default_factory=dict)
    needs_scan: bool = False

    def add(self, other: _Seen) -> None:
        self.found |= other.found
        self.skipped += other.skipped
        self.checked |= other.checked


def _look(
    added: Folder,
    places: Iterable[str],
    rules: Rules,
    apart: Sequence[str],
    beat: Callable[[], None],
) -> _Seen:
    """Look at places in a folder."""
    seen = _Seen()
    if not Path(added.path).is_dir() or is_swapped(added, volumes_at):
        seen.needs_scan = True
        return seen
    walk = Walk(added.path, rules, apart, beat)
    for place in places:
        beat()
        if walk.leaves_out(place):
            continue
        seen.checked[place] = Path(place).is_dir()
        for entry in walk.at(place):
            if isinstance(entry, Found):
                seen.found[entry.path] = entry
            else:
                seen.skipped.append(entry)
    seen.needs_scan = walk.links
    return seen


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


def _known(store: Store, places: Mapping[str, bool], found: Collection[str]) -> Iterator[Photo]:
    """Yield the photos that are known at and below some places that lie apart.

    Each is given with whether there is a folder now; ``found`` are photos that are there. What is
    gone may have been a folder, also where it is named like a photo.
    """
    photos = store.by_path(places)
    yield from photos.values()
    trees: list[str] = []
    for place, is_folder in places.items():
        if place in photos:
            continue
        if is_folder or not is_photo(place) or place not in found:
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


def _on_lost_mounts(
    folders: Sequence[Folder], photos: Sequence[Photo], reach: Reach
) -> list[Photo]:
    """Return the photos that are not gone, but whose drive is."""
    if not photos:
        return []
    mounted = mounts()
    recorded = {mount for folder in folders for mount in folder.mounts}
    by_folder: dict[str, list[Photo]] = {}
    for photo in photos:
        by_folder.setdefault(reach.folder_of(photo.path), []).append(photo)
    lost: list[Photo] = []
    for folder, some in by_folder.items():
        try:
            away = reach.call(folder, out_of_reach, some, recorded, mounted)
        except NotAnsweringError:
            away = {folder: some}
        lost += [photo for group in away.values() for photo in group]
    return lost
