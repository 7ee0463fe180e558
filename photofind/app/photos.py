"""What is known of the photos of the library."""

from __future__ import annotations

from collections.abc import Iterable

from photofind.library.store import Store
from photofind.model import Failure, PhotoDetails, Tag
from photofind.model.filters import Filter
from photofind.model.hierarchy import folded
from photofind.model.records import Folder, Photo, innermost, is_offline
from photofind.model.words import shown_in

__all__ = ["details", "failures"]


def details(folders: Iterable[Folder], photo: Photo) -> PhotoDetails:
    """Return what is known of a photo that lies in one of some folders."""
    folder = innermost(folders, photo.path)
    rejected = {folded(name) for name, is_right in photo.said.items() if not is_right}
    return PhotoDetails(
        id=photo.id,
        path=photo.path,
        size=photo.size,
        modified=photo.modified,
        width=photo.width,
        height=photo.height,
        format=photo.format,
        captured=photo.captured,
        camera=photo.camera,
        latitude=photo.latitude,
        longitude=photo.longitude,
        keywords=tuple(one for one in photo.keywords if folded(one) not in rejected),
        caption=photo.caption,
        failure=photo.failure,
        offline=is_offline(photo, folder),
        preliminary=photo.preliminary,
        spaces=photo.spaces,
        tags=tuple(
            Tag(word.name, word.confidence, word.space, word.is_confirmed)
            for word in shown_in(photo)
        ),
        rejected=tuple(name for name, is_right in photo.said.items() if not is_right),
        note=photo.note,
    )


def failures(library: Store) -> list[Failure]:
    """Return the photos that could not be indexed, and those that an extractor refused, by path.

    After them come those that are indexed and of which a part could not be read.
    """
    found = [
        Failure(photo.path, photo.failure, retry=_retry(photo))
        for photo in library.select(Filter(failed=True))
        if photo.failure is not None and not photo.refusals
    ]
    extractors = {space.id: space.extractor for space in library.spaces()}
    found += [
        Failure(photo.path, reason, extractors.get(space, space), _retry(photo))
        for photo in library.select(Filter(refused=True))
        for space, reason in photo.refusals.items()
    ]
    found += [
        Failure(photo.path, photo.note, is_note=True)
        for photo in library.select(Filter(failed=False, noted=True))
        if photo.note is not None
    ]
    return sorted(found, key=lambda one: (one.is_note, one.path, one.extractor or ""))


def _retry(photo: Photo) -> int | None:
    return photo.retry.at if photo.retry else None
