"""The library: what is known of the photos, with one way to change it.

This is the seam at which another engine could stand: commit a batch, remove, look up, iterate.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from threading import RLock
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from photofind.errors import LibraryError, LockedError
from photofind.library.embedded.catalog import (
    Catalog,
    Folder,
    Photo,
    Space,
    Tags,
    innermost,
    undescribed,
    without_refusal,
)
from photofind.library.embedded.vectors import Vectors
from photofind.paths import Home, is_below, private_folder, remove_file
from photofind.system.disk import explained

__all__ = ["Library"]

# From here on, what is outdated is worth rewriting the rest for.
_DEAD_SHARE = 0.2
_OUTDATED_SHARE = 0.5
_SMALL = 1_000_000
_NO_VECTORS: Mapping[str, npt.NDArray[np.float32]] = {}


class Library:
    """The photos, folders, spaces and vectors of one home.

    Any number of processes read while one writes. Readers take no lock; each sees the last whole
    commit that was there when it was opened or last refreshed. Within a process, threads may share
    a library: writers wait for each other, readers wait for nobody.

    Parameters
    ----------
    home
        Where the files are. Opened for reading, a home that does not exist is an empty library.
    writable
        Whether to open it for writing: it is locked, and what a crash or damage left is repaired.

    Attributes
    ----------
    warnings
        What was found damaged, one line each, for the person whose library it is.

    Raises
    ------
    LockedError
        Another process has it open for writing.
    NewerFormatError
        It was written by a later version of photofind.
    LibraryError
        It cannot be read, or not written.
    """

    def __init__(self, home: Home, *, writable: bool = False) -> None:
        self.home = home
        self.warnings: list[str] = []
        self._writing = RLock()
        self._lock = ExitStack()
        self._vectors: dict[str, tuple[Space, Vectors]] = {}
        if writable:
            self._lock.enter_context(_locked(home))
        try:
            self._catalog = Catalog(home.catalog, writable=writable)
            self._storage = self._catalog.storage
            if self._storage.damage:
                self.warnings.append(self._storage.damage)
            if not self.spaces() and any(home.spaces.glob("*/vectors-*")):
                self.warnings.append(
                    f"{home.catalog} was lost or emptied; "
                    "add your folders again and run `photofind index`"
                )
            if writable:
                self._recover()
        except BaseException:
            self._lock.close()
            raise

    def close(self) -> None:
        """Close the library, and let others write to it."""
        with self._writing:
            self._vectors.clear()
            self._storage.close()
            self._lock.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def revision(self) -> int:
        """A number that grows with every commit and is never given twice."""
        return self._storage.revision

    def refresh(self) -> bool:
        """See what another process has committed since; return whether there was anything."""
        with self._writing:
            return self._storage.refresh()

    # Photos.

    def __len__(self) -> int:
        """Return how many photos there are, those that could not be indexed included."""
        return len(self._catalog)

    @property
    def failed(self) -> int:
        """How many photos could not be indexed."""
        return self._catalog.failed

    @property
    def preliminary(self) -> int:
        """Of how many photos only the embedded thumbnail was looked at so far."""
        return self._catalog.preliminary

    def photo_by_id(self, identifier: int) -> Photo | None:
        """Return the photo with this id."""
        return self._catalog.photo_by_id(identifier)

    def photo(self, path: str) -> Photo | None:
        """Return the photo at ``path``."""
        return self._catalog.photo(path)

    def photos(self, folder: str | None = None) -> Iterator[Photo]:
        """Iterate over all photos, or those in ``folder`` and below, as they are now."""
        return self._catalog.photos(folder)

    def count(self, folder: str) -> int:
        """Return how many photos below ``folder`` could be indexed, or wait to be."""
        return self._catalog.count(folder)

    def failures(self) -> Iterator[Photo]:
        """Iterate over the photos that could not be indexed."""
        return self._catalog.failures()

    def refusals(self) -> Iterator[Photo]:
        """Iterate over the photos that an extractor could not describe and may be to blame for."""
        return self._catalog.refusals()

    def refused(self, space: str) -> int:
        """Return how many photos the extractor of a space could not describe for that reason."""
        return self._catalog.refused[space]

    def lacking(self, space: str) -> int:
        """Return how many photos lack a vector of a space that its extractor has still to try."""
        described = int(self.references(space).sum())
        return len(self) - self._catalog.unreadable - described - self.refused(space)

    def preliminary_photos(self) -> Iterator[Photo]:
        """Iterate over the photos of which only the embedded thumbnail was looked at so far."""
        return self._catalog.preliminary_photos()

    def photos_with_content(self, content: str) -> list[Photo]:
        """Return the photos with this content, oldest first."""
        return self._catalog.with_content(content)

    def photos_of_row(self, space: str, row: int) -> list[Photo]:
        """Return the photos that refer to a row of a space, oldest first."""
        return self._catalog.at_row(space, row)

    def commit(
        self,
        photos: Iterable[Photo],
        space: str = "",
        vectors: Mapping[str, npt.NDArray[np.float32]] = _NO_VECTORS,
    ) -> list[Photo]:
        """Put photos into the library, with their vectors, all together or not at all.

        A photo replaces the one with its id, and whatever is at its path; a photo from the library
        with another path is thereby moved. Rows are found by content: a content that already has a
        row in a space keeps it, whatever the photos are called, and a photo that could not be
        indexed has none. Tags belong to rows: a content has those that its photos have, here or in
        the library, of the spaces in which it has a row. What a space has
        a row for, its extractor has not refused.

        Parameters
        ----------
        photos
            The photos; their ``rows`` are not looked at.
        space
            The space that the vectors belong to.
        vectors
            Vectors by content id, float32, (d,). Those that the space already has are not stored
            again.

        Returns
        -------
        list of Photo
            The photos as they are now in the library.

        Raises
        ------
        LibraryError
            The disk refused, or a vector does not fit the space. Nothing has changed, and the same
            can be tried again.
        """
        with self._writing:
            kept, gone = self._place(list(photos))
            rows: dict[str, dict[str, int]] = {}
            tags: dict[str, dict[str, Tags]] = {}
            for photo in kept:
                if photo.content and photo.failure is None:
                    if photo.content not in rows:
                        rows[photo.content], tags[photo.content] = self._described(photo.content)
                    tags[photo.content].update(photo.tags)
            new = [content for content in rows if content in vectors and space not in rows[content]]
            if new:
                first = self.vectors(space).append(np.stack([vectors[content] for content in new]))
                for row, content in enumerate(new, first):
                    rows[content][space] = row
            ids = gone.union(photo.id for photo in kept)
            twins = [
                photo
                for content in new
                for photo in self._catalog.with_content(content)
                if photo.id not in ids
            ]
            with self._storage.transaction():
                self._catalog.remove_photos(gone)
                if new:
                    self._catalog.put_space(replace(self.space(space), rows=first + len(new)))
                stored = [
                    self._catalog.put_photo(
                        _with_rows(photo, rows.get(photo.content, {}), tags.get(photo.content, {}))
                        if photo.failure is None
                        else replace(photo, rows={}, tags={})
                    )
                    for photo in kept + twins
                ]
            return stored[: len(kept)]

    def remove(self, photos: Iterable[Photo]) -> None:
        """Remove photos; the rows that none refers to any more are dead.

        Raises
        ------
        LibraryError
            The disk refused; nothing has changed.
        """
        with self._writing, self._storage.transaction():
            self._catalog.remove_photos([photo.id for photo in photos])

    def forget_refusals(self, *, space: str | None = None, folder: str | None = None) -> None:
        """Have photos tried again that an extractor could not describe.

        Parameters
        ----------
        space
            The id of the extractor's space; all of them where not given.
        folder
            Only photos in this folder and below.

        Raises
        ------
        LibraryError
            The disk refused; nothing has changed.
        """
        with self._writing:
            photos = [
                photo
                for photo in self.refusals()
                if (space is None or space in photo.refusals)
                and (folder is None or is_below(photo.path, folder))
            ]
            if photos:
                with self._storage.transaction():
                    for photo in photos:
                        self._catalog.put_photo(without_refusal(photo, space))

    # Folders.

    def folders(self) -> list[Folder]:
        """Return the folders, oldest first."""
        return self._catalog.folders()

    def folder_of(self, path: str) -> Folder | None:
        """Return the innermost folder that holds ``path``."""
        return innermost(self.folders(), path)

    def put_folder(self, folder: Folder) -> Folder:
        """Add a folder, or replace the one with its path; return it as it is now."""
        with self._writing, self._storage.transaction():
            return self._catalog.put_folder(folder)

    def remove_folder(self, path: str) -> None:
        """Remove the folder at ``path``; its photos stay until they are removed."""
        with self._writing, self._storage.transaction():
            self._catalog.remove_folder(path)

    # Spaces.

    def spaces(self) -> list[Space]:
        """Return the spaces."""
        return self._catalog.spaces()

    def space(self, identifier: str) -> Space:
        """Return a space by its id.

        Raises
        ------
        LibraryError
            There is none.
        """
        for space in self.spaces():
            if space.id == identifier:
                return space
        raise LibraryError(f"the library has no vectors of {identifier}", "run `photofind index`")

    def open_space(self, extractor: str, version: str, dimension: int, build: str = "") -> Space:
        """Return the space of an extractor, made where there is none.

        What it could not describe, another ``build`` of it tries again.

        Raises
        ------
        LibraryError
            The space keeps vectors of another dimension; or the disk refused.
        """
        with self._writing:
            space = Space(extractor, version, dimension, build=build)
            known = next((one for one in self.spaces() if one.id == space.id), None)
            if known is None:
                # Never a file that is there: what it holds is not known any more.
                space = replace(space, generation=1 + max(self._generations(space), default=0))
                with self._storage.transaction():
                    self._catalog.put_space(space)
                return space
            if known.dimension != dimension:
                raise LibraryError(
                    f"{space.id} makes vectors of {dimension} numbers, "
                    f"but made {known.dimension} before",
                    "an extractor needs a new version when its dimension changes",
                )
            if build != known.build:
                self.forget_refusals(space=known.id)
                known = replace(known, build=build)
                with self._storage.transaction():
                    self._catalog.put_space(known)
            return known

    def remove_space(self, identifier: str) -> None:
        """Remove a space with its vectors and its index.

        Raises
        ------
        LibraryError
            There is none, or the disk refused; nothing has changed.
        """
        with self._writing:
            space = self.space(identifier)
            with self._storage.transaction():
                self._catalog.remove_space(space)
            self._vectors.pop(identifier, None)
            # Windows keeps what a reader has open; nothing refers to it any more.
            shutil.rmtree(self.space_folder(identifier), ignore_errors=True)

    def space_folder(self, space: str) -> Path:
        """Return the folder that holds what belongs to a space."""
        return self.home.spaces / quote(space, safe="@+ ")

    def vectors(self, space: str) -> Vectors:
        """Return the vectors of a space as they are now.

        Raises
        ------
        LibraryError
            There is no such space, or its file cannot be read.
        """
        current = self.space(space)
        known = self._vectors.get(space)
        if known and known[0] == current:
            return known[1]
        vectors = self._open_vectors(current)
        if not vectors.is_whole:
            if self.refresh():  # It was reclaimed meanwhile.
                return self.vectors(space)
            self.warnings.append(
                f"{vectors.path} is damaged; the next `photofind index` repairs it"
            )
        self._vectors[space] = current, vectors
        return vectors

    def rest(self) -> None:
        """Let go of the vectors that are open: what was read of them counts as this process's."""
        with self._writing:
            self._vectors.clear()

    def references(self, space: str) -> npt.NDArray[np.int32]:
        """Return how many photos refer to each row of a space, (rows,)."""
        return self._catalog.references(self.space(space))

    def snapshot(self, space: str) -> tuple[int, Space, Vectors, npt.NDArray[np.int32]]:
        """Return the revision, a space, its vectors and its references as of the same commit."""
        with self._writing:
            return self.revision, self.space(space), self.vectors(space), self.references(space)

    def live_rows(self, space: str) -> npt.NDArray[np.int64]:
        """Return the rows that photos refer to, ascending, (n,)."""
        return np.flatnonzero(self.references(space))

    def dead_rows(self, space: str) -> npt.NDArray[np.int64]:
        """Return the rows that no photo refers to, ascending, (n,)."""
        return np.flatnonzero(self.references(space) == 0)

    # Upkeep.

    def verify(self) -> int:
        """Read all vectors, forget the damaged ones, and return how many photos lost one.

        Photos without a row are embedded again by the next run of the indexing.
        """
        with self._writing:
            return sum(
                self._forget(space, self.vectors(space.id).damaged()) for space in self.spaces()
            )

    def reclaim(self) -> bool:
        """Give dead rows and outdated documents back to the disk, where they are many.

        Returns
        -------
        bool
            Whether anything was rewritten. Rows of a new generation are numbered anew.

        Raises
        ------
        LibraryError
            The disk refused; what was there is still in use.
        """
        with self._writing:
            revision, size = self.revision, self._storage.size
            for space in self.spaces():
                if len(self.dead_rows(space.id)) > _DEAD_SHARE * space.rows:
                    self._rewrite_vectors(space)
            if self._storage.size > max(_SMALL, self._storage.live_size / _OUTDATED_SHARE):
                self._storage.compact()
            return (revision, size) != (self.revision, self._storage.size)

    def _recover(self) -> None:
        """Repair what a crash or damage left."""
        for leftover in self.home.root.glob(f".{self.home.catalog.name}.*.new"):
            remove_file(leftover)
        for space in self.spaces():
            self._remove_outdated(space)
            vectors = self._open_vectors(space)
            if (self._storage.damage or self._storage.torn) and vectors.on_disk > space.rows:
                # A lost transaction may have told others of these rows: none is given twice.
                space = replace(space, rows=vectors.on_disk)
                with self._storage.transaction():
                    self._catalog.put_space(space)
                vectors = self._open_vectors(space)
            if not vectors.is_whole:
                self.warnings.append(f"{vectors.path} is damaged")
                self._forget(space, vectors.repair().damaged())

    def _place(self, photos: list[Photo]) -> tuple[list[Photo], set[int]]:
        """Return the photos to put, one a path, with their ids, and the ids that they displace."""
        batch = {photo.path: photo for photo in photos}
        named = {photo.id for photo in photos if photo.id}
        there = {path: known.id for path in batch if (known := self.photo(path))}
        kept = []
        for path, photo in batch.items():
            # What is there may itself be moved elsewhere by this batch.
            displaced = there.get(path, 0)
            kept.append(replace(photo, id=photo.id or (0 if displaced in named else displaced)))
        return kept, named.union(there.values()).difference(photo.id for photo in kept)

    def _described(self, content: str) -> tuple[dict[str, int], dict[str, Tags]]:
        """Return the rows and the tags of a content, by space."""
        rows: dict[str, int] = {}
        tags: dict[str, Tags] = {}
        for photo in self._catalog.with_content(content):
            rows.update(photo.rows)
            tags.update(photo.tags)
        return rows, tags

    def _forget(self, space: Space, rows: npt.NDArray[np.int64]) -> int:
        """Take rows from the photos that refer to them; return how many photos those are."""
        photos = [
            photo
            for row in np.intersect1d(rows, self.live_rows(space.id)).tolist()
            for photo in self.photos_of_row(space.id, row)
        ]
        if photos:
            with self._storage.transaction():
                for photo in photos:
                    self._catalog.put_photo(undescribed(photo, space.id))
            self.warnings.append(
                f"the vectors of {len(photos)} photos in {space.id} were damaged; "
                "indexing makes them again"
            )
        return len(photos)

    def _rewrite_vectors(self, space: Space) -> None:
        vectors = self.vectors(space.id)
        self._forget(space, vectors.damaged())
        live = self.live_rows(space.id)
        new = replace(space, generation=space.generation + 1, rows=len(live))
        path = self._vectors_path(new)
        vectors.copy(live, path)
        renumbered = dict(zip(live.tolist(), range(len(live)), strict=True))
        try:
            with self._storage.transaction(rewrite=True):
                for photo in self.photos():
                    if space.id in photo.rows:
                        rows = {**photo.rows, space.id: renumbered[photo.rows[space.id]]}
                        self._catalog.put_photo(replace(photo, rows=rows))
                self._catalog.put_space(new)
        except BaseException:
            remove_file(path)
            raise
        self._vectors.pop(space.id, None)
        self._remove_outdated(new)

    def _vectors_path(self, space: Space) -> Path:
        return self.space_folder(space.id) / f"vectors-{space.generation}"

    def _open_vectors(self, space: Space) -> Vectors:
        return Vectors(self._vectors_path(space), space.dimension, space.rows)

    def _generations(self, space: Space) -> list[int]:
        files = self.space_folder(space.id).glob("vectors-*")
        return [int(file.name.removeprefix("vectors-")) for file in files]

    def _remove_outdated(self, space: Space) -> None:
        """Remove files of vectors that the catalog does not name, and half-written ones."""
        folder = self.space_folder(space.id)
        for path in [*folder.glob("vectors-*"), *folder.glob(".vectors-*.new")]:
            if path != self._vectors_path(space):
                # Windows keeps a file that a reader has open; the next writer tries again.
                with suppress(PermissionError):
                    remove_file(path)


def _with_rows(photo: Photo, rows: Mapping[str, int], tags: Mapping[str, Tags]) -> Photo:
    """Return a photo with these rows, the tags that go with them, and no refusals of theirs."""
    return replace(
        photo,
        rows=rows,
        tags={space: tags[space] for space in rows if tags.get(space)},
        refusals={space: why for space, why in photo.refusals.items() if space not in rows},
    )


def _locked(home: Home) -> AbstractContextManager[object]:
    """Lock a home for writing, until the end of the context."""
    from filelock import FileLock, Timeout  # Takes long to import, and readers do without.

    with explained(home.lock):
        private_folder(home.root)
        try:
            return FileLock(home.lock, mode=0o600, thread_local=False).acquire(blocking=False)
        except Timeout:
            raise LockedError(
                f"another photofind is writing to the library in {home.root}",
                "wait until it is done, or end it, and run the same again",
            ) from None
