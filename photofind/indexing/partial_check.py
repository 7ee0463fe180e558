"""What has changed at a few places of the folders, without scanning them from end to end."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from photofind.images.formats import is_photo
from photofind.indexing.changes import Changes, compare
from photofind.indexing.excludes import Rules
from photofind.indexing.folders import mounts, out_of_reach
from photofind.indexing.scan import Found, Walk
from photofind.indexing.survey import outside
from photofind.library.embedded.catalog import Folder, Photo, innermost
from photofind.library.embedded.library import Library
from photofind.model import Skipped
from photofind.paths import is_below

__all__ = ["Look", "look"]

FEW = 4


@dataclass
class Look:
    """What a look at some places told.

    Parameters
    ----------
    changes
        How they differ from what is known; ``gone`` holds photos that can be removed.
    skipped
        What could not be looked at, and why.
    doubtful
        Folders of the library of which only a survey can tell what became of them.
    """

    changes: Changes
    skipped: list[Skipped] = field(default_factory=list)
    doubtful: set[str] = field(default_factory=set)


def look(
    library: Library,
    places: Collection[str],
    is_complete: Callable[[Photo], bool],
    *,
    excludes: Sequence[str] = (),
) -> Look:
    """Compare what is at some places with what the library knows of them.

    Parameters
    ----------
    library
        Read only.
    places
        Absolute paths of files and folders that may have come, changed or gone. A folder stands
        for everything below it.
    is_complete
        As for :func:`photofind.indexing.changes.compare`.
    excludes
        Exclude rules for all folders, before each folder's own.

    Raises
    ------
    SettingsError
        Where an exclude rule is none.
    """
    folders = library.folders()
    doubtful: set[str] = set()
    skipped: list[Skipped] = []
    found: dict[str, Found] = {}
    looked: list[str] = []
    for folder, inside in _by_folder(folders, _topmost(places)):
        if folder.path in inside or not Path(folder.path).is_dir():
            doubtful.add(folder.path)
            continue
        apart = [other.path for other in folders if other.path != folder.path]
        walk = Walk(
            folder.path,
            Rules((*excludes, *folder.excludes)),
            [*apart, str(library.home.root)],
            settle=0.0,
        )
        for place in inside:
            if walk.leaves_out(place):
                continue
            looked.append(place)
            for entry in walk.at(place):
                if isinstance(entry, Found):
                    found[entry.path] = entry
                else:
                    skipped.append(entry)
        if walk.links:
            doubtful.add(folder.path)

    known = [
        photo
        for photo in _known(library, looked)
        if (holder := innermost(folders, photo.path)) is not None and holder.path not in doubtful
    ]
    changes = compare(found.values(), known, is_complete)
    gone = outside(changes.gone, {skip.path for skip in skipped})
    lost = _on_lost_mounts(folders, gone)
    doubtful |= {holder.path for photo in lost if (holder := innermost(folders, photo.path))}
    ids = {photo.id for photo in lost}
    gone = [photo for photo in gone if photo.id not in ids]
    return Look(replace(changes, gone=gone), skipped, doubtful)


def _topmost(places: Iterable[str]) -> list[str]:
    """Return the places that lie in no other of them."""
    every = set(places)
    return sorted(
        place
        for place in every
        if not any(parent in every for parent in map(str, Path(place).parents))
    )


def _by_folder(
    folders: Sequence[Folder], places: Iterable[str]
) -> Iterator[tuple[Folder, list[str]]]:
    """Yield the folders with the places in each; places outside of all are left out."""
    inside: dict[str, list[str]] = {}
    for place in places:
        if (folder := innermost(folders, place)) is not None:
            inside.setdefault(folder.path, []).append(place)
        # A place may also hold whole folders of the library.
        for other in folders:
            if other.path != place and is_below(other.path, place):
                inside.setdefault(other.path, []).append(other.path)
    for folder in folders:
        if folder.path in inside:
            yield folder, inside[folder.path]


def _known(library: Library, places: Iterable[str]) -> Iterator[Photo]:
    """Yield the photos that are known at and below some places that lie apart."""
    trees: list[str] = []
    for place in places:
        photo = library.photo(place)
        if photo is not None:
            yield photo
        elif Path(place).is_dir() or not is_photo(place):
            trees.append(place)
    if len(trees) <= FEW:
        for tree in trees:
            yield from library.photos(tree)
        return
    wanted = set(trees)
    for photo in library.photos():
        parent = os.path.dirname(photo.path)  # noqa: PTH120 (many of these)
        while parent not in wanted and len(parent) > 1 and parent != os.path.dirname(parent):  # noqa: PTH120
            parent = os.path.dirname(parent)  # noqa: PTH120
        if parent in wanted:
            yield photo


def _on_lost_mounts(folders: Iterable[Folder], photos: Sequence[Photo]) -> list[Photo]:
    """Return the photos that are not gone, but whose drive is."""
    if not photos:
        return []
    mounted = mounts()
    recorded = {mount for folder in folders for mount in folder.mounts}
    return [photo for some in out_of_reach(photos, recorded, mounted).values() for photo in some]
