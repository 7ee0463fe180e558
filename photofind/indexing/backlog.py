"""Files that wait to be read, and what describes them: one queue for each reason to read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from photofind.indexing.reading import Departed, Reader
from photofind.indexing.scan import Found
from photofind.library.embedded.catalog import Photo
from photofind.library.embedded.library import Library

__all__ = ["FEW", "Backlog", "Describer"]

FEW = 64
"""So many new photos are read as they are; more are a backlog."""


@dataclass
class Describer:
    """An extractor that is to describe every photo, and the photos that lack its vector.

    Parameters
    ----------
    extractor, space
        Its name, and the id of the space that its vectors belong to.
    reader
        Reads with it.
    departed
        Photos that are gone, for the reader.
    queue
        Photos that are known and that it is to describe, by path.
    derived
        The revision of the library at which the queue was filled last.
    """

    extractor: str
    space: str
    reader: Reader
    departed: Departed
    queue: dict[str, Found] = field(default_factory=dict)
    derived: int = -1


class Backlog:
    """Files that are to be read.

    Attributes
    ----------
    urgent
        A few, that have just come or changed.
    new
        Of many that have come or changed, those that nobody has looked at; the newest first.
    rest
        Those of them that carry no thumbnail: they have to be read whole.
    refine
        Photos whose vectors were made of their thumbnails.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._refined = -1  # The revision at which `refine` was filled last.
        self.urgent: dict[str, Found] = {}
        self.new: dict[str, Found] = {}
        self.rest: dict[str, Found] = {}
        self.refine: dict[str, Found] = {}

    def __len__(self) -> int:
        """Return how many files wait to be looked at for the first time."""
        return len(self.urgent) + len(self.new) + len(self.rest)

    def take_in(self, files: Sequence[Found], *, many: bool = False) -> None:
        """Note files that are to be read; with ``many`` they are a backlog however few."""
        if not many and len(files) + len(self.urgent) <= FEW:
            self.urgent.update((file.path, file) for file in files)
            return
        every = {**self.new, **{file.path: file for file in files}}
        newest = sorted(every.values(), key=lambda file: file.modified, reverse=True)
        self.new = {file.path: file for file in newest}

    def has_preliminary(self) -> bool:
        """Return whether there is something in ``refine``, which is filled where it can be."""
        library = self._library
        if not self.refine and library.preliminary and self._refined != library.revision:
            self._refined = library.revision
            self.refine = self._files(library.preliminary_photos())
        return bool(self.refine)

    def lacks(self, describer: Describer) -> bool:
        """Return whether there is something in its queue, which is filled where it can be."""
        library = self._library
        if describer.queue:
            return True
        if describer.derived == library.revision:
            return False
        describer.derived = library.revision
        space = describer.space
        if library.lacking(space):
            describer.queue = self._files(
                photo
                for photo in library.photos()
                if (photo.failure is None or photo.refusals)
                and not photo.preliminary
                and space not in photo.rows
                and space not in photo.refusals
            )
        return bool(describer.queue)

    def _files(self, photos: Iterable[Photo]) -> dict[str, Found]:
        """Return the files of photos that can be reached, the newest first."""
        offline = tuple(
            os.path.join(folder.path, "")  # noqa: PTH118
            for folder in self._library.folders()
            if folder.state == "offline"
        )
        newest = sorted(photos, key=lambda photo: photo.modified, reverse=True)
        return {
            photo.path: Found(photo.path, photo.size, photo.modified, photo.inode, photo.sidecar)
            for photo in newest
            if not photo.path.startswith(offline)
        }
