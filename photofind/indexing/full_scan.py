"""How the folders differ from the library: scanned, compared and judged, and nothing written."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from photofind.indexing.changes import Changes, compare
from photofind.indexing.excludes import Rules
from photofind.indexing.folders import mounts, mounts_of, out_of_reach, suspicion
from photofind.indexing.scan import SETTLE, Found, scan
from photofind.library.embedded.catalog import Folder, Photo
from photofind.library.embedded.library import Library
from photofind.model import Skipped
from photofind.paths import is_below

__all__ = ["Survey", "outside", "survey"]


@dataclass(frozen=True)
class Survey:
    """What is to be done so that the library holds what the folders hold.

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
class _View:
    """What a scan of a folder saw."""

    folder: Folder
    known: list[Photo]
    found: list[Found]
    skipped: list[Skipped]


def survey(
    library: Library,
    folders: Sequence[Folder],
    is_complete: Callable[[Photo], bool],
    *,
    excludes: Sequence[str] = (),
    accept_removals: bool = False,
    settle: float = SETTLE,
    on_found: Callable[[int], None] = lambda count: None,
) -> Survey:
    """Scan folders and compare what is there with what the library knows of them.

    A folder that is missing, cannot be read, has lost its drive or nearly all of its photos at
    once is offline: what is known of it stays as it is, and nothing new in it is looked at.

    Parameters
    ----------
    library
        Read only.
    folders
        Those to scan, out of the library's. A folder inside another is no part of that one.
    is_complete
        As for :func:`photofind.indexing.changes.compare`.
    excludes
        Exclude rules for all folders, before each folder's own.
    accept_removals
        Believe that photos are gone however many they are, as long as their folder can be read.
    settle
        As for :func:`photofind.indexing.scan.scan`.
    on_found
        Is told how many photos have been found so far, each time that one is.

    Raises
    ------
    SettingsError
        Where an exclude rule is none.
    """
    mounted = mounts()
    views: list[_View] = []
    count = 0
    for folder in folders:
        view = _View(folder, _known(library, folder), [], [])
        views.append(view)
        rules = Rules((*excludes, *folder.excludes))
        apart = [other.path for other in library.folders() if other.path != folder.path]
        entries = scan(folder.path, rules, apart=[*apart, str(library.home.root)], settle=settle)
        for entry in entries:
            if isinstance(entry, Found):
                view.found.append(entry)
                count += 1
                on_found(count)
            else:
                view.skipped.append(entry)

    changes = compare(
        chain.from_iterable(view.found for view in views),
        chain.from_iterable(view.known for view in views),
        is_complete,
    )
    missing = {photo.path for photo in changes.gone}
    gone: list[Photo] = []
    out_of_bounds: set[str] = set()
    judged: list[Folder] = []
    for view in views:
        lost = [photo for photo in view.known if photo.path in missing]
        now, believed = _judge(view, lost, mounted, accept=accept_removals)
        judged.append(now)
        gone += believed
        if now.state == "offline":
            out_of_bounds.update(file.path for file in view.found)
    return Survey(
        count,
        replace(
            changes,
            unread=[file for file in changes.unread if file.path not in out_of_bounds],
            gone=gone,
        ),
        judged,
        list(chain.from_iterable(view.skipped for view in views)),
        len(changes.gone) - len(gone),
    )


def _known(library: Library, folder: Folder) -> list[Photo]:
    """Return the photos of a folder without those of the folders inside it."""
    inside = [
        other.path
        for other in library.folders()
        if other.path != folder.path and is_below(other.path, folder.path)
    ]
    return [
        photo
        for photo in library.photos(folder.path)
        if not any(is_below(photo.path, other) for other in inside)
    ]


def _judge(
    view: _View, lost: list[Photo], mounted: Collection[str], *, accept: bool
) -> tuple[Folder, list[Photo]]:
    """Return the folder as it is now and which of its lost photos are believed to be gone.

    Notes in ``view.skipped`` the mounts inside the folder that are not there.
    """
    folder = view.folder
    whole = next((skip for skip in view.skipped if skip.path == folder.path), None)
    if whole:
        view.skipped.remove(whole)
        return replace(folder, state="offline", reason=whole.reason), []
    lost = outside(lost, {skip.path for skip in view.skipped})
    unmounted: dict[str, list[Photo]] = {}
    if not accept:
        unmounted = out_of_reach(lost, folder.mounts, mounted)
        for mount, photos in unmounted.items():
            if is_below(os.path.realpath(folder.path), mount):
                return replace(folder, state="offline", reason=f"{mount} is not mounted"), []
            view.skipped.append(
                Skipped(mount, f"it is not mounted; its photos are kept ({len(photos)})")
            )
        kept = {photo.path for photos in unmounted.values() for photo in photos}
        lost = [photo for photo in lost if photo.path not in kept]
        if reason := suspicion(folder.path, lost, len(view.known)):
            return replace(folder, state="offline", reason=reason), []
    now = replace(
        folder,
        state="online",
        reason=None,
        scanned=time.time(),
        mounts=tuple(sorted({*mounts_of((file.path for file in view.found), mounted), *unmounted})),
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
