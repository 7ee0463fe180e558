"""The index of a space on disk: extending it, and telling whether it is whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from photofind.errors import DamagedError
from photofind.library.embedded.index import Index
from photofind.library.embedded.index_files import remove_index
from photofind.library.embedded.spaces import Snapshot
from photofind.ranking.smoothing import Nearest

__all__ = ["extend"]


def extend(
    folder: Path,
    snapshot: Snapshot,
    opened: Index | None,
    nearest_pictures: Callable[[Index], Nearest | None] = lambda index: None,
) -> list[str]:
    """Write what came since the index was built beside it, and return the problems met.

    All of it is checked, but only read where something came, and not where it is ``opened``.
    ``nearest_pictures`` gives what finds the nearest pictures of an index, where its graph answers.

    An index that is damaged, or of other photos, is removed. One of another generation stays as it
    is: it is built again.
    """
    if not Index.exists(folder):
        return []
    try:
        index = Index(folder, check=True)
    except DamagedError as error:
        remove_index(folder)
        return [f"{error.message}; it is built again"]
    if index.facts.generation != snapshot.space.generation:
        return []
    if not index.is_of(snapshot.digests(index.rows)):
        remove_index(folder)
        return [f"the index of {snapshot.space.id} is of other photos; it is built again"]
    is_new = snapshot.live.copy()
    is_new[index.rows[index.rows < len(is_new)]] = False
    new = np.flatnonzero(is_new)
    if opened is not None:
        index.share(opened)
    embeddings, digests = snapshot.vectors.rows(new), snapshot.digests(new)
    index.extend(new, embeddings, digests, nearest_pictures(index))
    index.save_fresh()
    return []
