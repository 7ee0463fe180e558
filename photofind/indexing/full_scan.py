"""Scanning folders from end to end: how they differ from the library. Nothing is written."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeVar

from photofind.errors import NotAnsweringError
from photofind.indexing.changes import Changes, compare
from photofind.indexing.excludes import Rules
from photofind.indexing.reachability import mounts, mounts_of, out_of_reach, suspicion
from photofind.indexing.scan import Found, scan
from photofind.indexing.swaps import recognise
from photofind.library.store import Store
from photofind.model import Skipped
from photofind.model.filters import Filter
from photofind.model.records import Folder, Photo
from photofind.paths import is_below
from photofind.system.reach import DOES_NOT_ANSWER, Reach
from photofind.system.volumes import volumes_at

__all__ = ["FullScan", "full_scan", "outside"]

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class FullScan:
    """How folders differ from what the library holds of them.

    Parameters
    ----------
    found
        How many photos there are on disk.
    changes
        How they differ from what is known. ``gone`` holds what can be removed: photos that are
        only out of reach are not among them.
    folders
        The folders as they are now, online or offline.
    skipped
        What could not be looked at, and why.
    kept
        How many known photos were not found and are kept.
    restated
        Known photos that went away with their file system or came back with it, or whose times and
        inodes it gives otherwise; to be written before the changes.
    """

    found: int
    changes: Changes
    folders: list[Folder]
    skipped: list[Skipped]
    kept: int
    restated: list[Photo]


@dataclass
class _ScannedFolder:
    """What is known of a folder, and what a scan found in it."""

    folder: Folder
    known: list[Photo]
    found: list[Found] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    away: list[Photo] = field(default_factory=list)
    restated: list[Photo] = field(default_factory=list)


def full_scan(
    store: Store,
    folders: Sequence[Folder],
    is_complete: Callable[[Photo], bool],
    *,
    excludes: Sequence[str] = (),
    apart: Sequence[str] = (),
    accept_removals: bool = False,
    on_found: Callable[[int], None] = lambda count: None,
    reach: Reach | None = None,
) -> FullScan:
    """Scan folders and compare what is there with what the library knows of them.

    A folder that is missing, cannot be read, does not answer, has lost its drive or nearly all of
    its photos at once is offline: what is known of it stays as it is, and nothing new in it is
    looked at.

    Parameters
    ----------
    store
        Read only.
    folders
        Those to scan, out of the library's. A folder inside another is no part of that one.
    is_complete
        As for :func:`photofind.indexing.changes.compare`.
    excludes
        Exclude rules for all folders, before each folder's own.
    apart
        What is part of no folder: photofind's home.
    accept_removals
        Believe that photos are gone however many they are, as long as their folder can be read.
    on_found
        Called with how many photos have been found so far, for each photo, in another thread.
    reach
        Looks at the folders.
    """
    reach = reach or Reach()
    mounted = mounts()
    scanned_folders: list[_ScannedFolder] = []
    count = 0
    for folder in folders:
        rules = Rules((*excludes, *folder.excludes))
        others = [other.path for other in store.folders() if other.path != folder.path]
        look = partial(
            _look,
            folder,
            _known(store, folder),
            rules,
            [reach.real_path(path) for path in (*others, *apart)],
            mounted,
        )
        tell = partial(_plus, on_found, count)
        try:
            scanned = reach.follow(folder.path, partial(look, on_found=tell), look)
        except NotAnsweringError:
            if reach.is_closed:  # The folder is not to blame.
                raise
            whole = Skipped(folder.path, DOES_NOT_ANSWER)
            scanned = _ScannedFolder(folder, _present(_known(store, folder)), skipped=[whole])
        scanned_folders.append(scanned)
        count += len(scanned.found)

    changes = compare(
        chain.from_iterable(scanned.found for scanned in scanned_folders),
        chain.from_iterable(scanned.known for scanned in scanned_folders),
        is_complete,
    )
    missing = {photo.path for photo in changes.gone}
    gone: list[Photo] = []
    out_of_bounds: set[str] = set()
    judged: list[Folder] = []
    for scanned in scanned_folders:
        lost = [photo for photo in scanned.known if photo.path in missing]
        judge = partial(_judge, scanned, lost, mounted, accept_removals)
        try:
            now, believed = reach.follow(scanned.folder.path, judge)
        except NotAnsweringError:
            if reach.is_closed:
                raise
            now = replace(scanned.folder, state="offline", reason=DOES_NOT_ANSWER)
            believed = []
        judged.append(now)
        gone += believed
        if accept_removals and now.state == "online":
            gone += scanned.away
        if now.state == "offline":
            out_of_bounds.update(file.path for file in scanned.found)
    return FullScan(
        count,
        replace(
            changes,
            unread=[file for file in changes.unread if file.path not in out_of_bounds],
            gone=gone,
        ),
        judged,
        list(chain.from_iterable(scanned.skipped for scanned in scanned_folders)),
        len(changes.gone) - len(gone) + sum(len(scanned.away) for scanned in scanned_folders),
        list(chain.from_iterable(scanned.restated for scanned in scanned_folders)),
    )


def _look(
    folder: Folder,
    known: list[Photo],
    rules: Rules,
    apart: Sequence[str],
    mounted: Collection[str],
    beat: Callable[[], None],
    on_found: Callable[[int], None] = lambda count: None,
) -> _ScannedFolder:
    """Look at what is in a folder, and which of its known photos that may be."""
    scanned = _ScannedFolder(folder, _present(known))
    for entry in scan(folder.path, rules, apart=apart, beat=beat):
        if isinstance(entry, Found):
            scanned.found.append(entry)
            beat()  # Ends it where it was given up: it tells no more.
            on_found(len(scanned.found))
        else:
            scanned.skipped.append(entry)
    if any(skip.path == folder.path for skip in scanned.skipped):
        return scanned
    there = recognise(folder, known, scanned.found, mounted, volumes_at, beat)
    return replace(
        scanned,
        folder=replace(folder, volumes=there.volumes),
        known=there.known,
        away=there.away,
        restated=there.restated,
    )


def _plus(on_found: Callable[[int], None], before: int, count: int) -> None:
    on_found(before + count)


def _known(store: Store, folder: Folder) -> list[Photo]:
    """Return the photos of a folder without those of the folders inside it; also what is away."""
    inside = [
        other.path
        for other in store.folders()
        if other.path != folder.path and is_below(other.path, folder.path)
    ]
    return [
        photo
        for photo in store.select(Filter(folder=folder.path))
        if not any(is_below(photo.path, other) for other in inside)
    ]


def _present(photos: Iterable[Photo]) -> list[Photo]:
    return [photo for photo in photos if photo.away is None]


def _judge(
    scanned: _ScannedFolder,
    lost: list[Photo],
    mounted: Collection[str],
    accept: bool,
    beat: Callable[[], None],
) -> tuple[Folder, list[Photo]]:
    """Return the folder as it is now and which of its lost photos are believed to be gone.

    Notes in ``scanned.skipped`` the mounts inside the folder that are not there.
    """
    folder = scanned.folder
    whole = next((skip for skip in scanned.skipped if skip.path == folder.path), None)
    if whole:
        scanned.skipped.remove(whole)
        return replace(folder, state="offline", reason=whole.reason), []
    lost = outside(lost, {skip.path for skip in scanned.skipped})
    unmounted: dict[str, list[Photo]] = {}
    if not accept:
        unmounted = out_of_reach(_paced(lost, beat), folder.mounts, mounted)
        for mount, photos in unmounted.items():
            if is_below(os.path.realpath(folder.path), mount):
                return replace(folder, state="offline", reason=f"{mount} is not mounted"), []
            scanned.skipped.append(
                Skipped(mount, f"it is not mounted; its photos are kept ({len(photos)})")
            )
        kept = {photo.path for photos in unmounted.values() for photo in photos}
        lost = [photo for photo in lost if photo.path not in kept]
        if reason := suspicion(folder.path, lost, len(scanned.known), beat):
            return replace(folder, state="offline", reason=reason), []
    holding = mounts_of((file.path for file in _paced(scanned.found, beat)), mounted)
    now = replace(
        folder,
        state="online",
        reason=None,
        scanned=time.time(),
        mounts=tuple(sorted({*holding, *unmounted})),
    )
    return now, lost


def _paced(entries: Iterable[Entry], beat: Callable[[], None]) -> Iterator[Entry]:
    for entry in entries:
        beat()
        yield entry


def outside(photos: Iterable[Photo], places: Collection[str]) -> list[Photo]:
    """Return the photos that are neither at nor below any of ``places``."""
    if not places:
        return list(photos)
    return [
        photo
        for photo in photos
        if not any(place in places for place in map(str, (photo.path, *Path(photo.path).parents)))
    ]
