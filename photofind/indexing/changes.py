"""Comparing the photos found on disk with those that are known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from photofind.indexing.scan import Found
from photofind.model.records import Photo

__all__ = ["Changes", "compare"]


@dataclass(frozen=True)
class Changes:
    """How what is on disk differs from what is known.

    Parameters
    ----------
    unchanged
        How many photos are as they were.
    moved
        Known photos as they are now, under another path.
    renumbered
        Known photos as they are now, under another inode: their drive was mounted again; or with
        a time of their status, or their sidecar's, which was not known.
    unread
        Files whose content must be looked at, newest first: new, changed, not yet embedded, or
        moved in a way that only their content can prove.
    gone
        Known photos whose path is no longer there and that were not found elsewhere.
    """

    unchanged: int
    moved: list[Photo]
    renumbered: list[Photo]
    unread: list[Found]
    gone: list[Photo]


def compare(
    found: Iterable[Found],
    known: Iterable[Photo],
    is_complete: Callable[[Photo], bool],
    written: Collection[str] = (),
) -> Changes:
    """Compare files with what is known of them, without reading any.

    A file that has the path, the size and the times of a known photo is that photo, the times of
    its status and of its sidecar's included, where they are known of both. So is a file at another
    path with its size, times and inode, where the photo is no longer at its own path and no other
    photo has that size and time; a rename itself changes the time of the status. An inode alone
    proves nothing: some file systems give files new numbers at each mount.

    Parameters
    ----------
    found
        The files, each path once.
    known
        The photos that could be among them, each path once.
    is_complete
        Returns whether a photo need not be read again while its file stays the same.
    written
        Paths of files that were seen to be written or replaced: they are read, whatever their
        times say.
    """
    displaced = {photo.path: photo for photo in known}
    alike: defaultdict[_Stamp, list[Photo]] = defaultdict(list)
    for photo in displaced.values():
        alike[_stamp(photo)].append(photo)

    unchanged = 0
    moved: list[Photo] = []
    renumbered: list[Photo] = []
    unread: list[Found] = []
    strange: list[Found] = []
    for file in found:
        own = displaced.get(file.path)
        if own is None or _stamp(own) != _stamp(file) or own.sidecar != file.sidecar:
            strange.append(file)
            continue
        del displaced[file.path]
        is_renumbered = own.inode != file.inode
        if not is_complete(own) or file.path in written or _is_restamped(own, file):
            unread.append(file)
        elif is_renumbered and any(one.inode == file.inode for one in alike[_stamp(file)]):
            unread.append(file)  # Two names may have been swapped.
        elif is_renumbered or _tells_more(own, file):
            renumbered.append(_restamped(own, file))
        else:
            unchanged += 1

    for file in strange:
        twins = alike.get(_stamp(file), [])
        if (
            len(twins) == 1
            and twins[0].path in displaced
            and twins[0].inode == file.inode != 0
            and twins[0].sidecar == file.sidecar
            and is_complete(twins[0])
        ):
            alike[_stamp(file)] = []  # No other file can be it.
            del displaced[twins[0].path]
            moved.append(replace(_restamped(twins[0], file), path=file.path))
        else:
            unread.append(file)

    for file in strange:
        displaced.pop(file.path, None)  # Replaced, not gone.
    unread.sort(key=attrgetter("path"))
    unread.sort(key=attrgetter("modified"), reverse=True)
    return Changes(unchanged, moved, renumbered, unread, list(displaced.values()))


_Stamp = tuple[int, int]


def _stamp(file: Found | Photo) -> _Stamp:
    return file.size, file.modified


def _is_restamped(photo: Photo, file: Found) -> bool:
    """Return whether the status of a photo's file or sidecar changed, and so maybe its content."""
    return any(known is not None and now not in (0, known) for known, now in _times(photo, file))


def _tells_more(photo: Photo, file: Found) -> bool:
    """Return whether a time of the status is known now that was not."""
    return any(known is None and now for known, now in _times(photo, file))


def _times(photo: Photo, file: Found) -> Sequence[tuple[int | None, int]]:
    """Return the times of the status of a file and its sidecar, as they were known and are now."""
    return (photo.changed, file.changed), (photo.sidecar_changed, file.sidecar_changed)


def _restamped(photo: Photo, file: Found) -> Photo:
    """Return a photo with the inode and the times of the status that its file has now."""
    return replace(
        photo,
        inode=file.inode,
        changed=file.changed or None,
        sidecar_changed=file.sidecar_changed or None,
    )
