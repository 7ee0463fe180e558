"""Files that wait to be read, in one queue for each reason to read them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence

from photofind.indexing.extractor_queues import ExtractorQueue
from photofind.indexing.filling import Filling
from photofind.indexing.reading import Contents
from photofind.indexing.scan import Found
from photofind.library.store import Store
from photofind.model.filters import Filter
from photofind.model.records import Photo, innermost

__all__ = ["FEW", "Backlog"]

FEW = 64
"""So many new photos are read as they are; more are a backlog."""


class Backlog:
    """Files that are to be read.

    Parameters
    ----------
    store
        Read only.
    only
        The paths of the folders to read known photos of; all where not given.

    Attributes
    ----------
    urgent
        A few, that have just come or changed.
    new
        Of many that have come or changed, those that were not read at all; the newest first.
    without_thumbnail
        Those of them without a thumbnail inside: they have to be read whole.
    refine
        Preliminary photos.
    unmarked
        Photos that an older photofind embedded without a fingerprint.
    refining, marking
        How far photos were taken into ``refine`` and ``unmarked``.
    contents
        Contents that some of the files may have and that need not be embedded again.
    """

    def __init__(self, store: Store, only: Collection[str] | None = None) -> None:
        self._store = store
        self._only = only
        self.refining, self.marking = Filling(), Filling()
        self._marked: set[str] = set()  # Paths that were in ``unmarked``: none is read twice.
        self.urgent: dict[str, Found] = {}
        self.new: dict[str, Found] = {}
        self.without_thumbnail: dict[str, Found] = {}
        self.refine: dict[str, Found] = {}
        self.unmarked: dict[str, Found] = {}
        self.contents: Contents = defaultdict(set)

    def __len__(self) -> int:
        """Return how many files wait to be read for the first time."""
        return len(self.urgent) + len(self.new) + len(self.without_thumbnail)

    def take_in(self, files: Sequence[Found], *, many: bool = False) -> None:
        """Note files that are to be read; with ``many`` they are a backlog however few."""
        if not many and len(files) + len(self.urgent) <= FEW:
            self.urgent.update((file.path, file) for file in files)
            return
        every = {**self.new, **{file.path: file for file in files}}
        newest = sorted(every.values(), key=lambda file: file.modified, reverse=True)
        self.new = {file.path: file for file in newest}

    def drop(self, is_dropped: Callable[[str], bool]) -> list[str]:
        """Drop files for which ``is_dropped`` is true of their path; return their paths."""
        dropped: list[str] = []
        for files in (self.urgent, self.new, self.without_thumbnail, self.refine, self.unmarked):
            paths = [path for path in files if is_dropped(path)]
            for path in paths:
                del files[path]
            dropped += paths
        return dropped

    def has_preliminary(self) -> bool:
        """Return whether there is something in ``refine``, which is filled where it can be."""
        if not self.refine and self._store.counts().preliminary:
            self.refine = self._filled(self.refining, Filter(preliminary=True))
        return bool(self.refine)

    def has_unmarked(self) -> bool:
        """Return whether there is something in ``unmarked``, which is filled where it can be."""
        is_any_left = self.marking.left or self._store.counts().unmarked > len(self._marked)
        if not self.unmarked and is_any_left:
            self.unmarked = self._filled(self.marking, Filter(unmarked=True), self._marked)
            self._marked.update(self.unmarked)
        return bool(self.unmarked)

    def lacks(self, queue: ExtractorQueue) -> bool:
        """Return whether there is something in an extractor's queue, filled where it can be."""
        if not queue.files and self._store.space_counts(queue.space).lacking:
            queue.files = self._filled(queue.filling, Filter(lacking=queue.space))
        return bool(queue.files)

    def _filled(
        self, filling: Filling, where: Filter, but: Collection[str] = ()
    ) -> dict[str, Found]:
        """Return the next files of photos that a filter lets pass and that can be reached."""
        files: dict[str, Found] = {}
        # Those that were left may have been read meanwhile: then it begins again.
        while not files and filling.is_due(version := self._store.version):
            photos = (photo for photo in self._reachable(where) if photo.path not in but)
            files = filling.take(photos, version)
        return files

    def _reachable(self, where: Filter) -> Iterator[Photo]:
        """Iterate over the photos that a filter lets pass, without those out of reach."""
        folders = self._store.folders()
        online = [folder for folder in folders if folder.state != "offline"]
        if folders and not online:
            return
        offline = tuple(
            os.path.join(folder.path, "")  # noqa: PTH118
            for folder in folders
            if folder.state == "offline"
        )
        for photo in self._store.select(where):
            if photo.away is not None or photo.path.startswith(offline):
                continue
            if self._only is not None:
                folder = innermost(folders, photo.path)
                if folder is None or folder.path not in self._only:
                    continue
            yield photo
