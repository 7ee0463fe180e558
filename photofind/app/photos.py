"""What is known of the photos of the library."""

from __future__ import annotations

from photofind.library.embedded.catalog import Photo
from photofind.library.embedded.library import Library
from photofind.model import Failure, PhotoDetails, Tag

__all__ = ["details", "failures"]


def details(library: Library, photo: Photo) -> PhotoDetails:
    """Return what is known of a photo."""
    folder = library.folder_of(photo.path)
    tags = [
        Tag(name, confidence, space)
        for space, confidences in photo.tags.items()
        for name, confidence in confidences.items()
    ]
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
        keywords=photo.keywords,
        caption=photo.caption,
        failure=photo.failure,
        offline=folder is not None and folder.state == "offline",
        preliminary=photo.preliminary,
        spaces=tuple(photo.rows),
        tags=tuple(sorted(tags, key=lambda tag: -tag.confidence)),
    )


def failures(library: Library) -> list[Failure]:
    """Return the photos that could not be indexed, and those that an extractor refused, by path."""
    found = [
        Failure(photo.path, photo.failure)
        for photo in library.failures()
        if photo.failure is not None and not photo.refusals
    ]
    extractors = {space.id: space.extractor for space in library.spaces()}
    found += [
        Failure(photo.path, reason, extractors.get(space, space))
        for photo in library.refusals()
        for space, reason in photo.refusals.items()
    ]
    return sorted(found, key=lambda failure: (failure.path, failure.extractor or ""))
