"""References to photos, resolved: the one place that knows ids and paths."""

from __future__ import annotations

from dataclasses import replace

from photofind.errors import LibraryError
from photofind.library.store import Store
from photofind.model import Query
from photofind.model.records import Photo
from photofind.model.references import PhotoNotFoundError

__all__ = ["find_file", "find_photo", "path_here", "with_paths"]


def find_photo(library: Store, photo: int | str) -> Photo:
    """Return a photo, given its id or its absolute path.

    Raises
    ------
    PhotoNotFoundError
        It is not in the library.
    """
    if isinstance(photo, int):
        name, known = f"number {photo}", library.by_id([photo]).get(photo)
    else:
        name, known = photo, library.by_path([photo]).get(photo)
    if known is None:
        raise PhotoNotFoundError(f"there is no photo {name} in the library")
    return known


def find_file(library: Store, photo: int | str) -> str:
    """Return the path of the file of a photo, given its id or its absolute path.

    Raises
    ------
    PhotoNotFoundError
        It is not in the library.
    LibraryError
        It is away.
    """
    return path_here(find_photo(library, photo))


def path_here(known: Photo) -> str:
    """Return the path of a photo whose file is within reach.

    Raises
    ------
    LibraryError
        It is away.
    """
    if known.away is not None:
        raise LibraryError(
            f"{known.path} is on another drive than the one that is there now",
            "connect the drive that holds it",
        )
    return known.path


def with_paths(library: Store, query: Query) -> Query:
    """Return a query that names its photos by their paths; those that are away keep their ids.

    Raises
    ------
    PhotoNotFoundError
        A photo that it names by id is not in the library.
    """

    def named(photo: int | str) -> int | str:
        if not isinstance(photo, int):
            return photo
        known = find_photo(library, photo)
        return known.path if known.away is None else known.id

    def paths(photos: tuple[int | str, ...]) -> tuple[int | str, ...]:
        return tuple(map(named, photos))

    return replace(query, like=paths(query.like), unlike=paths(query.unlike))
