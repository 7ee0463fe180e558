"""Scanning folders from end to end: how they differ from the library. Nothing is written."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from photofind.errors import NotAnsweringError
from photofind.indexing.changes import Changes, compare
from photofind.indexing.excludes import Rules
from photofind.indexing.known_files import KnownFiles, file_of, stamp_of
from photofind.indexing.reachability import mounts, mounts_of, out_of_reach, suspicion
from photofind.indexing.scan import Found, scan
from photofind.indexing.swaps import AnotherSetError, Recognised, recognise
from photofind.library.store import Store
from photofind.model import Skipped
from photofind.model.filters import Filter
from photofind.model.records import Folder, Photo
from photofind.paths import is_below
from photofind.system.reach import DOES_NOT_ANSWER, Reach
from photofind.system.volumes import volumes_at

__all__ = ["FullScan", "full_scan", "outside"]

Entry = TypeVar("Entry")
Mask = npt.NDArray[np.bool_]

# So many files are compared with what is known at a time.
_BATCH = 4096


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
    """What is known of a folder, and what a scan found in it.

    Of photos that are there just as known no more is kept than how many there are, by the folder
    that holds each, and which these are.
    """

    folder: Folder
    files: KnownFiles
    unchanged: Counter[str] = field(default_factory=Counter)
    is_unchanged: Mask = field(default_factory=lambda: np.empty(0, np.bool_))
    known: list[Photo] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    away: list[Photo] = field(default_factory=list)
    restated: list[Photo] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many photos were found."""
        return len(self.found) + self.unchanged.total()

    @property
    def is_shut(self) -> bool:
        """Whether the folder could not be looked at: what is known of it was not loaded."""
        return any(skip.path == self.folder.path for skip in self.skipped)


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
        tell = partial(_plus, on_found, count)
        try:
            scanned = _scanned(store, folder, is_complete, excludes, apart, mounted, tell, reach)
        except NotAnsweringError:
            if reach.is_closed:  # The folder is not to blame.
                raise
            whole = Skipped(folder.path, DOES_NOT_ANSWER)
            scanned = _ScannedFolder(folder, KnownFiles(()), skipped=[whole])
        scanned_folders.append(scanned)
        count += scanned.count

    unloaded = _look_up_alike(store, scanned_folders)
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
            unchanged=changes.unchanged + sum(one.unchanged.total() for one in scanned_folders),
            unread=[file for file in changes.unread if file.path not in out_of_bounds],
            gone=gone,
        ),
        judged,
        list(chain.from_iterable(scanned.skipped for scanned in scanned_folders)),
        unloaded
        + len(changes.gone)
        - len(gone)
        + sum(len(scanned.away) for scanned in scanned_folders),
        list(chain.from_iterable(scanned.restated for scanned in scanned_folders)),
    )


def _scanned(
    store: Store,
    folder: Folder,
    is_complete: Callable[[Photo], bool],
    excludes: Sequence[str],
    apart: Sequence[str],
    mounted: Collection[str],
    on_found: Callable[[int], None],
    reach: Reach,
) -> _ScannedFolder:
    """Scan one folder.

    Raises
    ------
    NotAnsweringError
        It does not answer.
    """
    rules = Rules((*excludes, *folder.excludes))
    others = [other.path for other in store.folders() if other.path != folder.path]
    real = [reach.real_path(path) for path in (*others, *apart)]

    def look(files: KnownFiles) -> _ScannedFolder:
        look = partial(_look, folder, files, rules, real)
        return reach.follow(folder.path, partial(look, on_found=on_found), look)

    is_open = reach.follow(folder.path, partial(_opens, folder.path))
    scanned = look(KnownFiles(_known(store, folder) if is_open else (), is_complete))
    if not is_open and not scanned.is_shut:  # It has just come back.
        scanned = look(KnownFiles(_known(store, folder), is_complete))
    if scanned.is_shut:
        return replace(scanned, files=KnownFiles(()), found=[], unchanged=Counter())

    def recognised() -> Recognised:
        known = [*store.by_id(scanned.files.ids(~scanned.is_unchanged)).values()]
        work = partial(_recognise, scanned, known, mounted)
        return reach.follow(folder.path, work)

    try:
        there = recognised()
    except AnotherSetError:
        _load(store, scanned, scanned.is_unchanged)
        scanned.unchanged.clear()
        there = recognised()
    return replace(
        scanned,
        folder=replace(folder, volumes=there.volumes),
        known=there.known,
        away=there.away,
        restated=there.restated,
    )


