"""References to photos, resolved: the one place that knows ids and paths."""

from __future__ import annotations

from dataclasses import replace

from photofind.library.store import Store
from photofind.model import Query
from photofind.model.records import Photo
from photofind.model.references import PhotoNotFoundError

__all__ = ["find_photo", "with_paths"]


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


def with_paths(library: Store, query: Query) -> Query:
    """Return a query that names its photos by their paths.

    Raises
    ------
    PhotoNotFoundError
        A photo that it names by id is not in the library.
    """

    def paths(photos: tuple[int | str, ...]) -> tuple[str, ...]:
        return tuple(
            find_photo(library, one).path if isinstance(one, int) else one for one in photos
        )

    return replace(query, like=paths(query.like), unlike=paths(query.unlike))
