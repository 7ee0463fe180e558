"""Photos moved to the system's trash, and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from photofind.app.references import find_file, find_photo
from photofind.errors import DesktopError, LibraryError
from photofind.library.store import Store
from photofind.model import Failure, Trashing, Untrashing
from photofind.model.records import Photo
from photofind.system.reach import Reach
from photofind.system.trash import TrashedFile, TrashHistory, move_to_trash, restore

__all__ = ["trash_photos", "untrash_photos"]


def trash_photos(
    library: Store, trash: TrashHistory, reach: Reach, photos: Sequence[int]
) -> tuple[Trashing, list[TrashedFile]]:
    """Move photos to the trash, given their ids; also return the files that were moved.

    A file that has changed since it was indexed stays where it is.
    """
    trashed, moved, failures = [], [], []
    for photo in dict.fromkeys(photos):
        path = f"number {photo}"
        try:
            known = find_photo(library, photo)
            path = find_file(library, photo)
            if known.failure is None and not reach.call(path, _is_as_indexed, known):
                raise LibraryError(
                    f"{path} has changed since it was indexed", "look at it again first"
                )
            moved.append(reach.act(path, move_to_trash, path))
            trashed.append(photo)
        except (DesktopError, LibraryError) as error:
            failures.append(Failure(path, str(error)))
    undo = trash.add(moved) if any(file.item for file in moved) else None
    return Trashing(tuple(trashed), tuple(failures), undo), moved


def untrash_photos(trash: TrashHistory, reach: Reach, undo: str) -> Untrashing:
    """Put photos back where they were.

    Parameters
    ----------
    trash
        Remembers what was moved.
    reach
        Touches the files.
    undo
        The token of a :class:`Trashing`.

    Raises
    ------
    DesktopError
        The token is unknown, or too old.
    """
    restored, left, failures = [], [], []
    for file in trash.pop(undo):
        try:
            reach.act(file.path, restore, file)
            restored.append(file.path)
        except (DesktopError, LibraryError) as error:
            left.append(file)
            failures.append(Failure(file.path, str(error)))
    again = trash.add(left, undo) if any(file.item for file in left) else None
    return Untrashing(tuple(restored), tuple(failures), again)


def _is_as_indexed(photo: Photo) -> bool:
    try:
        status = Path(photo.path).stat()
    except OSError:
        return True  # Moving it raises the reason.
    return (status.st_size, status.st_mtime_ns) == (photo.size, photo.modified)
