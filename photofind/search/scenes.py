"""Photos of one scene: bursts and takes, near in time, place and likeness."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from math import cos, hypot, radians

import numpy as np

from photofind.library.store import Store
from photofind.model.records import Photo
from photofind.ranking.duplicates import TAKE, grouped
from photofind.ranking.projection import normalised
from photofind.search.backgrounds import varied_background

__all__ = ["same_scene"]

SECONDS = 60.0
"""Takes of one scene are no further apart than this."""

METRES = 200.0
"""Nor taken further apart, where both say where."""

_METRES_PER_DEGREE = 111_000.0


def same_scene(store: Store, space: str, photos: Sequence[Photo]) -> list[list[Photo]]:
    """Group photos of one scene; all others of a group are near the first one.

    Parameters
    ----------
    space
        The id of the space whose embeddings say what is alike.
    photos
        Of different pictures, those first that are to be the first of a group.
    """
    times = ((_time(photo), place) for place, photo in enumerate(photos))
    timed = sorted((moment, place) for moment, place in times if moment is not None)
    pairs = [pair for pair in _near_in_time(timed) if _is_near(photos[pair[0]], photos[pair[1]])]
    contents = [photos[place].content for place in dict.fromkeys(chain.from_iterable(pairs))]
    known, embeddings = store.embeddings(space, contents)
    embeddings = normalised(embeddings)
    rows = {content: row for row, content in enumerate(contents) if known[row]}
    index = store.index(space)
    background = index.plain if index else varied_background(store, space)
    least = background.similarity(TAKE)
    matches: defaultdict[int, set[int]] = defaultdict(set)
    for left, right in pairs:
        one, other = rows.get(photos[left].content), rows.get(photos[right].content)
        if one is None or other is None:
            continue
        if float(np.dot(embeddings[one], embeddings[other])) >= least:
            matches[left].add(right)
            matches[right].add(left)
    return [[photos[place] for place in group] for group in grouped(matches, range(len(photos)))]


def _near_in_time(timed: Sequence[tuple[float, int]]) -> Iterator[tuple[int, int]]:
    """Yield pairs of places of which the times, ascending, are near."""
    for number, (moment, place) in enumerate(timed):
        for later, other in timed[number + 1 :]:
            if later - moment > SECONDS:
                break
            yield place, other


def _is_near(one: Photo, other: Photo) -> bool:
    """Return whether two photos may have been taken at one place, with one camera or two."""
    if one.latitude is None or one.longitude is None:
        return True
    if other.latitude is None or other.longitude is None:
        return True
    north = one.latitude - other.latitude
    east = (one.longitude - other.longitude) * cos(radians(one.latitude))
    return hypot(north, east) * _METRES_PER_DEGREE <= METRES


def _time(photo: Photo) -> float | None:
    """Return when a photo was taken, in seconds; None where it does not say so exactly."""
    try:
        moment = datetime.fromisoformat(photo.captured or "")
    except ValueError:
        return None
    # What says no zone is compared as if it were of one.
    return moment.replace(tzinfo=None).timestamp() if "T" in (photo.captured or "") else None
