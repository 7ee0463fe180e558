"""The indexes of spaces: points of photos, with the fields that filters look at.

Each build of an index is a part of the collection of points; a record says which one counts. A
point has a row for each photo of its content, for it is searched with the filters of the photo.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from pymilvus import DataType

from photofind.errors import LibraryError
from photofind.library.store import Array32, IndexInfo, Nearest
from photofind.model.filters import EVERYTHING, Filter
from photofind.ranking.calibration import Background
from photofind.ranking.projection import Projection
from photofind.ranking.smoothing import smooth_new
from photofind_milvus.connection import Connection, Row
from photofind_milvus.expressions import joined, one_of
from photofind_milvus.library import Library, chunks
from photofind_milvus.revisions import Running
from photofind_milvus.rows import FILTERED, Record, filtered_fields, lasting_fields
from photofind_milvus.vectors import as_nearest

__all__ = [
    "POINTS",
    "Index",
    "Point",
    "Points",
    "make_points",
    "padded",
    "plain",
    "projection_records",
]

POINTS = "points"
WIDTH = 128
"""Points are filled up with zeros to so many numbers, which changes no cosine."""

_WHOLE: dict[str, Any] = {}
_LASTING = ["born", "born_by", "died", "died_by"]
_OWN = ["content", "is_built", "is_repeat", "others", "vector"]
_FIELDS = ["key", *_LASTING, *FILTERED, *_OWN]
_PIECE = 12_000
"""Numbers of a projection in one record."""
_LISTED = 1000


@dataclass(frozen=True, eq=False)
class Index:
    """An index that counts.

    Parameters
    ----------
    record
        The record that says so.
    info
        What others are told of it; ``fresh`` and ``gone`` are 0.
    part
        The part of the collection that has its points.
    """

    record: Record
    info: IndexInfo
    part: str

    @property
    def width(self) -> int:
        """How many numbers a point has."""
        return len(self.info.projection.components)


@dataclass(frozen=True, eq=False)
class Point:
    """A point of a content, as it stands in each row of it."""

    content: str
    vector: Any
    is_built: bool = False
    is_repeat: bool = False
    others: str = ""

    def row(self, photo_row: Row) -> Row:
        """Return the row of this point for the row of a photo."""
        fields = {name: photo_row[name] for name in ("key", *_LASTING, *FILTERED)}
        return fields | {
            "content": self.content,
            "is_built": self.is_built,
            "is_repeat": self.is_repeat,
            "others": self.others,
            "vector": self.vector,
        }


def make_points(connection: Connection) -> None:
    """Make the collection of points."""
    connection.make(
        POINTS,
        [
            ("key", DataType.INT64, _WHOLE),
            *lasting_fields(),
            ("content", DataType.VARCHAR, {"max_length": 200}),
            ("is_built", DataType.BOOL, _WHOLE),
            ("is_repeat", DataType.BOOL, _WHOLE),
            ("others", DataType.VARCHAR, {"max_length": 4000}),
            *filtered_fields(),
            ("vector", DataType.FLOAT_VECTOR, {"dim": WIDTH}),
        ],
        {
            "index_type": "HNSW",
            "metric_type": "COSINE",
            "params": {"M": 24, "efConstruction": 200},
        },
    )


class Points:
    """Reads and writes points; threads may share it.

    Parameters
    ----------
    library
        Whose indexes they are.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._connection = library.connection
        self._projections: dict[str, Projection] = {}
        self._infos: dict[tuple[str, str], IndexInfo] = {}

    # The indexes.

    def index(self, space: str) -> Index | None:
        """Return the index of a space, where it has one."""
        made = self._library.space(space).made
        for record in self._library.records("index"):
            if record.name == space and record.document["made"] == made:
                return self._index(record)
        return None

    def required(self, space: str) -> Index:
        """Return the index of a space.

        Raises
        ------
        LibraryError
            It has none.
        """
        index = self.index(space)
        if index is None:
            raise LibraryError(f"there is no index of {space} yet", "run `photofind index`")
        return index

    def indexes(self) -> dict[str, Index]:
        """Return all indexes that count, by their spaces."""
        found = {one.space.id: self.index(one.space.id) for one in self._library.spaces()}
        return {space: index for space, index in found.items() if index is not None}

    def info(self, space: str) -> IndexInfo | None:
        """Return what others are told of the index of a space."""
        index = self.index(space)
        if index is None:
            return None
        key = space, self._library.state.version
        if key not in self._infos:
            fresh, gone = self._changed(index)
            self._infos = {key: replace(index.info, fresh=fresh, gone=gone)}
        return self._infos[key]

    def _index(self, record: Record) -> Index:
        value = record.document
        part = value["part"]
        if part not in self._projections:
            self._projections = {part: self._projection(part), **self._projections}
        info = IndexInfo(
            self._projections[part],
            Background(*value["ranked"]),
            Background(*value["plain"]),
            photos=value["photos"],
            fresh=0,
            gone=0,
            graph=value["graph"],
            ready=value["graph"],
            recall=value["recall"],
            built=value["built"],
            repeats=value["repeats"],
        )
        return Index(record, info, part)

    def _projection(self, part: str) -> Projection:
        pieces = sorted(
            (one.document for one in self._library.records("projection", [part])),
            key=lambda one: one["piece"],
        )
        if not pieces or len(pieces) != pieces[0]["pieces"]:
            raise LibraryError("a projection in the library is not whole", "index it again")
        data = b"".join(base64.b64decode(one["numbers"]) for one in pieces)
        numbers = np.frombuffer(data, "<f4").reshape(-1, pieces[0]["width"])
        return Projection(numbers[0].copy(), numbers[1:].copy())

    def _changed(self, index: Index) -> tuple[int, int]:
        """Return how many contents came since an index was built, and how many went."""
        state = self._library.state
        fresh = {
            row["content"]
            for page in self._connection.pages(
                POINTS, joined(state.visible, "is_built == false"), ["content"], part=index.part
            )
            for row in page
        }
        dead = {
            row["content"]
            for page in self._connection.pages(
                POINTS,
                joined(f"not ({state.visible})", "is_built == true"),
                ["content"],
                part=index.part,
            )
            for row in page
        }
        return len(fresh), len(dead) - len(self._alive(index, dead))

    def _alive(self, index: Index, contents: Collection[str]) -> set[str]:
        alive: set[str] = set()
        for some in chunks(contents, _LISTED):
            where = joined(self._library.state.visible, one_of("content", some))
            for page in self._connection.pages(POINTS, where, ["content"], part=index.part):
                alive.update(row["content"] for row in page)
        return alive

    # Reading.

    def nearest(
        self,
        space: str,
        queries: Array32,
        count: int,
        *,
        where: Filter,
        exclude: Collection[str],
        pictures: bool,
        vectors: bool,
    ) -> Nearest:
        """Find the nearest points of queries; of different pictures alone where that is wanted."""
        index = self.required(space)
        if queries.shape[1] != index.width:
            raise LibraryError("the index was replaced by another one", "search again")
        without = list(exclude)
        expression = joined(
            self._library.expression(where),
            "is_repeat == false" if pictures else "",
            f"not ({one_of('content', without)})" if without else "",
        )
        found = self._search(index, queries, expression, count, vectors=vectors)
        searched_by = "graph" if index.info.graph else "exact"
        return as_nearest(found, count, index.width if vectors else 0, searched_by)

    def _search(
        self, index: Index, queries: Array32, expression: str, count: int, *, vectors: bool = True
    ) -> list[list[tuple[float, Row]]]:
        """Return the nearest rows of queries, one of each content."""
        fields = ["content", "vector"] if vectors else ["content"]
        filled = padded(queries)
        wanted = count + 8
        while True:
            found = self._connection.search(
                POINTS, filled, expression, fields, wanted, part=index.part
            )
            kept = [_different(hits)[:count] for hits in found]
            is_all = max(map(len, found), default=0) < wanted or wanted >= 16_384
            if is_all or min(map(len, kept), default=count) >= count:
                return kept
            wanted *= 2

    def get(self, space: str, contents: Sequence[str]) -> tuple[npt.NDArray[np.bool_], Array32]:
        """Return which contents have a point, and the points; zeros for the others."""
        index = self.required(space)
        found: dict[str, Any] = {}
        for some in chunks(dict.fromkeys(contents), _LISTED):
            where = joined(self._library.state.visible, one_of("content", some))
            for page in self._connection.pages(
                POINTS, where, ["content", "vector"], part=index.part
            ):
                found.update((row["content"], row["vector"]) for row in page)
        has = np.array([content in found for content in contents], np.bool_)
        points = np.zeros((len(contents), index.width), np.float32)
        for place, content in enumerate(contents):
            if has[place]:
                points[place] = found[content][: index.width]
        return has, points

    def neighbours(self, space: str) -> Iterator[tuple[list[str], list[list[str]]]]:
        """Yield contents in pages, each with the others that were nearest to it."""
        index = self.index(space)
        if index is None:
            return
        seen: set[str] = set()
        where = joined(self._library.state.visible, "is_built == true")
        for page in self._connection.pages(POINTS, where, ["content", "others"], part=index.part):
            named = {row["content"]: row["others"].split() for row in page}
            named = {one: others for one, others in named.items() if one not in seen}
            seen.update(named)
            listed = {other for others in named.values() for other in others}
            alive = self._alive(index, listed)
            yield (
                list(named),
                [[other for other in others if other in alive] for others in named.values()],
            )

    def indexed(self, space: str) -> Iterator[tuple[list[str], npt.NDArray[np.bool_]]]:
        """Yield in pages the contents that the index was built on, and which of them repeat."""
        index = self.index(space)
        if index is None:
            return
        seen: set[str] = set()
        where = joined(self._library.state.visible, "is_built == true")
        for page in self._connection.pages(
            POINTS, where, ["content", "is_repeat"], part=index.part
        ):
            repeats = {
                row["content"]: row["is_repeat"] for row in page if row["content"] not in seen
            }
            seen.update(repeats)
            yield list(repeats), np.array([*repeats.values()], np.bool_)

    # Writing.

    def points_of(self, index: Index, embeddings: Mapping[str, Array32]) -> dict[str, Point]:
        """Return the points of contents: those that are there, or made of embeddings."""
        known: dict[str, Point] = {}
        for some in chunks(embeddings, _LISTED):
            for page in self._connection.pages(
                POINTS, joined("born >= 0", one_of("content", some)), _OWN, part=index.part
            ):
                known.update((row["content"], Point(**{n: row[n] for n in _OWN})) for row in page)
        new = [content for content in embeddings if content not in known]
        if new:
            projected = index.info.projection.project(np.stack([embeddings[one] for one in new]))
            smoothed = self._smoothed_by(index, projected)
            known.update(
                (content, Point(content, vector))
                for content, vector in zip(new, padded(smoothed), strict=True)
            )
        return known

    def _smoothed_by(self, index: Index, projected: Array32) -> Array32:
        """Return projected points smoothed by those that are there and by each other."""
        pictures = joined(self._library.expression(EVERYTHING), "is_repeat == false")

        def nearest(queries: Array32, count: int) -> tuple[Array32, Array32]:
            found = self._search(index, queries, pictures, count)
            near = as_nearest(found, count, queries.shape[1], "exact")
            return near.vectors, near.similarities

        return smooth_new(projected, nearest, index.info.photos - index.info.repeats)

    def put(self, part: str, rows: Sequence[Row]) -> None:
        """Put the rows of points."""
        self._connection.upsert(POINTS, rows, part)

    def end(self, part: str, keys: Collection[int], running: Running) -> None:
        """Have a commit end the rows of photos."""
        for some in chunks(keys, _LISTED):
            rows = self._connection.query(POINTS, one_of("key", some), _FIELDS, part=part)
            ended = {"died": running.revision, "died_by": running.number}
            self._connection.upsert(POINTS, [plain(row) | ended for row in rows], part)


