"""Scanning folders from end to end: how they differ from the library. Nothing is written."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from photofind.indexing.changes import Changes, compare
from photofind.indexing.excludes import Rules
from photofind.indexing.reachability import mounts, mounts_of, out_of_reach, suspicion
from photofind.indexing.scan import Found, scan
from photofind.library.store import Store
from photofind.model import Skipped
from photofind.model.filters import Filter
from photofind.model.records import Folder, Photo
from photofind.paths import is_below

__all__ = ["FullScan", "full_scan", "outside"]


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
    """

    found: int
    changes: Changes
    folders: list[Folder]
    skipped: list[Skipped]
    kept: int


@dataclass
class _ScannedFolder:
    """What is known of a folder, and what a scan found in it."""

    folder: Folder
    known: list[Photo]
    found: list[Found]
    skipped: list[Skipped]


def full_scan(
    store: Store,
    folders: Sequence[Folder],
    is_complete: Callable[[Photo], bool],
    *,
    excludes: Sequence[str] = (),
    apart: Sequence[str] = (),
    accept_removals: bool = False,
    on_found: Callable[[int], None] = lambda count: None,
) -> FullScan:
    """Scan folders and compare what is there with what the library knows of them.

    A folder that is missing, cannot be read, has lost its drive or nearly all of its photos at
    once is offline: what is known of it stays as it is, and nothing new in it is looked at.

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
        Called with how many photos have been found so far, for each photo.

    Raises
    ------
    SettingsError
        Where an exclude rule is none.
    """
    mounted = mounts()
    scanned_folders: list[_ScannedFolder] = []
    count = 0
    for folder in folders:
        scanned = _ScannedFolder(folder, _known(store, folder), [], [])
        scanned_folders.append(scanned)
        rules = Rules((*excludes, *folder.excludes))
        others = [other.path for other in store.folders() if other.path != folder.path]
        entries = scan(folder.path, rules, apart=[*others, *apart])
        for entry in entries:
            if isinstance(entry, Found):
                scanned.found.append(entry)
                count += 1
                on_found(count)
            else:
                scanned.skipped.append(entry)

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
        now, believed = _judge(scanned, lost, mounted, accept=accept_removals)
        judged.append(now)
        gone += believed
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
        len(changes.gone) - len(gone),
    )


def _known(store: Store, folder: Folder) -> list[Photo]:
    """Return the photos of a folder without those of the folders inside it."""
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


def _judge(
    scanned: _ScannedFolder, lost: list[Photo], mounted: Collection[str], *, accept: bool
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
        unmounted = out_of_reach(lost, folder.mounts, mounted)
        for mount, photos in unmounted.items():
            if is_below(os.path.realpath(folder.path), mount):
                return replace(folder, state="offline", reason=f"{mount} is not mounted"), []
            scanned.skipped.append(
                Skipped(mount, f"it is not mounted; its photos are kept ({len(photos)})")
            )
        kept = {photo.path for photos in unmounted.values() for photo in photos}
        lost = [photo for photo in lost if photo.path not in kept]
        if reason := suspicion(folder.path, lost, len(scanned.known)):
            return replace(folder, state="offline", reason=reason), []
    holding = mounts_of((file.path for file in scanned.found), mounted)
    now = replace(
        folder,
        state="online",
        reason=None,
        scanned=time.time(),
        mounts=tuple(sorted({*holding, *unmounted})),
    )
    return now, lost


def outside(photos: Iterable[Photo], places: Collection[str]) -> list[Photo]:
    """Return the photos that are neither at nor below any of ``places``."""
    if not places:
        return list(photos)
    return [
        photo
        for photo in photos
        if not any(place in places for place in map(str, (photo.path, *Path(photo.path).parents)))
    ]
