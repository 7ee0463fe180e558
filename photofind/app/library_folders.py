"""The folders of the library: listed, added, removed, and chosen for an indexing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from photofind.errors import LibraryError
from photofind.library.store import Store
from photofind.model import FolderStatus
from photofind.model.exclude_rules import check_rules, fault_of_rule, quoted
from photofind.model.filters import Filter
from photofind.model.records import Folder, watched_here
from photofind.paths import Home, is_below
from photofind.system.reach import Reach

__all__ = [
    "add_folder",
    "check_folder",
    "chosen_folders",
    "folder_statuses",
    "remove_folder",
    "unusable_rules",
]


def folder_statuses(library: Store) -> list[FolderStatus]:
    """Return how each folder of the library is."""
    return [
        FolderStatus(
            folder.path,
            library.count(Filter(folder.path, failed=False)),
            folder.state,
            folder.reason,
            folder.scanned,
            folder.excludes,
        )
        for folder in library.folders()
    ]


def check_folder(home: Home, folder: str, excludes: Sequence[str], reach: Reach) -> None:
    """Check whether a folder can be added to the library of a home.

    Parameters
    ----------
    home
        Nothing below it can be added.
    folder
        Its absolute path.
    excludes
        Rules in gitignore's syntax.
    reach
        Looks at the folder.

    Raises
    ------
    LibraryError
        There is no such folder, it does not answer, or it is photofind's own.
    SettingsError
        An exclude is no valid rule.
    """
    if not reach.call(folder, os.path.isdir, folder):
        raise LibraryError(f"{folder} is not a folder", "name a folder that exists")
    if is_below(folder, str(home.root)):
        raise LibraryError(f"{folder} is photofind's own", "name a folder with photos")
    check_rules(excludes)


def add_folder(library: Store, folder: str, excludes: Sequence[str]) -> None:
    """Add a folder to the library, open for writing, or change what is excluded in it."""
    known = {one.path: one for one in watched_here(library.folders())}
    entry = known.get(folder) or Folder(folder, added=time.time())
    library.put_folder(replace(entry, excludes=tuple(excludes)))


def unusable_rules(folders: Iterable[Folder]) -> list[str]:
    """Return a line for each exclude rule of a folder that cannot be used and is left out."""
    return [
        f"the exclude rule {quoted(rule)} of {folder.path} is not used: {fault}"
        for folder in folders
        for rule in folder.excludes
        if (fault := fault_of_rule(rule)) is not None
    ]


def remove_folder(library: Store, folder: str) -> int:
    """Remove a folder and its photos from the library, open for writing; return how many photos.

    Photos that also lie in another folder of the library stay.

    Raises
    ------
    LibraryError
        The folder is not in the library.
    """
    others = [one.path for one in library.folders() if one.path != folder]
    if len(others) == len(library.folders()):
        raise LibraryError(
            f"{folder} is not a folder of the library", "`photofind folders` lists them"
        )
    gone = [
        photo
        for photo in library.select(Filter(folder))
        if not any(is_below(photo.path, other) for other in others)
    ]
    library.remove(gone)
    library.remove_folder(folder)
    return len(gone)


def chosen_folders(library: Store, folders: Sequence[str] | None) -> list[Folder]:
    """Return the folders of the library that contain, or lie in, the named ones; all for None.

    Raises
    ------
    LibraryError
        The library has no folders, or a named one is in none of them.
    """
    known = watched_here(library.folders())
    if not known:
        raise LibraryError(
            "the library has no folders yet", "add one with `photofind folders add ~/Pictures`"
        )
    if folders is None:
        return known
    chosen: dict[str, Folder] = {}
    for folder in folders:
        matching = [f for f in known if is_below(folder, f.path) or is_below(f.path, folder)]
        if not matching:
            raise LibraryError(
                f"{folder} is in no folder of the library", f"photofind folders add {folder}"
            )
        chosen |= {match.path: match for match in matching}
    return list(chosen.values())
