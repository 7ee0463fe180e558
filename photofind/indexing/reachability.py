"""Whether photos that a scan did not find are gone, or only out of reach for now.

A drive that is not mounted and a folder that was emptied look the same to a scan. Photos that are
taken for gone lose their embeddings, so in doubt they are kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from photofind.model.records import Photo

__all__ = ["mounts", "mounts_of", "out_of_reach", "suspicion"]

_FEW = 20
_LOSS = 0.9
_HINT = "if that is right, run `photofind index --accept-removals`"


def mounts() -> frozenset[str]:
    """Return every path at which a file system is mounted now.

    The root is always one of them; in a chroot and in some containers it is not listed.
    """
    import psutil

    listed = (partition.mountpoint for partition in psutil.disk_partitions(all=True))
    return frozenset({str(Path("/").absolute()), *listed})


def mounts_of(paths: Iterable[str], mounted: Collection[str]) -> frozenset[str]:
    """Return those of the ``mounted`` paths that hold the folders of the files ``paths``."""
    folders = {os.path.dirname(path) for path in paths}  # noqa: PTH120 (faster, and these are many)
    return frozenset(filter(None, (_mount_of(folder, mounted) for folder in folders)))


def out_of_reach(
    photos: Iterable[Photo], recorded: Collection[str], mounted: Collection[str]
) -> dict[str, list[Photo]]:
    """Sort photos that were not found by the mount that held them and is not there now.

    Parameters
    ----------
    photos
        Those that were not found.
    recorded
        Where file systems were mounted when the photos were last there.
    mounted
        Where file systems are mounted now.
    """
    unmounted: dict[str, list[Photo]] = {}
    if set(recorded) <= set(mounted):
        return unmounted
    for photo in photos:
        mount = _mount_of(str(Path(photo.path).parent), recorded)
        if mount and mount not in mounted:
            unmounted.setdefault(mount, []).append(photo)
    return unmounted


def suspicion(
    folder: str,
    gone: Collection[Photo],
    known: int,
    beat: Callable[[], None] = lambda: None,
) -> str | None:
    """Return why it is hard to believe that so many photos of a folder are gone; None if it is not.

    Parameters
    ----------
    folder
        The added folder; it can be read.
    gone
        Its photos that were neither found nor moved.
    known
        How many of its photos are known.
    beat
        Called for each photo that is looked for.
    """
    if not gone:
        return None
    if len(gone) == known and not any(Path(folder).iterdir()):
        return f"it is empty, and there were {known} photos in it; {_HINT}"
    # Of more than a few, nearly all; and not because a new exclude rule hides them.
    if known >= _FEW and len(gone) > _LOSS * known:
        vanished = 0
        for photo in gone:
            beat()
            vanished += not os.path.lexists(photo.path)
        if vanished > _LOSS * known:
            return f"{vanished} of its {known} photos vanished at once; {_HINT}"
    return None


def _mount_of(folder: str, mounts: Collection[str]) -> str | None:
    """Return the innermost of ``mounts`` that holds ``folder``."""
    real = Path(folder).resolve()
    return next((place for place in map(str, (real, *real.parents)) if place in mounts), None)
