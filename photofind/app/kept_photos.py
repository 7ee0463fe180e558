"""The photos that are kept for others, which go to the trash: each is there, and whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from photofind.app.references import find_file, find_photo
from photofind.errors import DesktopError
from photofind.images.reading import content_hash
from photofind.library.store import Store
from photofind.model.records import Photo
from photofind.system.reach import Reach

__all__ = ["KeptPhotos", "is_content"]


_Seen = tuple[int, int, int, int, int]


class KeptPhotos:
    """Looks at photos that are kept, so that none goes without another one that stays.

    Parameters
    ----------
    library
        Knows the photos.
    reach
        Touches their files.
    going
        The ids of all that are to go.
    """

    def __init__(self, library: Store, reach: Reach, going: Collection[int]) -> None:
        self._library = library
        self._reach = reach
        self._going = frozenset(going)
        self._read: dict[int, _Seen] = {}

    def check(self, photo: int, path: str) -> None:
        """See that a photo is there for the one at a path, which goes.

        It is read whole once, and looked at each time.

        Raises
        ------
        LibraryError, DesktopError
            It cannot be kept for the other one, and why.
        """
        known = find_photo(self._library, photo)
        kept = find_file(self._library, photo)
        if photo in self._going:
            raise _stays(path, f"{kept} is to go too")
        if known.failure is not None or known.preliminary or not known.content:
            raise _stays(path, f"{kept} has not been read whole")
        reason = self._reach.call(kept, self._look, known, path)
        if reason is not None:
            raise _stays(path, reason)

    def check_again(self, photo: int, path: str) -> None:
        """See that the photo that was checked last is as it was, once the one at a path has gone.

        Raises
        ------
        LibraryError, DesktopError
            It is not, so the other one has to come back.
        """
        kept = find_photo(self._library, photo).path
        if self._reach.call(kept, _seen, kept) != self._read[photo]:
            raise _stays(path, f"{kept} changed at that moment")

    def _look(self, known: Photo, path: str) -> str | None:
        """Return why a photo does not stand for the one at a path; None if it does."""
        try:
            if Path(known.path).is_symlink():
                return f"{known.path} is a link, not a file of its own"
            if Path(known.path).samefile(path):
                return f"{known.path} is the same file by another name"
        except OSError as error:
            return f"{known.path} cannot be kept for it: {error.strerror}"
        seen = _seen(known.path)
        if seen is None or (self._read.get(known.id) != seen and not is_content(known)):
            return f"{known.path} has changed since it was indexed, or cannot be read"
        self._read[known.id] = seen
        return None


def is_content(photo: Photo) -> bool:
    """Return whether the file of a photo holds the content that was indexed; reads it whole."""
    with suppress(OSError), Path(photo.path).open("rb") as file:
        return hashlib.file_digest(file, content_hash).hexdigest() == photo.content
    return False


def _seen(path: str) -> _Seen | None:
    """Return what tells a file from another one, and from itself once it has changed."""
    with suppress(OSError):
        status = os.lstat(path)
        return (
            status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns,
        )  # fmt: skip
    return None  # It is not there.


def _stays(path: str, reason: str) -> DesktopError:
    return DesktopError(f"{path} stays where it is: {reason}", "choose another photo to keep")
