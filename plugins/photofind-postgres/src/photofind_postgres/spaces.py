"""The spaces of a library, and the index of each, as of one commit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from photofind.errors import LibraryError
from photofind.library.store import Array32
from photofind.model.records import Space
from photofind.ranking.calibration import Background
from photofind.ranking.projection import Projection
from photofind_postgres.sessions import Rows

__all__ = ["Index", "Spaces", "StoredSpace", "facts_text"]


@dataclass(frozen=True, eq=False)
class Index:
    """A published index.

    Parameters
    ----------
    number, space
        Its own number, and that of its space.
    photos, repeats
        How many contents it was built on, and how many of those repeat others.
    graph
        Whether its points have an HNSW index.
    """

    number: int
    space: int
    projection: Projection
    ranked: Background
    plain: Background
    photos: int
    repeats: int
    graph: bool
    recall: float | None
    built: float

    @property
    def points(self) -> str:
        """The table of its points."""
        return f"points_{self.space}_{self.number}"

    @property
    def width(self) -> int:
        """The dimension of its points."""
        return len(self.projection.components)


@dataclass(frozen=True, eq=False)
class StoredSpace:
    """A space with its number and its index."""

    number: int
    space: Space
    index: Index | None

    @property
    def embeddings(self) -> str:
        """The table of its embeddings."""
        return f"embeddings_{self.number}"


class Spaces:
    """All spaces of a library, oldest first.

    Parameters
    ----------
    fetch
        Runs a query.
    known
        Those of another commit: an index that is known is not read again.
    where
        The server, for messages.
    """

    def __init__(self, fetch: Callable[[str], Rows], known: Spaces | None, where: str) -> None:
        indexes = {} if known is None else known._indexes()
        rows = fetch(
            "SELECT s.number, s.extractor, s.version, s.dimension, s.build, i.number"
            " FROM spaces s LEFT JOIN indexes i ON i.space = s.number ORDER BY s.number"
        )
        missing = [row[5] for row in rows if row[5] is not None and row[5] not in indexes]
        if missing:
            numbers = ", ".join(map(str, missing))
            for row in fetch(
                "SELECT number, space, facts, mean, components FROM indexes"
                f" WHERE number IN ({numbers})"
            ):
                indexes[row[0]] = _index_of(*row)
        self._where = where
        self.all = [
            StoredSpace(row[0], Space(*row[1:5]), indexes.get(row[5]) if row[5] else None)
            for row in rows
        ]
        self.ids = {one.number: one.space.id for one in self.all}
        self.numbers = {one.space.id: one.number for one in self.all}

    def get(self, space: str) -> StoredSpace:
        """Return a space by its id.

        Raises
        ------
        LibraryError
            There is none.
        """
        for one in self.all:
            if one.space.id == space:
                return one
        raise LibraryError(f"the library has no embeddings of {space}", "run `photofind index`")

    def index(self, space: str) -> tuple[StoredSpace, Index]:
        """Return a space with its index.

        Raises
        ------
        LibraryError
            There is none.
        """
        stored = self.get(space)
        if stored.index is None:
            raise LibraryError(f"there is no index of {space} yet", "run `photofind index`")
        return stored, stored.index

    def replace_index(self, stored: StoredSpace, index: Index) -> None:
        """Take note of another index of a space."""
        self.all[self.all.index(stored)] = replace(stored, index=index)

    def _indexes(self) -> dict[int, Index]:
        return {one.index.number: one.index for one in self.all if one.index is not None}


def facts_text(index: Index) -> str:
    """Return what the server keeps of an index, but for its projection."""
    return json.dumps(
        {
            "dimension": index.projection.mean.shape[0],
            "ranked": _background_text(index.ranked),
            "plain": _background_text(index.plain),
            "photos": index.photos,
            "repeats": index.repeats,
            "graph": index.graph,
            "recall": index.recall,
            "built": index.built,
        }
    )


def _background_text(background: Background) -> Mapping[str, float | None]:
    return {
        "median": background.median,
        "deviation": background.deviation,
        "significant": background.significant,
    }


def _index_of(number: int, space: int, facts: str, mean: bytes, components: bytes) -> Index:
    known = json.loads(facts)
    dimension = known["dimension"]
    return Index(
        number,
        space,
        Projection(_array(mean, dimension)[0], _array(components, dimension)),
        Background(**known["ranked"]),
        Background(**known["plain"]),
        known["photos"],
        known["repeats"],
        known["graph"],
        known["recall"],
        known["built"],
    )


def _array(raw: bytes, width: int) -> Array32:
    return np.frombuffer(raw, "<f4").astype(np.float32).reshape(-1, width)
