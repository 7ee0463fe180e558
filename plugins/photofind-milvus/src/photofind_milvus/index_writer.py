"""A new index of a space, while it is built; the old one answers until it is published."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from photofind.errors import LibraryError
from photofind.library.store import Array32, IndexInfo, Neighbours
from photofind.ranking.calibration import Background
from photofind.ranking.exact import nearest_exactly
from photofind.ranking.neighbours import nearest_others
from photofind.ranking.projection import Projection
from photofind.ranking.smoothing import SMOOTHING, smooth_new
from photofind_milvus.changing import Change, Changes
from photofind_milvus.expressions import digest, joined
from photofind_milvus.library import KeptSpace, Library
from photofind_milvus.points import (
    POINTS,
    Point,
    Points,
    make_points,
    padded,
    plain,
    projection_records,
)
from photofind_milvus.rows import FILTERED, PHOTOS, Record
from photofind_milvus.vectors import Embeddings

__all__ = ["MilvusIndexWriter"]

_NEIGHBOURS = 10
_BATCH = 1024
_PROBES = 256
_WAIT_SECONDS = 60.0
# Then it counts all the same: what is not indexed yet is compared otherwise.
_INDEX_SECONDS = 600.0
_FIELDS = ["key", "content", "born", "born_by", "died", "died_by", *FILTERED]


class MilvusIndexWriter:
    """Builds an index in memory, writes it into a part of its own, and has that part count.

    Parameters
    ----------
    library, points, embeddings, changes
        Those of the store.
    space
        The space of the index.
    graph
        Whether a graph is wanted: the server's HNSW, which it builds in any case.
    """

    def __init__(
        self,
        library: Library,
        points: Points,
        embeddings: Embeddings,
        changes: Changes,
        space: KeptSpace,
        *,
        graph: bool,
    ) -> None:
        self._library = library
        self._of_library = points
        self._embeddings = embeddings
        self._changes = changes
        self._space = space
        self._graph = graph
        self._pieces: list[tuple[Sequence[str], Array32]] = []
        self._contents: list[str] = []
        self._places: dict[str, int] = {}
        self._projected: Array32 = np.empty((0, 0), np.float32)
        self._smoothed: Array32 = self._projected
        self._neighbours: tuple[npt.NDArray[np.integer], Array32] | None = None
        self._repeats: frozenset[str] = frozenset()
        self._part = ""
        self._is_published = False

    def put(self, contents: Sequence[str], points: Array32) -> None:
        """Add projected points."""
        self._pieces.append((contents, points))

    def neighbours(self, count: int) -> Iterator[Neighbours]:
        """Yield all points in batches, each with its nearest others, before smoothing."""
        positions, similarities = self._all_neighbours()
        for start in range(0, len(self._contents), _BATCH):
            part = slice(start, start + _BATCH)
            yield Neighbours(
                self._contents[part],
                positions[part, :count],
                self._projected[part],
                similarities[part, :count],
            )

    def repeats(self, contents: Sequence[str]) -> None:
        """Take note of contents that are nearly the same as another one."""
        self._repeats = frozenset(contents)

    def replace(self, contents: Sequence[str], points: Array32) -> None:
        """Replace points by smoothed ones."""
        self._smoothed[self._positions(contents)] = points

    def finish(self) -> None:
        """Do nothing: the server builds its graph as points come."""
        self._arrange()

    def nearest(
        self, queries: Array32, count: int, *, exclude: Sequence[str] = ()
    ) -> tuple[Array32, Array32]:
        """Return the nearest smoothed points of queries and their cosines."""
        is_picture = np.array([one not in self._repeats for one in self._contents], np.bool_)
        without = None
        if len(exclude):
            without = (np.cumsum(is_picture) - 1)[self._positions(exclude)]
        pictures = self._smoothed[is_picture]
        positions, similarities = nearest_exactly(pictures, queries, count, without)
        return pictures[positions], similarities

    def points(self, contents: Sequence[str]) -> Array32:
        """Return the smoothed points of some contents."""
        points: Array32 = self._smoothed[self._positions(contents)]
        return points

    def publish(self, projection: Projection, ranked: Background, plain: Background) -> IndexInfo:
        """Write the points beside the old ones, and make them count, as a whole.

        Raises
        ------
        LibraryError
            The server refused; the old index stands.
        """
        self._all_neighbours()
        connection = self._library.connection
        make_points(connection)
        self._part = f"p{secrets.randbits(60)}"
        connection.make_part(POINTS, self._part)
        info = IndexInfo(
            projection,
            ranked,
            plain,
            photos=len(self._contents),
            fresh=0,
            gone=0,
            graph=self._graph,
            ready=self._graph,
            recall=None,
            built=time.time(),
            repeats=len(self._repeats),
        )
        self._library.revisions.refresh()
        since = self._library.state
        self._write(since.visible, info)
        if self._graph:
            connection.flush(POINTS)
            connection.wait_for_index(POINTS, len(self._contents), _INDEX_SECONDS)
            info = IndexInfo(**{**vars(info), "recall": self._measured_recall()})
        self._changes.make(lambda change: self._switch(change, since.later, since.revision, info))
        connection.settle()
        self._is_published = True
        return info

    def discard(self) -> None:
        """Remove what was written, where it was not published."""
        if self._part and not self._is_published:
            self._library.connection.drop_part(POINTS, self._part)

    # Writing.

    def _switch(self, change: Change, later: str, revision: int, info: IndexInfo) -> None:
        """Put what came while the points were written, and say that they count."""
        library = self._library
        records = [one for one in library.records("index") if one.name == self._space.space.id]
        library.space(self._space.space.id)  # It may be gone.
        change.end_records(records)
        for old in records:
            change.end_records(library.records("projection", [old.document["part"]]))
        for record in projection_records(self._part, info.projection):
            change.put_record(record)
        change.put_record(
            Record(
                "index",
                self._space.space.id,
                {
                    "part": self._part,
                    "made": self._space.made,
                    "photos": info.photos,
                    "graph": info.graph,
                    "recall": info.recall,
                    "built": info.built,
                    "repeats": info.repeats,
                    "ranked": list(vars(info.ranked).values()),
                    "plain": list(vars(info.plain).values()),
                },
            )
        )
        change.flush()
        # From here on other commits wait; those that began before may not know of the new index.
        others = library.revisions.others(change.begun, library.state)
        running = [int(row["number"]) for row in others]
        library.revisions.wait_for_others(running, _WAIT_SECONDS)
        library.revisions.refresh()
        died = f"(died > {revision} and died < {1 << 62})"
        self._write(f"({later}) or {died}", info)

    def _write(self, where: str, info: IndexInfo) -> None:
        """Write the points of the photos that an expression is true of, as their rows are."""
        space = f"array_contains(spaces, {digest(self._space.space.id)})"
        for page in self._library.connection.pages(PHOTOS, joined(where, space), _FIELDS):
            rows = [plain(row) for row in page]
            points = self._points_of({row["content"] for row in rows}, info)
            self._of_library.put(
                self._part,
                [points[row["content"]].row(row) for row in rows if row["content"] in points],
            )

    def _points_of(self, contents: set[str], info: IndexInfo) -> dict[str, Point]:
        neighbours, _ = self._all_neighbours()
        known = [one for one in contents if one in self._places]
        places = [self._places[one] for one in known]
        points = {
            content: Point(
                content,
                vector,
                True,
                content in self._repeats,
                " ".join(self._contents[near] for near in neighbours[place, :_NEIGHBOURS]),
            )
            for content, place, vector in zip(
                known, places, padded(self._smoothed[places]), strict=True
            )
        }
        fresh = [one for one in contents if one not in self._places]
        has, embeddings = self._embeddings.get(self._space, fresh)
        if has.any():
            projected = info.projection.project(embeddings[has])
            smoothed = smooth_new(projected, self.nearest, info.photos - info.repeats)
            points |= {
                content: Point(content, vector)
                for content, vector in zip(
                    (one for one, there in zip(fresh, has, strict=True) if there),
                    padded(smoothed),
                    strict=True,
                )
            }
        return points

    def _measured_recall(self) -> float:
        """Return recall@10 of the server's search among the new points."""
        probes = np.random.default_rng(2).permutation(len(self._projected))[:_PROBES]
        queries = self._projected[np.sort(probes)]
        truth, _ = nearest_exactly(self._smoothed, queries, 10)
        connection = self._library.connection
        found = connection.search(
            POINTS,
            padded(queries),
            self._library.state.visible,
            ["content"],
            20,
            part=self._part,
            mark=connection.written,
        )
        shares = []
        for places, hits in zip(truth, found, strict=True):
            names = [row["content"] for _, row in hits]
            shares.append(np.isin([self._contents[place] for place in places], names).mean())
        return float(np.mean(shares))

    # What is built.

    def _arrange(self) -> None:
        if not self._pieces:
            return
        self._contents = [one for contents, _ in self._pieces for one in contents]
        self._projected = np.concatenate([points for _, points in self._pieces])
        self._pieces = []
        self._places = {content: place for place, content in enumerate(self._contents)}
        self._smoothed = self._projected.copy()

    def _all_neighbours(self) -> tuple[npt.NDArray[np.integer], Array32]:
        if self._neighbours is None:
            self._arrange()
            count = min(SMOOTHING, len(self._projected) - 1)
            self._neighbours = nearest_others(self._projected, count)
        return self._neighbours

    def _positions(self, contents: Sequence[str]) -> npt.NDArray[np.int64]:
        self._arrange()
        try:
            return np.array([self._places[content] for content in contents], np.int64)
        except KeyError:
            raise LibraryError(
                "the index that is built does not hold all of these contents"
            ) from None
