"""Photos of one scene: bursts and takes, near in time, place and likeness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from photofind.library.store import Store
from photofind.model.records import Photo
from photofind.ranking.projection import normalised
from photofind.search.backgrounds import varied_background
from photofind.search.matches import Matches, Places

__all__ = ["same_scene"]

SECONDS = 60.0
"""Takes of one scene are no further apart than this."""

METRES = 200.0
"""Nor taken further apart, where both say where."""

ALIKE = 0.7
"""The score, by the plain cosine of varied photos, from which photos of a minute are of one scene.

Where people and things move, the takes of a burst have 0.6 and more with each other, and most of
them have 0.8. Photos of other things have 0.2 with them at most.
"""

_METRES_PER_DEGREE = 111_000.0
# Photos that are compared with those taken after them at a time. Cameras whose clock stands still
# give thousands of photos one time.
_AT_ONCE = 256

Floats = npt.NDArray[np.float64]


def same_scene(store: Store, space: str, photos: Sequence[Photo]) -> list[list[Photo]]:
    """Group photos of one scene; all others of a group are near the first one, by their times.

    Parameters
    ----------
    space
        The id of the space whose embeddings say what is alike.
    photos
        Of different pictures.
    """
    times = np.array([_time(photo) for photo in photos], np.float64)
    order = np.argsort(times, kind="stable")
    close = np.diff(times[order]) <= SECONDS  # Not where a time is NaN.
    order = order[np.append(close, [False]) | np.append([False], close)] if len(order) else order
    least = varied_background(store, space).similarity(ALIKE)
    timed = [photos[place] for place in order.tolist()]
    found = [*_matches(store, space, timed, times[order], least)]
    if not found:
        return []
    lefts, rights = (order[np.concatenate(places)] for places in zip(*found, strict=True))
    matches = Matches(len(photos), lefts, rights)
    scenes = [
        (first, *sorted(others, key=times.__getitem__)) for first, *others in matches.grouped()
    ]
    return [[photos[place] for place in scene] for scene in scenes]


def _matches(
    store: Store, space: str, photos: Sequence[Photo], times: Floats, least: float
) -> Iterator[tuple[Places, Places]]:
    """Yield pairs of photos, in the order of their times, that are near and alike."""
    places = np.array([(photo.latitude, photo.longitude) for photo in photos], np.float64)
    for start in range(0, len(photos), _AT_ONCE):
        end = min(start + _AT_ONCE, len(photos))
        last = int(np.searchsorted(times, times[end - 1] + SECONDS, "right"))
        contents = [photo.content for photo in photos[start:last]]
        known, embeddings = store.embeddings(space, contents)
        embeddings = normalised(embeddings)
        near = known[: end - start, np.newaxis] & known
        near &= times[start:last] - times[start:end, np.newaxis] <= SECONDS
        near &= embeddings[: end - start] @ embeddings.T >= least
        near &= ~_are_far(places[start:end, np.newaxis], places[start:last])
        rows, columns = np.triu(near, 1).nonzero()
        yield start + rows, start + columns


def _are_far(one: Floats, other: Floats) -> npt.NDArray[np.bool_]:
    """Return which photos were taken far from each other: none that does not say where, NaN."""
    north, east = np.moveaxis(one - other, -1, 0)
    metres = np.hypot(north, east * np.cos(np.radians(one[..., 0]))) * _METRES_PER_DEGREE
    far: npt.NDArray[np.bool_] = metres > METRES
    return far


def _time(photo: Photo) -> float:
    """Return when a photo was taken, in seconds; NaN where it does not say so exactly."""
    try:
        moment = datetime.fromisoformat(photo.captured or "")
    except ValueError:
        return np.nan
    # What says no zone is compared as if it were of one.
    return moment.replace(tzinfo=UTC).timestamp() if "T" in (photo.captured or "") else np.nan
