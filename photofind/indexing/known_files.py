"""What is known of the files of many photos, in little memory: which of them are as they were."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import fields
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from photofind.indexing.scan import Found
from photofind.model.records import Photo

__all__ = ["KnownFiles", "file_of", "stamp_of"]

Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# Also what makes no difference to whether two files are equal, such as the time of the status.
_all_fields = attrgetter(*(field.name for field in fields(Found)))

# In the place of the mark of what has to be compared whatever its file is like.
_NONE = 0


class KnownFiles:
    """Hashes of all that tells whether the file of a photo is as it was, at 24 bytes a photo.

    Nothing of it changes: threads may share it.

    Parameters
    ----------
    photos
        Each is looked at once and not kept.
    is_complete
        Returns whether a photo need not be read again while its file stays the same.
    """

    def __init__(
        self, photos: Iterable[Photo], is_complete: Callable[[Photo], bool] = lambda photo: True
    ) -> None:
        marks, stamps, ids = array("q"), array("q"), array("q")
        for photo in photos:
            is_comparable = photo.away is None and is_complete(photo)
            marks.append(_mark_of(file_of(photo)) if is_comparable else _NONE)
            stamps.append(stamp_of(photo))
            ids.append(photo.id)
        order = np.argsort(np.array(marks, np.int64))
        self._marks = np.array(marks, np.int64)[order]
        self._stamps = np.array(stamps, np.int64)[order]
        self._ids = np.array(ids, np.int64)[order]
        is_same = self._marks[1:] == self._marks[:-1]  # As where there are two photos of one file.
        self._tells = self._marks != _NONE
        self._tells[1:] &= ~is_same
        self._tells[:-1] &= ~is_same

    def __len__(self) -> int:
        return len(self._ids)

    def places(self, files: Sequence[Found]) -> Places:
        """Return the place of the photo that each of some files is, just as known, (n,); or -1."""
        if not len(self):
            return np.full(len(files), -1)
        marks = np.fromiter(map(_mark_of, files), np.int64, len(files))
        places = np.minimum(np.searchsorted(self._marks, marks), len(self) - 1)
        return np.where((self._marks[places] == marks) & self._tells[places], places, -1)

    def ids(self, places: Places | Mask) -> list[int]:
        """Return the ids of the photos at some places."""
        chosen: list[int] = self._ids[places].tolist()
        return chosen

    def alike(self, stamps: Collection[int]) -> Mask:
        """Return which photos have one of some stamps, (n,)."""
        return np.isin(self._stamps, np.fromiter(stamps, np.int64, len(stamps)))


def file_of(photo: Photo) -> Found:
    """Return the file of a photo as it is known."""
    return Found(
        photo.path,
        photo.size,
        photo.modified,
        photo.inode,
        photo.sidecar,
        photo.changed or 0,
        photo.sidecar_changed or 0,
    )


def stamp_of(file: Found | Photo) -> int:
    """Return a hash of the size and the time of a file."""
    return hash((file.size, file.modified))


def _mark_of(file: Found) -> int:
    return hash(_all_fields(file))
