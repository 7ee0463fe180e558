"""Photos that show the same picture are grouped under the best hit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["TAKE", "Places", "Same", "collapse"]

# The score, by the plain cosine, from which a photo may be one more take of a picture, for
# MobileNet a cosine of about 0.87. The library is not measured on it. This is low, because one take
# that counts as a picture of its own moves scores, and one picture more or less moves nothing.
TAKE = 0.8

# Hits that are compared with those shown before at a time.
COLLAPSED_AT_ONCE = 256

Places = npt.NDArray[np.int64]
Same = Callable[[Places, Places], npt.NDArray[np.bool_]]
"""Tells which of some places, (m,), are the same picture as which of others, (n,): (m, n)."""


def collapse(count: int, limit: int, same: Same) -> list[list[int]]:
    """Group ranked photos with those that show the same picture as a better one.

    Parameters
    ----------
    count
        How many there are, the best hit first.
    limit
        How many groups are wanted.
    same
        Tells which are the same.

    Returns
    -------
    list of lists
        Places; the best of each group first, groups in the order of their best.
    """
    groups: list[list[int]] = []
    group_of: dict[int, list[int]] = {}  # By the place of its best.
    start = 0
    while start < count:
        # As many as may still begin a group, or else many at a time.
        beginning = limit - len(groups)
        end = min(start + (beginning or COLLAPSED_AT_ONCE), count)
        others = [*group_of, *(range(start, end) if beginning else ())]
        alike: dict[int, list[int]] = {}
        rows, columns = same(np.arange(start, end), np.array(others, np.int64)).nonzero()
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            alike.setdefault(start + row, []).append(others[column])
        # Of those that begin no group the ones count that are the same as another.
        for place in range(start, end) if beginning else sorted(alike):
            others_alike = alike.get(place, ())
            best = next((group_of[other] for other in others_alike if other in group_of), None)
            if best is not None:
                best.append(place)
            elif len(groups) < limit:
                group_of[place] = [place]
                groups.append(group_of[place])
        start = end
    return groups