def _opens(folder: str, beat: Callable[[], None]) -> bool:
    """Return whether a folder is there and can be read."""
    try:
        with os.scandir(folder):
            return True
    except OSError:
        return False


def _look(
    folder: Folder,
    files: KnownFiles,
    rules: Rules,
    apart: Sequence[str],
    beat: Callable[[], None],
    on_found: Callable[[int], None] = lambda count: None,
) -> _ScannedFolder:
    """Look at what is in a folder, and which of its photos are there just as known."""
    scanned = _ScannedFolder(folder, files, is_unchanged=np.zeros(len(files), np.bool_))
    some: list[Found] = []
    count = 0
    for entry in scan(folder.path, rules, apart=apart, beat=beat):
        if isinstance(entry, Skipped):
            scanned.skipped.append(entry)
            continue
        beat()  # Ends it where it was given up: it tells no more.
        count += 1
        on_found(count)
        some.append(entry)
        if len(some) == _BATCH:
            _sort_out(scanned, some)
            some = []
    _sort_out(scanned, some)
    return scanned


def _sort_out(scanned: _ScannedFolder, found: Sequence[Found]) -> None:
    """Take in some of what was found."""
    places = scanned.files.places(found)
    scanned.is_unchanged[places[places >= 0]] = True
    for file, place in zip(found, places.tolist(), strict=True):
        if place < 0:
            scanned.found.append(file)
        else:
            scanned.unchanged[os.path.dirname(file.path)] += 1  # noqa: PTH120


def _recognise(
    scanned: _ScannedFolder,
    known: Sequence[Photo],
    mounted: Collection[str],
    beat: Callable[[], None],
) -> Recognised:
    """Find out which of the known photos of a folder are on what is mounted there."""
    folder, found, unchanged = scanned.folder, scanned.found, scanned.unchanged
    return recognise(folder, known, found, mounted, volumes_at, beat, unchanged)


def _look_up_alike(store: Store, scanned_folders: Sequence[_ScannedFolder]) -> int:
    """Load what may be the file of a photo that is not where it was, or not as it was.

    That are photos with the size and the time of what was found so. Return how many photos of
    folders that could not be looked at were left out.
    """
    stamps = {stamp_of(file) for scanned in scanned_folders for file in scanned.found}
    left = 0
    for scanned in scanned_folders:
        if scanned.is_shut:
            if stamps:
                photos = _known(store, scanned.folder)
                scanned.known = [
                    photo for photo in photos if photo.away is None and stamp_of(photo) in stamps
                ]
            left += _count(store, scanned.folder) - len(scanned.known)
        elif stamps and scanned.unchanged:
            _load(store, scanned, scanned.is_unchanged & scanned.files.alike(stamps))
    return left


def _load(store: Store, scanned: _ScannedFolder, places: Mask) -> None:
    """Take unchanged photos at some places for known ones whose files were found."""
    photos = store.by_id(scanned.files.ids(places)).values()
    scanned.is_unchanged = scanned.is_unchanged & ~places
    scanned.known += photos
    scanned.found += map(file_of, photos)
    for photo in photos:
        scanned.unchanged[os.path.dirname(photo.path)] -= 1  # noqa: PTH120


def _plus(on_found: Callable[[int], None], before: int, count: int) -> None:
    on_found(before + count)


def _known(store: Store, folder: Folder) -> Iterator[Photo]:
    """Iterate over the photos of a folder but for folders inside it; also over what is away."""
    inside = _inside(store, folder)
    for photo in store.select(Filter(folder=folder.path)):
        if not any(is_below(photo.path, other) for other in inside):
            yield photo


def _count(store: Store, folder: Folder) -> int:
    """Return how many photos these are."""
    inside = _inside(store, folder)
    topmost = (one for one in inside if not any(is_below(one, o) for o in inside if o != one))
    every = store.count(Filter(folder=folder.path))
    return every - sum(store.count(Filter(folder=one)) for one in topmost)


def _inside(store: Store, folder: Folder) -> list[str]:
    """Return the folders of the library that lie in one of them."""
    return [
        other.path
        for other in store.folders()
        if other.path != folder.path and is_below(other.path, folder.path)
    ]


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
        if reason := suspicion(
            folder.path, lost, len(scanned.known) + scanned.unchanged.total(), beat
        ):
            return replace(folder, state="offline", reason=reason), []
    paths = (file.path for file in _paced(scanned.found, beat))
    unchanged = (os.path.join(directory, "") for directory in scanned.unchanged)  # noqa: PTH118
    holding = mounts_of(chain(paths, unchanged), mounted)
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
