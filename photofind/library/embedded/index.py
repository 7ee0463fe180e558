"""The index of a space: what makes a search over its vectors fast and good.

It holds the projection fitted on the library, every vector projected and smoothed (the *points*),
each point's neighbours, the library's backgrounds, and where it pays the PyNNDescent graph over
the points. All of it is derived from the vectors: a missing, stale or damaged index is built
again, and searches do without it meanwhile. Rows that came after the build are *fresh*: smoothed by
the points and by one another, and appended beside the index. The graph takes in those that were
appended; the others are scanned.

On disk it is one folder of arrays, swapped in whole by its manifest (docs/develop/storage.md).
"""

from __future__ import annotations

import os
from copy import copy
from pathlib import Path

import numpy as np
import numpy.typing as npt

from photofind.library.embedded.fresh_rows import (
    FRESH,
    append_records,
    read_records,
    record_type,
    size_of,
)
from photofind.library.embedded.index_files import MANIFEST, index_lock, read_facts, read_index
from photofind.ranking.exact import Positions, Similarities, best, nearest_exactly
from photofind.ranking.projection import Projection, Vectors32
from photofind.ranking.smoothing import Nearest, smooth_new
from photofind.system.disk import explain_disk_errors

__all__ = ["CACHED", "CANDIDATES", "Index"]

# How many candidates a search takes, at the least, to be ranked on the full vectors.
CANDIDATES = 200
# Points are compared with each query in turn: so many of them stay in the processor's cache.
CACHED = 1024

Digests = npt.NDArray[np.uint32]


