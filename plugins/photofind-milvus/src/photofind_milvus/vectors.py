"""The embeddings of a library: by content, each once, for all photos that have it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pymilvus import DataType

from photofind.errors import LibraryError
from photofind.library.store import Array32, Nearest
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import Space
from photofind.ranking.projection import normalised
from photofind_milvus.connection import Connection, Row
from photofind_milvus.expressions import digest, joined, one_of
from photofind_milvus.library import KeptSpace, Library, chunks
from photofind_milvus.rows import PHOTOS

__all__ = ["Embeddings", "as_nearest", "rounded"]

_WHOLE: dict[str, Any] = {}
_MOST_BYTES = 4_000_000
"""Of the vectors in one request."""
_MOST_LISTED = 10_000
_RANGE = 1 << 63


class Embeddings:
    """Reads and writes embeddings; threads may share it.

    Parameters
    ----------
    library
        Which photos refer to what.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._connection = library.connection

    def make(self, space: KeptSpace) -> None:
        """Make the part of a space."""
        make_table(self._connection, space.space.dimension)
        self._connection.make_part(space.table, space.part)

    def drop(self, space: KeptSpace) -> None:
        """Remove the part of a space with all that is in it."""
        if self._connection.has(space.table):
            self._connection.drop_part(space.table, space.part)

    def put(self, space: KeptSpace, embeddings: Mapping[str, Array32], revision: int) -> None:
        """Put embeddings by content; they count once photos refer to them."""
        rows: list[Row] = [
            {
                "key": f"{space.part}/{content}",
                "content": content,
                "drawn": digest("drawn", content),
                "born": revision,
                "vector": vector,
            }
            for content, vector in embeddings.items()
        ]
        for some in chunks(rows, _page(space)):
            self._connection.upsert(space.table, some, space.part)

    def get(
        self, space: KeptSpace, contents: Sequence[str]
    ) -> tuple[npt.NDArray[np.bool_], Array32]:
        """Return which contents have an embedding, and the embeddings; zeros for the others."""
        found: dict[str, Any] = {}
        wanted = dict.fromkeys(one for one in contents if one)
        for some in chunks(wanted, _page(space)):
            keys = one_of("key", (f"{space.part}/{content}" for content in some))
            rows = self._connection.query(space.table, keys, ["content", "vector"], part=space.part)
            found.update((row["content"], row["vector"]) for row in rows)
        has = np.array([content in found for content in contents], np.bool_)
        vectors = np.zeros((len(contents), space.space.dimension), np.float32)
        for place, content in enumerate(contents):
            if has[place]:
                vectors[place] = found[content]
        return has, vectors

    def known(self, space: KeptSpace, contents: Iterable[str]) -> set[str]:
        """Return those of some contents that have an embedding."""
        known: set[str] = set()
        for some in chunks(dict.fromkeys(contents), 1000):
            keys = one_of("key", (f"{space.part}/{content}" for content in some))
            rows = self._connection.query(space.table, keys, ["content"], part=space.part)
            known.update(row["content"] for row in rows)
        return known

    def pages(self, space: KeptSpace, *, vectors: bool = True) -> Iterator[Mapping[str, Any]]:
        """Yield contents that photos refer to, in pages: to embeddings, or to how many photos."""
        fields = ["content", "vector"] if vectors else ["content"]
        size = _page(space) if vectors else 1000
        for page in self._connection.pages(
            space.table, "born >= 0", fields, part=space.part, size=size
        ):
            contents = [row["content"] for row in page]
            referred = self._library.referred(space.space.id, contents)
            if vectors:
                yield {row["content"]: row["vector"] for row in page if row["content"] in referred}
            else:
                yield {content: referred[content] for content in contents if content in referred}

    def sample(self, space: KeptSpace, count: int, seed: int) -> tuple[list[str], Array32]:
        """Return some contents that photos refer to, drawn at random, with their embeddings."""
        total = self._connection.count(space.table, "born >= 0", part=space.part)
        start, share = digest("seed", seed), 1.2 * count / max(1, total)
        while True:
            drawn = self._drawn(space, start, min(1.0, share))
            if len(drawn) >= count or share >= 1:
                break
            share *= 2
        names = sorted(drawn[:count])
        has, vectors = self.get(space, names)
        return [name for name, there in zip(names, has, strict=True) if there], vectors[has]

    def _drawn(self, space: KeptSpace, start: int, share: float) -> list[str]:
        """Return the contents of a share of all numbers that begins somewhere, in that order."""
        end = start + int(share * (_RANGE - 1))
        within = f"drawn >= {start}" + (f" and drawn < {end}" if end < _RANGE else "")
        if end >= _RANGE:
            within = f"drawn >= {start} or drawn < {end - _RANGE}" if share < 1 else "born >= 0"
        drawn: list[tuple[int, str]] = []
        for page in self._connection.pages(
            space.table, within, ["content", "drawn"], part=space.part
        ):
            referred = self._library.referred(space.space.id, [row["content"] for row in page])
            drawn += [
                ((int(row["drawn"]) - start) % _RANGE, row["content"])
                for row in page
                if row["content"] in referred
            ]
        return [content for _, content in sorted(drawn)]

    def nearest(
        self,
        space: KeptSpace,
        queries: Array32,
        count: int,
        *,
        where: Filter,
        exclude: Iterable[str],
        vectors: bool,
    ) -> Nearest:
        """Find the nearest embeddings of queries, among those that photos refer to."""
        without = set(exclude)
        few = self._passing(space, where) if where != EVERYTHING else None
        if few is not None:
            expression = one_of("content", [one for one in few if one not in without])
        else:
            expression = "born >= 0"
        fields = ["content", "vector"] if vectors else ["content"]
        wanted = count + (len(without) if few is None else 0) + 8
        while True:
            found = self._connection.search(
                space.table, normalised(queries), expression, fields, wanted, part=space.part
            )
            if few is None:
                names = {row["content"] for hits in found for _, row in hits}
                passing = self._library.referred(space.space.id, sorted(names), where)
                kept = [
                    [hit for hit in hits if _is_wanted(hit, passing, without)] for hits in found
                ]
            else:
                kept = found
            is_all = max(map(len, found), default=0) < min(wanted, 16_384) or wanted >= 16_384
            if is_all or min(map(len, kept), default=count) >= count:
                break
            wanted *= 4
        return as_nearest(kept, count, space.space.dimension if vectors else 0, "plain")

    def _passing(self, space: KeptSpace, where: Filter) -> list[str] | None:
        """Return the contents that a filter lets pass, where they are few enough to be listed."""
        embedded = joined(
            self._library.expression(where), f"array_contains(spaces, {digest(space.space.id)})"
        )
        rows = self._connection.query(PHOTOS, embedded, ["content"], limit=_MOST_LISTED)
        if len(rows) == _MOST_LISTED:
            return None
        return sorted({row["content"] for row in rows})


