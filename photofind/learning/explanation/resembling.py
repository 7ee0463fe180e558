"""What smoothing adds: the photos of the library that both a query and a hit are like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photofind.library.store import Store
from photofind.model import Resembling
from photofind.ranking.smoothing import expansion_neighbours, expansion_weights
from photofind.search.comparison import NearestPictures
from photofind.search.embedding import Embedded

__all__ = ["Smoothed", "smoothed"]

MOST = 5

# A photo is named that is at least so near to both, as a cosine of points.
_NEAR = 0.5


@dataclass(frozen=True)
class Smoothed:
    """How near an expanded query is to the smoothed point of a hit, and through which photos.

    Parameters
    ----------
    similarity
        The cosine of the two.
    share
        How much of it comes from other photos that the query is like.
    resembling
        Those that add the most.
    """

    similarity: float
    share: float
    resembling: tuple[Resembling, ...]


def smoothed(store: Store, space: str, query: Embedded, hit: str) -> Smoothed | None:
    """Return what the smoothing of a space adds; None where it has no index.

    The expanded query is a sum, of itself and its neighbours, and so is its cosine with the point
    of the hit. Where the hit is one of the neighbours, what it adds counts as the query's own.

    Parameters
    ----------
    query
        Its photo in this space.
    hit
        The content of the hit.
    """
    index = store.index(space)
    if index is None:
        return None
    known, points = store.points(space, [hit])
    if not known.any():
        return None
    point = points[0].astype(np.float64)
    own = index.projection.project(query.like[:1])
    count = expansion_neighbours(index.photos + index.fresh - index.repeats)
    contents: list[str] = []
    weights, to_query, to_hit = np.zeros((3, 0))
    expanded = own[0].astype(np.float64)
    if count:
        found = NearestPictures(store, space, query.own, index.plain).find(own, count)
        contents = found.contents[0].tolist()
        weights = expansion_weights(found.similarities, count)[0].astype(np.float64)
        to_query, to_hit = found.similarities[0], found.vectors[0] @ point
        expanded = expanded + weights @ found.vectors[0]
    length = max(float(np.linalg.norm(expanded)), 1e-12)
    similarity = float(expanded @ point) / length
    added = weights * to_hit / length
    others = np.array([content not in (hit, "") for content in contents], np.bool_)
    share = float(added[others].sum()) / similarity if similarity > 0 and others.any() else 0.0
    named = [
        place
        for place in np.argsort(-added, kind="stable").tolist()
        if others[place] and min(to_query[place], to_hit[place]) >= _NEAR
    ][:MOST]
    photos = store.by_content(contents[place] for place in named)
    return Smoothed(
        similarity,
        share,
        tuple(
            Resembling(
                photo.path,
                photo.id,
                float(added[place]) / similarity,
                float(to_query[place]),
                float(to_hit[place]),
            )
            for place in named
            for photo in photos.get(contents[place], ())[:1]
        ),
    )
