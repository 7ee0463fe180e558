"""`PhotoFind`: everything that photofind can be asked, in one object.

Interfaces talk to this object alone, so that they need not know whether it works in their own
process or asks the daemon.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from photofind.errors import ExtractorError, LibraryError
from photofind.paths import Home, is_below
from photofind.settings import Settings, load_settings

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction
    from photofind.indexing.pipeline import Progress, Report
    from photofind.library.library import Library
    from photofind.search.query import Answer, DuplicateGroup, Query
    from photofind.search.searcher import Searcher

__all__ = [
    "ExtractorStatus",
    "Failure",
    "FolderStatus",
    "PhotoFind",
    "SearchStatus",
    "Status",
]


@dataclass(frozen=True)
class FolderStatus:
    """A folder of the library: how many photos it has, and whether it is ``online``."""

    path: str
    photos: int
    state: str
    reason: str | None
    scanned: float | None
    excludes: tuple[str, ...]


@dataclass(frozen=True)
class Failure:
    """A photo that could not be indexed, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class ExtractorStatus:
    """An extractor plugin as it is installed, and how many photos it has described.

    ``error`` says what is wrong with one that does not work; ``version`` and ``dimension`` are
    None for it.
    """

    name: str
    version: str | None
    dimension: int | None
    distribution: str
    in_use: bool
    photos: int
    error: str | None


@dataclass(frozen=True)
class SearchStatus:
    """How searches are answered.

    Parameters
    ----------
    path
        "graph", "exact" (all points are compared), "plain" (all full vectors are compared, there
        is no index) or "none" (nothing is indexed).
    photos
        How many photos the index was built on, and ``fresh`` how many came since.
    recall
        Recall@10 of the graph, measured against exact search when it was built; None without one.
    explanation
        The same in words.
    """

    path: str
    photos: int
    fresh: int
    recall: float | None
    explanation: str


@dataclass(frozen=True)
class Status:
    """How the library is.

    ``photos`` are indexed and can be found; ``failed`` could not be; ``pending`` are known but
    not described by the extractor in use yet.
    """

    photos: int
    failed: int
    pending: int
    folders: tuple[FolderStatus, ...]
    extractor: str
    search: SearchStatus
    home: str
    bytes: int
    problems: tuple[str, ...]


class PhotoFind:
    """The library of one home, and all that can be done with it.

    Opens what it needs when it is needed. Answering takes no lock; changing the library takes the
    one lock for as long as the change takes.

    Parameters
    ----------
    home
        Where the library is; this user's own where not given.
    resident
        Whether this object will answer many queries, so that loading a graph in the background is
        worth it.
    """

    def __init__(self, home: Home | None = None, *, resident: bool = False) -> None:
        self.home = home or Home.default()
        self._resident = resident
        self._extractions: dict[str, Extraction] = {}

    def __enter__(self) -> PhotoFind:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the library and end all child processes."""
        for extraction in self._extractions.values():
            extraction.close()
        self._extractions.clear()
        if "_searcher" in self.__dict__:
            self._searcher.close()
            del self.__dict__["_searcher"]
        if "_library" in self.__dict__:
            self._library.close()
            del self.__dict__["_library"]

    @cached_property
    def settings(self) -> Settings:
        """The settings, as they were when first asked for.

        Raises
        ------
        SettingsError
            Where the file cannot be used.
        """
        return load_settings(self.home.settings)

    # Folders.

    def folders(self) -> list[FolderStatus]:
        """Return the folders of the library."""
        self._library.refresh()
        known = self._library.folders()
        counts = dict.fromkeys((folder.path for folder in known), 0)
        for photo in self._library.photos():
            if photo.failure is None:
                for path in counts:
                    counts[path] += is_below(photo.path, path)
        return [
            FolderStatus(f.path, counts[f.path], f.state, f.reason, f.scanned, f.excludes)
            for f in known
        ]

    def covers(self, folder: str) -> bool:
        """Return whether ``folder`` is a folder of the library or lies in one."""
        self._library.refresh()
        return any(is_below(folder, known.path) for known in self._library.folders())

    def add_folder(self, folder: str, *, excludes: Sequence[str] = ()) -> None:
        """Add a folder, or change what is excluded in one that is there.

        Raises
        ------
        LibraryError
            Where there is no such folder, or it is photofind's own.
        """
        from photofind.library.catalog import Folder

        if not Path(folder).is_dir():
            raise LibraryError(f"{folder} is not a folder", "name a folder that exists")
        if is_below(folder, str(self.home.root)):
            raise LibraryError(f"{folder} is photofind's own", "name a folder with photos")
        with self._writing() as library:
            known = {one.path: one for one in library.folders()}
            entry = known.get(folder) or Folder(folder, added=time.time())
            library.put_folder(replace(entry, excludes=tuple(excludes)))

    def remove_folder(self, folder: str) -> int:
        """Take a folder out of the library with all that is known of its photos; return how many.

        Photos that lie in another folder of the library too stay.

        Raises
        ------
        LibraryError
            Where the folder is not in the library.
        """
        with self._writing() as library:
            others = [one.path for one in library.folders() if one.path != folder]
            if len(others) == len(library.folders()):
                raise LibraryError(
                    f"{folder} is not a folder of the library", "`photofind folders` lists them"
                )
            gone = [
                photo
                for photo in library.photos(folder)
                if not any(is_below(photo.path, other) for other in others)
            ]
            library.remove(gone)
            library.remove_folder(folder)
        return len(gone)
