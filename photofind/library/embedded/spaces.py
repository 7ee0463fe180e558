"""The embedding spaces of a library on disk: their folders, and the vectors as of a commit."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from photofind.errors import LibraryError
from photofind.library.embedded.catalog import Catalog
from photofind.library.embedded.contents import RowContents
from photofind.library.embedded.problems import Problems
from photofind.library.embedded.records import StoredSpace
from photofind.library.embedded.stable_file import status_of
from photofind.library.embedded.vectors import Vectors
from photofind.paths import Home, remove_file
from photofind.system.disk import explain_disk_errors

__all__ = ["Snapshot", "Spaces"]

Stamp = tuple[int, int, int, int] | None


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A space as of one commit.

    Parameters
    ----------
    revision
        The revision of the catalog.
    space, vectors
        The space and its vectors, those that no photo refers to included.
    photos
        How many photos refer to each row, (rows,).
    """

    revision: int
    space: StoredSpace
    vectors: Vectors
    photos: npt.NDArray[np.int32]
    _contents: RowContents

    @cached_property
    def live(self) -> npt.NDArray[np.bool_]:
        """Which rows photos refer to, (rows,); not to be changed."""
        live: npt.NDArray[np.bool_] = self.photos > 0
        return live

    @cached_property
    def live_rows(self) -> npt.NDArray[np.int64]:
        """The rows that photos refer to, ascending, (n,)."""
        return np.flatnonzero(self.photos)

    def contents(self, rows: npt.NDArray[np.int64]) -> list[str]:
        """Return the contents of rows (n,); "" for those that no photo refers to any more."""
        return self._contents.contents(rows)

    def digests(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
        """Return the digests of the contents of rows (n,); 0 where no photo refers to them."""
        return self._contents.digests(rows)

    def read(self, rows: npt.NDArray[np.int64]) -> tuple[list[str], npt.NDArray[np.float32]]:
        """Return the contents and the vectors of rows (n,) that photos still refer to."""
        contents = self.contents(rows)
        there = [place for place, content in enumerate(contents) if content]
        return [contents[place] for place in there], self.vectors.rows(rows[there])

    def rows(self, contents: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the rows of contents, (n,); -1 for those that have none here."""
        rows = self._contents.rows(contents)
        return np.where(rows < self.space.rows, rows, -1)


class Spaces:
    """The spaces of one library, and their files.

    Parameters
    ----------
    home
        Where the files are.
    catalog
        What says which rows are committed.
    writing
        Held by the thread that changes the library.
    problems
        Told what is found damaged.
    """

    def __init__(
        self,
        home: Home,
        catalog: Catalog,
        writing: AbstractContextManager[object],
        problems: Problems,
    ) -> None:
        self._home = home
        self._catalog = catalog
        self._writing = writing
        self._problems = problems
        self._folders: dict[str, Path] = {}  # They are asked for several times with each query.
        self._vectors: dict[str, tuple[StoredSpace, Vectors]] = {}
        self._snapshots: dict[str, Snapshot] = {}
        # How the files were when all their rows were verified, or written by this process.
        self._stamps: dict[Path, Stamp] = {}

    def get(self, identifier: str) -> StoredSpace:
        """Return a space by its id.

        Raises
        ------
        LibraryError
            There is none.
        """
        for space in self._catalog.spaces():
            if space.id == identifier:
                return space
        raise LibraryError(f"the library has no vectors of {identifier}", "run `photofind index`")

    def folder(self, identifier: str) -> Path:
        """Return the folder that holds what belongs to a space."""
        folder = self._folders.get(identifier)
        if folder is None:
            folder = self._home.spaces / quote(identifier, safe="@+ ")
            self._folders[identifier] = folder
        return folder

    def file(self, space: StoredSpace) -> Path:
        """Return the file that holds the vectors of a space."""
        return self.folder(space.id) / f"vectors-{space.generation}"

    def open(self, space: StoredSpace) -> Vectors:
        """Return the vectors of a space, whether they are whole or not."""
        return Vectors(self.file(space), space.dimension, space.rows)

    def vectors(self, identifier: str) -> Vectors:
        """Return the vectors of a space as they are now.

        Raises
        ------
        LibraryError
            There is no such space, or its file cannot be read.
        """
        current = self.get(identifier)
        known = self._vectors.get(identifier)
        if known and known[0] == current:
            return known[1]
        vectors = self.open(current)
        if not vectors.is_whole:
            with self._writing:
                if self._catalog.storage.refresh():  # It was reclaimed in the meantime.
                    return self.vectors(identifier)
            self._problems.add(
                f"{vectors.path} is damaged; the next `photofind index` repairs it",
                lambda: self.open(self.get(identifier)).is_whole,
            )
        self._vectors[identifier] = current, vectors
        return vectors

    def snapshot(self, identifier: str) -> Snapshot:
        """Return a space as of the last commit.

        Raises
        ------
        LibraryError
            As :meth:`vectors`.
        """
        known = self._snapshots.get(identifier)
        if known is not None and known.revision == self._catalog.storage.revision:
            return known
        with self._writing:
            vectors, space = self.vectors(identifier), self.get(identifier)
            snapshot = Snapshot(
                self._catalog.storage.revision,
                space,
                vectors,
                self._catalog.references(space),
                self._catalog.contents(identifier),
            )
            self._snapshots[identifier] = snapshot
            return snapshot

    def append(
        self, identifier: str, vectors: npt.NDArray[np.float32], digests: Sequence[int]
    ) -> int:
        """Write vectors of contents with these digests; return the row of the first."""
        space = self.get(identifier)
        path, is_new = self.file(space), not space.rows
        is_known = self._stamps.get(path, ...) == _stamp(path)
        first = self.vectors(identifier).append(vectors, digests)
        if is_known or is_new:
            self.note_verified(space)
        return first

    def release(self) -> None:
        """Close the vectors: what was read of them counts as this process's memory."""
        self._vectors.clear()
        self._snapshots.clear()

    def forget(self, identifier: str) -> None:
        """Close the vectors of one space."""
        self._vectors.pop(identifier, None)
        self._snapshots.pop(identifier, None)

    def note_verified(self, space: StoredSpace) -> None:
        """Note that the rows of a space hold what they should, unless its file changes from now."""
        self._stamps[self.file(space)] = _stamp(self.file(space))

    def is_changed(self, space: StoredSpace) -> bool:
        """Return whether others changed the file of a space since its rows were verified."""
        path = self.file(space)
        return path in self._stamps and self._stamps[path] != _stamp(path)

    def generations(self, space: StoredSpace) -> list[int]:
        """Return the generations of a space of which there is a file."""
        folder = self.folder(space.id)
        with explain_disk_errors(folder):
            files = [*folder.glob("vectors-*")]
        return [int(file.name.removeprefix("vectors-")) for file in files]

    def remove_outdated(self, space: StoredSpace) -> None:
        """Remove files of vectors that the catalog does not name, and half-written ones."""
        folder = self.folder(space.id)
        with explain_disk_errors(folder):
            found = [*folder.glob("vectors-*"), *folder.glob(".vectors-*.new")]
        for path in found:
            if path != self.file(space):
                # Windows keeps a file that a reader has open; the next writer tries again.
                with suppress(PermissionError):
                    remove_file(path)


def _stamp(path: Path) -> Stamp:
    """Return what differs after every change of a file; None where there is none.

    Raises
    ------
    LibraryError
        It cannot be looked at.
    """
    now = status_of(path)
    if now is None:
        return None
    return now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns
