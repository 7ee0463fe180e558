"""Recognising what is mounted: another camera card at the same place is another set of photos.

The photos of a card that another one has replaced are *away*: kept with their embeddings, offline,
and compared with nothing until their card is back. Where the system does not tell which card it is,
what was there tells it: the paths, sizes and times of the known photos.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeVar

from photofind.indexing.reachability import FEW, LOSS, mount_of
from photofind.indexing.scan import Found
from photofind.model.records import Folder, Photo
from photofind.system.volumes import Volume

__all__ = ["AnotherSetError", "Recognised", "is_swapped", "recognise"]

Entry = TypeVar("Entry", Found, Photo)
_NONE: Mapping[str, int] = {}
VolumesAt = Callable[[Iterable[str]], Mapping[str, Volume]]

# A set of photos is there if so many of them are.
_ENOUGH = 0.5
# Time zones and daylight saving time differ by multiples of this.
_QUARTER = 15 * 60 * 10**9
_LONGEST_SHIFT = 26 * 3600 * 10**9


class AnotherSetError(Exception):
    """Another set of photos than at the last scan may be there: all have to be compared."""


@dataclass(frozen=True)
class Recognised:
    """Which of the known photos of a folder are on what is mounted there.

    Parameters
    ----------
    known
        These photos, with times and inodes as the file system gives them now.
    away
        Photos of other file systems that were mounted at the same places.
    restated
        Those of both of which something else is known now; to be written before anything else.
    volumes
        Which file system is mounted where, for the folder.
    """

    known: list[Photo]
    away: list[Photo]
    restated: list[Photo]
    volumes: dict[str, str]


def is_swapped(folder: Folder, volumes_at: VolumesAt) -> bool:
    """Return whether another file system than at the last scan is mounted in a folder."""
    mounts = folder.volumes.keys() - {os.sep}
    now = volumes_at(mounts) if mounts else {}
    return any(volume.identity not in ("", folder.volumes[m]) for m, volume in now.items())


def recognise(
    folder: Folder,
    photos: Sequence[Photo],
    found: Sequence[Found],
    mounted: Collection[str],
    volumes_at: VolumesAt,
    beat: Callable[[], None] = lambda: None,
    unchanged: Mapping[str, int] = _NONE,
) -> Recognised:
    """Find out which photos of a folder are on the file systems that are mounted now.

    Parameters
    ----------
    photos
        All that are known of the folder, but for those that are ``unchanged``.
    found
        What is there, but for these.
    mounted
        Where file systems are mounted.
    volumes_at
        Tells which.
    beat
        Called for each photo.
    unchanged
        How many photos are there just as known, by the folder that holds them.

    Raises
    ------
    AnotherSetError
        Photos that are ``unchanged`` may be away now.
    """
    every = {*mounted, *folder.mounts}
    holder = cache(lambda place: mount_of(place, every))

    def by_mount(entries: Iterable[Entry]) -> dict[str | None, list[Entry]]:
        groups: defaultdict[str | None, list[Entry]] = defaultdict(list)
        for entry in _paced(entries, beat):
            groups[holder(os.path.dirname(entry.path))].append(entry)  # noqa: PTH120
        return groups

    known, files = by_mount(photos), by_mount(found)
    same = Counter[str | None]()
    for directory, count in unchanged.items():
        same[holder(directory)] += count
    # The system's own file system is never exchanged.
    mounts = {place for place in (*known, *files, *same) if place is not None and place in mounted}
    now = volumes_at(mounts - {os.sep})
    volumes = {place: one for place, one in folder.volumes.items() if place in every}
    before: dict[int, Photo] = {photo.id: photo for photo in photos}
    there: list[Photo] = []
    away: list[Photo] = []
    for place in {**known, **same}:
        some = known.get(place, [])
        if place is None or place not in now:  # Nothing is mounted there.
            there += [photo for photo in some if photo.away is None]
            away += [photo for photo in some if photo.away is not None]
            continue
        swap = _Place(
            volumes.get(place, ""),
            now[place],
            some,
            {file.path: file for file in files.get(place, [])},
            (folder.scanned or 0.0) * 1e9,
            same[place],
        )
        present, others = swap.settle()
        there += present
        away += others
        volumes[place] = swap.identity
    for place, volume in now.items():
        volumes.setdefault(place, volume.identity)
    restated = [photo for photo in _paced((*there, *away), beat) if photo != before[photo.id]]
    return Recognised(there, away, restated, {k: v for k, v in volumes.items() if v})


class _Place:
    """A mount, what was known to be there at the last scan, and what is there now.

    Attributes
    ----------
    identity
        Of the file system that was there at the last scan; after `settle` of the one there now.
    """

    def __init__(
        self,
        identity: str,
        volume: Volume,
        photos: Iterable[Photo],
        files: Mapping[str, Found],
        scanned: float,
        unchanged: int,
    ) -> None:
        self._scanned = scanned
        self._unchanged = unchanged
        self.identity = identity
        self._volume = volume
        self._files = files
        self._present: list[Photo] = []
        self._away: defaultdict[str, list[Photo]] = defaultdict(list)
        for photo in photos:
            (self._present if photo.away is None else self._away[photo.away]).append(photo)

    def settle(self) -> tuple[list[Photo], list[Photo]]:
        """Return the photos that are on what is mounted now, and those that are away.

        Raises
        ------
        AnotherSetError
            Photos that are unchanged may be among either.
        """
        there = self._choose()
        if there is not None and self._unchanged:
            raise AnotherSetError
        if there is not None:
            if not there or there != self.identity:
                label = self.identity or _fingerprint(self._present)
                self._away[label] += [replace(photo, away=label) for photo in self._present]
                self._present = []
            self._present += [replace(p, away=None) for p in self._away.pop(there, [])]
        is_known = bool(self._volume.identity) and self._volume.identity == (there or self.identity)
        self.identity = self._volume.identity or (self.identity if there is None else there)
        numbered, is_anew = self._as_numbered(self._as_timed(self._present))
        # Where nothing tells that it is the same file system, it may be a copy.
        is_copy = is_anew and not is_known
        return self._as_changed(numbered, any_time=is_copy or self._volume.shifts_times), [
            photo for photos in self._away.values() for photo in photos
        ]

    def _choose(self) -> str | None:
        """Return which set is there: None for the one of the last scan, empty for a new one."""
        identity = self._volume.identity
        if identity and identity in self._away:
            return identity
        if (identity and identity == self.identity) or not self._volume.is_lasting:
            return None
        if self._away and self._unchanged:
            raise AnotherSetError  # What is unchanged may be of several sets.
        shares: dict[str | None, float] = {None: self._share(self._present, self._unchanged)}
        shares |= {label: self._share(photos) for label, photos in self._away.items()}
        best = max(shares, key=lambda label: shares[label])
        if shares[best] >= _ENOUGH:
            return best
        if identity and self.identity:
            return ""
        lost = sum(not (self._is_there(one) or self._is_edited(one)) for one in self._present)
        known = len(self._present) + self._unchanged
        is_lost = known >= FEW and lost > LOSS * known
        return "" if is_lost and self._files else None

    def _share(self, photos: Sequence[Photo], unchanged: int = 0) -> float:
        """Return which part of these photos, and of some unchanged ones, is there."""
        if not (photos or unchanged):
            return 0.0
        there = sum(self._is_there(photo) for photo in photos) + unchanged
        return there / (len(photos) + unchanged)

    def _is_there(self, photo: Photo) -> bool:
        file = self._files.get(photo.path)
        if file is None or file.size != photo.size:
            return False
        shift = file.modified - photo.modified
        return not shift or (self._volume.shifts_times and _is_shift(shift))

    def _is_edited(self, photo: Photo) -> bool:
        file = self._files.get(photo.path)
        return file is not None and file.modified > self._scanned

    def _as_timed(self, photos: list[Photo]) -> list[Photo]:
        """Return photos with the times that their files have if all times have shifted."""
        if not self._volume.shifts_times:
            return photos
        shifts = Counter(
            self._files[photo.path].modified - photo.modified
            for photo in photos
            if self._is_there(photo)
        )
        shifts[0] += self._unchanged
        shift, votes = max(shifts.items(), key=lambda item: item[1], default=(0, 0))
        if not shift or 2 * votes <= shifts.total():
            return photos
        return [
            replace(
                photo,
                modified=photo.modified + shift,
                sidecar=None if photo.sidecar is None else photo.sidecar + shift,
            )
            for photo in photos
        ]

    def _as_changed(self, photos: list[Photo], *, any_time: bool) -> list[Photo]:
        """Return photos with the times of their files' status where these tell nothing.

        That is where all have shifted by one time, or where ``any_time`` says so.
        """

        def shift_of(photo: Photo) -> int:
            file = self._files.get(photo.path)
            if file is None or not file.changed or photo.changed is None:
                return 0
            return file.changed - photo.changed

        shifts = Counter(map(shift_of, photos))
        shifts[0] += self._unchanged
        shift, votes = max(shifts.items(), key=lambda item: item[1], default=(0, 0))
        common = shift if _is_shift(shift) and 2 * votes > shifts.total() else 0
        return [
            replace(photo, changed=(photo.changed or 0) + shift, sidecar_changed=None)
            if (shift := shift_of(photo)) and (any_time or shift == common)
            else photo
            for photo in photos
        ]

    def _as_numbered(self, photos: list[Photo]) -> tuple[list[Photo], bool]:
        """Return photos with the inodes that their files have if all are numbered anew.

        Also return whether they are.
        """
        numbers: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        for photo in photos:
            numbers[photo.size, photo.modified].add(photo.inode)
        same, anew = self._unchanged, 0
        for photo in photos:
            file = self._files.get(photo.path)
            if file is not None and (file.size, file.modified) == (photo.size, photo.modified):
                same += file.inode == photo.inode
                anew += file.inode not in numbers[photo.size, photo.modified]
        if anew <= same:
            return photos, False
        # What is not there may be elsewhere, but never under its old number.
        return [
            replace(photo, inode=file.inode if (file := self._files.get(photo.path)) else 0)
            for photo in photos
        ], True


def _is_shift(nanoseconds: int) -> bool:
    return nanoseconds % _QUARTER == 0 and abs(nanoseconds) <= _LONGEST_SHIFT


def _fingerprint(photos: Iterable[Photo]) -> str:
    """Return a name for a set of photos whose file system has none."""
    named = hashlib.blake2b(digest_size=8)
    for photo in sorted(photos, key=lambda photo: photo.path):
        named.update(f"{photo.path}\0{photo.size}\0".encode("utf-8", "surrogatepass"))
    return f"photos-{named.hexdigest()}"


def _paced(entries: Iterable[Entry], beat: Callable[[], None]) -> Iterator[Entry]:
    for entry in entries:
        beat()
        yield entry