class Index:
    """An index that is open for reading.

    A *position* is the place of a photo in the index: the points first, then the fresh ones.

    Parameters
    ----------
    space
        The folder of the space.
    check
        Whether to check all its files, those too that are not read here.

    Attributes
    ----------
    rows
        The row of the vectors that each position stands for, (n,).
    saved_rows
        Those of the fresh positions that are on disk, (k,); another array whenever they were read.
    repeats
        The positions of points that are nearly the same as another one, ascending.
    contents
        The digest of the content that each position is of, (n,); None in an index of an older
        photofind, which does not say.

    Raises
    ------
    DamagedError
        Where an array is missing or does not match its checksum.
    NewerFormatError
        Where a newer photofind wrote the index.
    """

    def __init__(self, space: Path, *, check: bool = False) -> None:
        self._space = space
        self.facts, arrays, large = read_index(space, check=check)
        self._path = space / self.facts.folder / FRESH
        self.projection = Projection(arrays["mean"], arrays["components"])
        self._large_points, self._large_neighbours = large["points"], large["neighbours"]
        self.repeats: Positions = arrays.get("repeats", np.empty(0, np.int64))
        # The position of each row, and of how many that is known.
        self._places = np.empty(0, np.int32), 0
        self.contents: Digests | None = arrays.get("contents")
        self.rows: npt.NDArray[np.int64] = arrays["rows"]
        self.saved_rows: npt.NDArray[np.int64] = np.empty(0, np.int64)
        self._fresh_points: Vectors32 = np.empty((0, self.dimension), np.float32)
        self._record = record_type(self.dimension, with_content=self.contents is not None)
        self._read_fresh()

    @staticmethod
    def exists(space: Path) -> bool:
        """Return whether there is an index in the folder of a space, damaged or not."""
        return Index.stamp(space) is not None

    @staticmethod
    def stamp(space: Path) -> int | None:
        """Return a number that changes with each index of a space; None where there is none.

        Raises
        ------
        LibraryError
            It cannot be looked at.
        """
        try:  # Several times with each query.
            return os.stat(os.path.join(space, MANIFEST)).st_mtime_ns  # noqa: PTH116, PTH118
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            with explain_disk_errors(space / MANIFEST):
                raise

    def __len__(self) -> int:
        return self._built + len(self._fresh_points)

    @property
    def neighbours(self) -> npt.NDArray[np.int32]:
        """The nearest other points of each point, before smoothing, best first, (n, k)."""
        return self._large_neighbours.read()

    @property
    def _points(self) -> Vectors32:
        return self._large_points.read()

    @property
    def _built(self) -> int:
        """How many points there were when it was built."""
        return int(self._large_points.shape[0])

    @property
    def dimension(self) -> int:
        """The length of a point."""
        return int(self._large_points.shape[1])

    @property
    def is_checked(self) -> bool:
        """Whether all that answers take of it was found to be whole."""
        return self._large_points.is_checked and self._large_neighbours.is_checked

    def check(self) -> None:
        """See once that it is whole; the graph is checked by the process that loads it.

        Raises
        ------
        DamagedError
            It is not.
        """
        self._large_points.check()
        self._large_neighbours.check()

    def share(self, other: Index) -> None:
        """Use the points that another one has in memory, where it is the same index."""
        if other.facts.folder == self.facts.folder:
            self._large_points = other._large_points

    @property
    def fresh(self) -> int:
        """How many positions came after the build."""
        return len(self._fresh_points)

    def is_of(self, digests: Digests) -> bool:
        """Return whether the points are of the contents that the rows are of.

        Parameters
        ----------
        digests
            Of the content of each of ``rows``, (n,); 0 where it has none.
        """
        return self.contents is None or not np.any((digests != self.contents) & (digests != 0))

    @property
    def saved(self) -> int:
        """How many fresh positions, the first ones, are on disk; they keep their places."""
        return len(self.saved_rows)

    @property
    def saved_points(self) -> Vectors32:
        """The points of those, (n, d)."""
        return self._fresh_points[: self.saved]

    def is_saved_further(self) -> bool:
        """Return whether other fresh rows are on disk by now than those that were read or saved."""
        return size_of(self._path) != self._size

    def read_again(self) -> Index:
        """Return this index with the fresh rows that are on disk by now, and no others."""
        other = copy(self)
        built = other.facts.photos
        other.rows = other.rows[:built]
        if other.contents is not None:
            other.contents = other.contents[:built]
        other._places = np.empty(0, np.int32), 0
        other._read_fresh()
        return other

    def positions(self, rows: npt.NDArray[np.int64]) -> Positions:
        """Return the positions of rows (n,) that the index has."""
        places, known = self._places
        if known != len(self.rows):
            places = np.zeros(int(self.rows.max()) + 1, np.int32)
            places[self.rows] = np.arange(len(self.rows), dtype=np.int32)
            self._places = places, len(self.rows)
        return places[rows].astype(np.int64)

    def points(self, positions: Positions) -> Vectors32:
        """Return the points at ``positions``, of any shape (...), as (..., d)."""
        if not self.fresh:
            return self._large_points.at(positions)
        old = np.minimum(positions, self._built - 1)
        new = np.maximum(positions - self._built, 0)
        is_old = (positions < self._built)[..., None]
        return np.where(is_old, self._points[old], self._fresh_points[new])

    def similarities(self, queries: Vectors32) -> Similarities:
        """Return the cosine of each query (m, d) with every position: (m, n)."""
        return _similarities(queries, self._points, self._fresh_points)

    def positions_in_graph(self, numbers: Positions, held: int) -> Positions:
        """Return the positions of numbers of a graph, of any shape; -1 for what is none here.

        A graph counts the points that it was built on first, then fresh ones.

        Parameters
        ----------
        held
            How many points the graph holds.
        """
        built = self.facts.graph_points
        known = built + self._taken_in(held)
        fresh = np.where(numbers < known, numbers - built + self.facts.photos, -1)
        return np.where(numbers < built, numbers, fresh)

    def positions_outside_graph(self, held: int) -> Positions:
        """Return the positions that a graph of ``held`` points does not hold, ascending."""
        photos = self.facts.photos
        repeated = np.arange(self.facts.graph_points, photos)
        return np.concatenate([repeated, np.arange(photos + self._taken_in(held), len(self))])

    def similarities_outside_graph(self, queries: Vectors32, held: int) -> Similarities:
        """Return the cosine of each query (m, d) with the positions outside, (m, n)."""
        repeated = self._points[self.facts.graph_points :]
        return _similarities(queries, repeated, self._fresh_points[self._taken_in(held) :])

    def _taken_in(self, held: int) -> int:
        """Return how many of the fresh positions are in a graph of so many points."""
        return min(max(held - self.facts.graph_points, 0), self.saved)

    def nearest_pictures(self, points: Vectors32, count: int) -> tuple[Vectors32, Similarities]:
        """Return the nearest different pictures of points, (n, k, d), and their cosines, (n, k).

        Of those that it was built on; all are compared.
        """
        pictures = self._points
        if len(self.repeats):
            pictures = np.delete(pictures, self.repeats, axis=0)
        positions, similarities = nearest_exactly(pictures, points, count)
        return pictures[positions], similarities

    def extend(
        self,
        rows: npt.NDArray[np.int64],
        embeddings: Vectors32,
        digests: Digests,
        nearest_pictures: Nearest | None = None,
    ) -> None:
        """Take in rows that came after the build; they are smoothed by what there is, and together.

        Parameters
        ----------
        rows, embeddings
            The rows (n,) and their vectors (n, D).
        digests
            Of their contents, (n,).
        nearest_pictures
            What takes the place of :meth:`nearest_pictures`, as a graph may.
        """
        if not len(rows):
            return
        among_old, fresh = nearest_pictures or self.nearest_pictures, self._fresh_points

        def nearest(points: Vectors32, count: int) -> tuple[Vectors32, Similarities]:
            old, similarities = among_old(points, count)
            others, more = nearest_exactly(fresh, points, count)
            similarities = np.concatenate([similarities, more], axis=1)
            places, similarities = best(similarities, count)
            vectors = np.concatenate([old, fresh[others]], axis=1)
            return np.take_along_axis(vectors, places[..., np.newaxis], axis=1), similarities

        pictures = self._built - len(self.repeats)
        smoothed = smooth_new(self.projection.project(embeddings), nearest, pictures)
        self._fresh_points = np.concatenate([self._fresh_points, smoothed])
        self.rows = np.concatenate([self.rows, rows])
        if self.contents is not None:
            self.contents = np.concatenate([self.contents, digests])

    def extended(
        self,
        rows: npt.NDArray[np.int64],
        embeddings: Vectors32,
        digests: Digests,
        nearest_pictures: Nearest | None = None,
    ) -> Index:
        """Return this index with more rows; what others read of this one stays as it is."""
        other = copy(self)
        other.extend(rows, embeddings, digests, nearest_pictures)
        return other

    def save_fresh(self) -> None:
        """Append what :meth:`extend` took in since the opening, for the next one to open it.

        Only the holder of the library's lock may call this.

        Raises
        ------
        LibraryError
            Where the disk refuses.
        """
        record = self._record
        saved, first = self.saved, self._built + self.saved
        records = np.empty(self.fresh - saved, record)
        records["row"] = self.rows[first:]
        if self.contents is not None:
            records["content"] = self.contents[first:]
        records["point"] = self._fresh_points[saved:]
        path = self._path
        with explain_disk_errors(path), index_lock(self._space):
            if read_facts(self._space).folder != self.facts.folder:
                return  # Another index was swapped in meanwhile.
            append_records(path, records, after=saved)
        self.saved_rows = self.rows[self._built :]
        self._size = size_of(path)

    def _read_fresh(self) -> None:
        """Take in the fresh rows that are on disk, where there are none yet."""
        self._size = size_of(self._path)
        fresh = read_records(self._path, self._record)
        self.saved_rows = fresh["row"].copy()
        self._fresh_points = np.ascontiguousarray(fresh["point"])
        self.rows = np.concatenate([self.rows, fresh["row"]])
        if self.contents is not None:
            self.contents = np.concatenate([self.contents, fresh["content"]])


def _similarities(queries: Vectors32, *parts: Vectors32) -> Similarities:
    """Return the cosine of a few queries (m, d) with points that come in parts: (m, n)."""
    similarities = np.empty((len(queries), sum(map(len, parts))), np.float32)
    start = 0
    for part in parts:
        for first in range(0, len(part), CACHED):
            points = part[first : first + CACHED]
            # One by one: for several at once BLAS copies all points first, at ten times the cost.
            for query, row in zip(queries, similarities, strict=True):
                np.matmul(points, query, out=row[start : start + len(points)])
            start += len(points)
    return similarities
