"""The nearest other pictures of contents that have repeats among their neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from photofind.indexing.repeats import Repeats
from photofind.ranking.exact import Positions, Similarities, best, nearest_exactly
from photofind.ranking.projection import Vectors32

__all__ = ["FEW", "Places", "replace_repeats"]

FEW = 8192
"""So many contents are compared with all pictures; more, with those around their neighbours."""

TOGETHER = 64

Places = npt.NDArray[np.int32]


def replace_repeats(
    contents: Sequence[str],
    repeats: Repeats,
    points: Vectors32,
    neighbours: Places,
    similarities: Similarities,
) -> None:
    """Replace neighbours that are repeats by the nearest other pictures, in place.

    A repeat has the neighbours of its picture.

    Parameters
    ----------
    points
        Of all contents, (n, d).
    neighbours, similarities
        The places of the nearest others of each content, and their cosines, (n, k).
    """
    pictures = np.arange(len(contents), dtype=np.int32)
    places = {content: place for place, content in enumerate(contents)}
    pictures[[places[one] for one in repeats]] = [places[first] for first in repeats.values()]
    del places  # It is large.
    is_repeat = pictures != np.arange(len(contents))
    crowded = np.flatnonzero(is_repeat | is_repeat[neighbours].any(axis=1))
    count = neighbours.shape[1]
    if len(crowded) <= FEW:
        found = _nearest_of_all(points, pictures, crowded, count)
        neighbours[crowded], similarities[crowded] = found
        return
    asked = crowded[~is_repeat[crowded]]
    parts = [_nearest_around(points, pictures, neighbours, some) for some in _parts(asked)]
    neighbours[asked] = np.concatenate([near for near, _ in parts])
    similarities[asked] = np.concatenate([cosines for _, cosines in parts])
    # All around them are repeats of few pictures.
    alone = asked[~np.isfinite(similarities[asked]).all(axis=1)]
    neighbours[alone], similarities[alone] = _nearest_of_all(points, pictures, alone, count)
    for some in _parts(np.flatnonzero(is_repeat)):
        neighbours[some] = near = neighbours[pictures[some]]
        similarities[some] = np.einsum("md,mkd->mk", points[some], points[near])


def _parts(places: Positions) -> list[Positions]:
    return np.split(places, range(TOGETHER, len(places), TOGETHER))


def _nearest_of_all(
    points: Vectors32, pictures: Places, asked: Positions, count: int
) -> tuple[Places, Similarities]:
    """Find the nearest pictures of some contents but their own: places and cosines, (m, count)."""
    every = np.flatnonzero(pictures == np.arange(len(pictures)))
    own = np.searchsorted(every, pictures[asked])
    nearest, cosines = nearest_exactly(points[every], points[asked], count, own)
    return every[nearest].astype(np.int32), cosines


def _nearest_around(
    points: Vectors32, pictures: Places, neighbours: Places, asked: Positions
) -> tuple[Places, Similarities]:
    """Find the nearest pictures of others among their neighbours and the neighbours of these.

    Returns
    -------
    places, similarities
        Both (m, k); ``-inf`` where there are fewer.
    """
    near = neighbours[asked]
    around = np.concatenate([near, neighbours[near].reshape(len(asked), -1)], axis=1)
    found = np.sort(pictures[around], axis=1)
    cosines = np.einsum("md,mkd->mk", points[asked], points[found])
    cosines[:, 1:][found[:, 1:] == found[:, :-1]] = -np.inf
    cosines[found == asked[:, np.newaxis]] = -np.inf
    top, cosines = best(cosines, near.shape[1])
    return np.take_along_axis(found, top, axis=1), cosines