def projection_records(part: str, projection: Projection) -> list[Record]:
    """Return the records that have a projection, in pieces."""
    numbers = np.vstack([projection.mean[np.newaxis], projection.components]).astype("<f4")
    flat = numbers.ravel()
    starts = range(0, len(flat), _PIECE)
    return [
        Record(
            "projection",
            f"{part}/{piece}",
            {
                "piece": piece,
                "pieces": len(starts),
                "width": numbers.shape[1],
                "numbers": base64.b64encode(flat[start : start + _PIECE].tobytes()).decode(),
            },
            part,
        )
        for piece, start in enumerate(starts)
    ]


def plain(row: Row) -> Row:
    """Return a row that was read as one that can be written."""
    return {
        name: list(value) if name in ("spaces", "refusals", "words") else value
        for name, value in row.items()
    }


def padded(points: Array32) -> Array32:
    """Return points (n, d) filled up with zeros.

    Raises
    ------
    LibraryError
        They are longer than the library has room for.
    """
    if points.shape[1] > WIDTH:
        raise LibraryError(f"points of {points.shape[1]} numbers are too long for this library")
    padded = np.zeros((len(points), WIDTH), np.float32)
    padded[:, : points.shape[1]] = points
    return padded


def _different(hits: Sequence[tuple[float, Row]]) -> list[tuple[float, Row]]:
    """Return hits without those of contents that came before."""
    first: dict[str, tuple[float, Row]] = {}
    for hit in hits:
        first.setdefault(hit[1]["content"], hit)
    return list(first.values())
