"""Photos moved to the system's trash, and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from photofind.app.kept_photos import KeptPhotos, is_content
from photofind.app.references import find_file, find_photo
from photofind.errors import DesktopError, LibraryError
from photofind.library.store import Store
from photofind.model import Failure, Trashing, Untrashing
from photofind.model.records import PRELIMINARY, Photo
from photofind.system.reach import Reach
from photofind.system.trash import TrashedFile, TrashHistory, look_at, move_to_trash, restore

__all__ = ["trash_photos", "untrash_photos"]


def trash_photos(
    library: Store,
    trash: TrashHistory,
    reach: Reach,
    photos: Sequence[int],
    kept: Sequence[int] = (),
) -> tuple[Trashing, list[TrashedFile]]:
    """Move photos to the trash, given their ids; also return the files that were moved.

    A file that has changed since it was indexed stays where it is, and so does one that comes to
    its place meanwhile, and one for which no other is kept that is whole. Where the kept one
    changes at the last moment, the other one is put back.

    Parameters
    ----------
    kept
        For each photo the one that is kept for it; nothing if none has to be.

    Raises
    ------
    LibraryError
        As many photos are not kept as are to be moved.
    """
    if kept and len(kept) != len(photos):
        raise LibraryError(
            f"{len(photos)} photos are to be moved, and {len(kept)} are kept for them"
        )
    stays = dict(zip(photos, kept, strict=True)) if kept else {}
    guard = KeptPhotos(library, reach, photos)
    trashed, moved, failures = [], [], []
    for photo in dict.fromkeys(photos):
        path = f"number {photo}"
        try:
            known = find_photo(library, photo)
            path = find_file(library, photo)
            seen = reach.call(path, look_at, path)
            if known.failure is None and not reach.call(
                path, _is_as_indexed, known, reach.folder_of(path)
            ):
                raise LibraryError(
                    f"{path} has changed since it was indexed", "look at it again first"
                )
            if photo in stays:
                guard.check(stays[photo], path)
            moved.append(reach.act(path, move_to_trash, seen))
            trashed.append(photo)
            if photo in stays:
                try:
                    guard.check_again(stays[photo], path)
                except (DesktopError, LibraryError):
                    reach.act(path, restore, moved[-1])
                    del moved[-1], trashed[-1]
                    raise
        except (DesktopError, LibraryError) as error:
            failures.append(Failure(path, str(error)))
    undo = trash.add(moved) if any(file.item for file in moved) else None
    return Trashing(tuple(trashed), tuple(failures), undo), moved


def untrash_photos(trash: TrashHistory, reach: Reach, undo: str | None) -> Untrashing:
    """Put photos back where they were.

    Parameters
    ----------
    trash
        Remembers what was moved.
    reach
        Touches the files.
    undo
        The token of a :class:`Trashing`; None for the last one.

    Raises
    ------
    DesktopError
        The token is unknown, or too old.
    """
    if undo is None:
        undo = next((one.token for one in trash.all()), None)
        if undo is None:
            raise DesktopError("there is nothing to put back", "look into the trash of your system")
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


def _is_as_indexed(photo: Photo, folder: str) -> bool:
    try:
        status = Path(photo.path).stat()
    except OSError:
        return True  # Moving it raises the reason.
    if (status.st_size, status.st_mtime_ns) != (photo.size, photo.modified):
        return False
    return status.st_ino == photo.inode or not photo.inode or _is_in_place(photo, folder)


def _is_in_place(photo: Photo, folder: str) -> bool:
    """Return whether no link below the added folder leads to a photo, and its content is the same.

    Some file systems give files new numbers. Else a folder that was exchanged by a link to its
    backup would have the backup moved.
    """
    real = Path(folder).resolve() / Path(photo.path).relative_to(folder)
    if Path(photo.path).resolve() != real:
        return False
    return photo.content.startswith(PRELIMINARY) or is_content(photo)
