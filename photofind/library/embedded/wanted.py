"""The rows that a search may find, and what comparing with them takes, kept for the next search."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from photofind.library.embedded.index import Index
from photofind.ranking.exact import Positions
from photofind.ranking.projection import Vectors32

__all__ = ["Wanted"]

# Up to so many bytes of points that are wanted are put together to be compared, and stay so, ...
_MOST_KEPT = 1 << 25
# ... and up to this share of all points they are put together for each search.
_MOST_GATHERED = 0.3

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Wanted:
    """Some rows of a space at one time. Threads may share it.

    Parameters
    ----------
    mask
        Which they are, (rows,); nobody changes it any more.
    index
        The index of the space, if it has one.
    photos
        How many photos have them.

    Attributes
    ----------
    count
        How many rows they are.
    """

    def __init__(self, mask: Mask, index: Index | None = None, photos: int = 0) -> None:
        self.mask = mask
        self.photos = photos
        self.count = int(np.count_nonzero(mask))
        self._index = index

    @cached_property
    def rows(self) -> Rows:
        """The rows, ascending, (count,)."""
        return np.flatnonzero(self.mask)

    @cached_property
    def positions(self) -> Positions:
        """Their positions in the index, ascending, (n,)."""
        assert self._index is not None
        return np.flatnonzero(self.mask[self._index.rows])

    @property
    def are_few(self) -> bool:
        """Whether their points are put together to be compared."""
        index = self._index
        return index is not None and (
            self._may_be_kept or self.count <= _MOST_GATHERED * len(index)
        )

    @cached_property
    def points(self) -> Vectors32 | None:
        """Their points, (n, d); None where they are too many to be kept together."""
        index = self._index
        return index.points(self.positions) if index is not None and self._may_be_kept else None

    @property
    def _may_be_kept(self) -> bool:
        index = self._index
        return (
            index is not None
            and self.count < len(index)  # All of them are together.
            and 4 * index.dimension * self.count <= _MOST_KEPT
        )