def make_table(connection: Connection, dimension: int) -> None:
    """Make the collection of all embeddings of a dimension."""
    connection.make(
        f"e{dimension}",
        [
            ("key", DataType.VARCHAR, {"max_length": 300}),
            ("content", DataType.VARCHAR, {"max_length": 200}),
            ("drawn", DataType.INT64, _WHOLE),
            ("born", DataType.INT64, _WHOLE),
            ("vector", DataType.FLOAT_VECTOR, {"dim": dimension}),
        ],
        {"index_type": "FLAT", "metric_type": "COSINE", "params": {}},
    )


def rounded(vector: Array32, space: Space) -> Array32:
    """Return an embedding as it is kept, in float16's precision.

    Raises
    ------
    LibraryError
        It has another dimension, or a value that is not finite.
    """
    with np.errstate(over="ignore"):
        kept = np.asarray(vector, np.float16).astype(np.float32)
    if kept.shape != (space.dimension,):
        raise LibraryError(f"an embedding of shape {kept.shape} does not fit {space.id}")
    if not np.isfinite(kept).all():
        raise LibraryError("an embedding holds a value that is no number or beyond float16's 65504")
    return kept


def as_nearest(
    found: Sequence[Sequence[tuple[float, Row]]], count: int, width: int, searched_by: str
) -> Nearest:
    """Return hits as the nearest contents of queries; ``width`` is that of the vectors, or 0."""
    contents = np.full((len(found), count), "", object)
    similarities = np.full((len(found), count), -np.inf, np.float32)
    vectors = np.zeros((len(found), count, width), np.float32)
    for place, hits in enumerate(found):
        for rank, (similarity, row) in enumerate(hits[:count]):
            contents[place, rank] = row["content"]
            similarities[place, rank] = similarity
            if width:
                vectors[place, rank] = row["vector"][:width]
    return Nearest(contents, similarities, normalised(vectors), searched_by)


def _is_wanted(hit: tuple[float, Row], passing: Mapping[str, int], without: set[str]) -> bool:
    return hit[1]["content"] in passing and hit[1]["content"] not in without


def _page(space: KeptSpace) -> int:
    return max(1, min(1000, _MOST_BYTES // (4 * space.space.dimension)))
