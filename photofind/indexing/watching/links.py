"""Which links in a folder a scan follows, and to what.

Events come from where a file is, and say nothing of the links that lead there. Which of several
links a scan follows, only a scan of the whole folder can find out; so whatever changes where a link
leads to, the added folder is to be scanned.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from photofind.images.formats import is_photo
from photofind.indexing.scan import is_link
from photofind.indexing.watching.mounting import Mounts
from photofind.indexing.watching.watched_folder import WatchedFolder
from photofind.paths import is_below

__all__ = ["Target", "leads_out_of_reach", "links_in", "target_of"]


class Target(NamedTuple):
    """Where a link leads that a scan follows: the real path of a folder or of a photo."""

    path: str
    is_folder: bool


def target_of(link: str, watched_folder: WatchedFolder, walked: Collection[str]) -> Target | None:
    """Return what a scan follows a link to; None where it does not follow it.

    Parameters
    ----------
    link
        Spelled as the added folder was given.
    walked
        Real paths of folders that are walked in any case, and of what other links lead to.
    """
    target = os.path.realpath(link)
    is_folder = Path(target).is_dir()
    if watched_folder.excludes(link, is_folder=is_folder):
        return None
    if is_folder:
        if any(is_below(added, target) for added in watched_folder.added):
            return None
    elif not is_photo(link):
        return None
    if any(is_below(target, place) for place in walked):
        return None
    return Target(target, is_folder)


def leads_out_of_reach(link: str, mounts: Mounts) -> bool:
    """Return whether a link leads to what cannot be watched, without going there.

    A file system there may not answer, so what it leads to by way of other links is not known.
    """
    try:
        text = os.readlink(link)  # noqa: PTH115 (paths here may not be UTF-8)
    except OSError:
        return False
    return not mounts.can_watch(os.path.normpath(os.path.join(os.path.dirname(link), text)))  # noqa: PTH118, PTH120


def links_in(
    watched_folder: WatchedFolder, avoided: Collection[str], stopped: Callable[[], bool]
) -> Iterator[str]:
    """Yield the links in a folder, without following any.

    What is left out of the folder is not entered, nor is what is ``avoided``.
    """
    folders = [watched_folder.folder]
    while folders and not stopped():
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    path = f"{folder.rstrip(os.sep)}{os.sep}{entry.name}"
                    if is_link(entry):
                        yield path
                    elif (
                        entry.is_dir(follow_symlinks=False)
                        and path not in avoided
                        and watched_folder.holds(path, is_folder=True)
                    ):
                        folders.append(path)
        except OSError:  # The scan says what it could not look at.
            continue
