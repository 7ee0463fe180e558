"""A new index of a store in memory, while it is built."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from photofind.library.memory.state import Index
from photofind.library.store import Array32, IndexInfo, Neighbours
from photofind.ranking.calibration import Background
from photofind.ranking.exact import nearest_exactly, neighbours_exactly
from photofind.ranking.projection import Projection

__all__ = ["MemoryIndexWriter"]

BATCH = 256


class MemoryIndexWriter:
    """Collects the points of an index.

    Parameters
    ----------
    publish
        Makes what was built the index of its space.
    """

    def __init__(self, publish: Callable[[Index], None]) -> None:
        self._publish = publish
        self._projected: dict[str, Array32] = {}
        self._smoothed: dict[str, Array32] = {}
        self._repeats: frozenset[str] = frozenset()

    def put(self, contents: Sequence[str], points: Array32) -> None:
        """Add projected points."""
        self._projected.update(zip(contents, points, strict=True))
        self._smoothed.update(zip(contents, points, strict=True))

    def neighbours(self, count: int) -> Iterator[Neighbours]:
        """Yield all points in batches, each with its nearest others, before smoothing."""
        contents, points = list(self._projected), np.stack([*self._projected.values()])
        nearest, similarities = neighbours_exactly(points, min(count, len(points) - 1))
        for start in range(0, len(points), BATCH):
            part = slice(start, start + BATCH)
            yield Neighbours(contents[part], nearest[part], points[part], similarities[part])

    def repeats(self, contents: Sequence[str]) -> None:
        """Take note of contents that are nearly the same as another one."""
        self._repeats = frozenset(contents)

    def replace(self, contents: Sequence[str], points: Array32) -> None:
        """Replace points by smoothed ones."""
        self._smoothed.update(zip(contents, points, strict=True))

    def finish(self) -> None:
        """Do nothing: there are no graphs in memory."""

    def nearest(
        self, queries: Array32, count: int, *, exclude: Sequence[str] = ()
    ) -> tuple[Array32, Array32]:
        """Return the nearest smoothed points of queries and their cosines."""
        pictures = [content for content in self._smoothed if content not in self._repeats]
        points = self.points(pictures)
        places = {content: place for place, content in enumerate(pictures)}
        excluded = np.array([places[content] for content in exclude], np.int64)
        positions, similarities = nearest_exactly(
            points, queries, count, exclude=excluded if len(excluded) else None
        )
        return points[positions], similarities

    def points(self, contents: Sequence[str]) -> Array32:
        """Return the smoothed points of some contents."""
        return np.stack([self._smoothed[content] for content in contents])

    def publish(self, projection: Projection, ranked: Background, plain: Background) -> IndexInfo:
        """Make this the index of the space."""
        contents = list(self._projected)
        info = IndexInfo(
            projection,
            ranked,
            plain,
            photos=len(contents),
            fresh=0,
            gone=0,
            graph=False,
            ready=False,
            recall=None,
            built=time.time(),
            repeats=len(self._repeats),
        )
        index = Index(
            info,
            contents,
            np.stack([self._projected[content] for content in contents]),
            np.stack([self._smoothed[content] for content in contents]),
            self._repeats,
        )
        self._publish(index)
        return info
