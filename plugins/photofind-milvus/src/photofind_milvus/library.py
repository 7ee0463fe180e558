"""What the parts of a store share: the connection, names, the state, and reading rows as of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from photofind.errors import LibraryError
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import Space
from photofind_milvus.connection import Connection
from photofind_milvus.expressions import digest, expression_of, joined, one_of
from photofind_milvus.naming import Naming
from photofind_milvus.revisions import Revisions, State
from photofind_milvus.rows import (
    PHOTO_FIELDS,
    PHOTOS,
    RECORD_FIELDS,
    RECORDS,
    Kept,
    Record,
    photo_in,
    place_of,
    record_in,
)
from photofind_milvus.vocabulary import Vocabulary

__all__ = ["KeptSpace", "Library", "chunks"]

_Value = TypeVar("_Value")
_MOST_LISTED = 1000
"""So many values an expression lists."""


class KeptSpace:
    """A space, and the name of the part that has its embeddings.

    Parameters
    ----------
    record
        The record of the space.
    """

    def __init__(self, record: Record) -> None:
        value = record.document
        self.record = record
        self.space = Space(
            value["extractor"], value["version"], value["dimension"], value.get("build", "")
        )
        self.made = int(value["made"])
        self.part = f"s{self.made}"
        self.table = f"e{self.space.dimension}"


class Library:
    """Reads the rows of a library as of its state; threads may share it.

    Parameters
    ----------
    connection
        To its server.
    naming
        Of paths of this machine.
    revisions
        Its commits.
    """

    def __init__(self, connection: Connection, naming: Naming, revisions: Revisions) -> None:
        self.connection = connection
        self.naming = naming
        self.revisions = revisions
        self.vocabulary = Vocabulary(connection)
        self._records: dict[str, tuple[int, list[Record]]] = {}

    @property
    def state(self) -> State:
        """What is seen now."""
        return self.revisions.state

    # Photos.

    def expression(self, where: Filter) -> str:
        """Return the expression of a filter, with that of what is there."""
        state = self.state.visible
        if where == EVERYTHING:
            return state
        return joined(state, expression_of(where, self.naming, self.vocabulary.found_by))

    def by_ids(self, ids: Iterable[int]) -> list[Kept]:
        """Return the photos with some ids."""
        return self._photos("id", ids)

    def by_keys(self, keys: Iterable[int]) -> list[Kept]:
        """Return the photos of some rows."""
        return self._photos("key", keys)

    def by_contents(self, contents: Iterable[str]) -> dict[str, list[Kept]]:
        """Return the photos with some contents, oldest first."""
        wanted = dict.fromkeys(one for one in contents if one)
        found: dict[str, list[Kept]] = {}
        for kept in sorted(self._photos("content", wanted), key=_id):
            found.setdefault(kept.photo.content, []).append(kept)
        return {content: found[content] for content in wanted if content in found}

    def by_places(self, places: Iterable[tuple[str, str | None]]) -> list[Kept]:
        """Return the photos at some paths that are away or not."""
        return self._photos(
            "place", (place_of(self.naming.kept(path), away) for path, away in places)
        )

    def select(self, where: Filter = EVERYTHING) -> Iterator[Kept]:
        """Yield the photos that a filter lets pass, in any order."""
        expression = self.expression(where)
        for page in self.connection.pages(PHOTOS, expression, PHOTO_FIELDS):
            for row in page:
                yield photo_in(row, self.naming)

    def count(self, where: Filter = EVERYTHING) -> int:
        """Return how many photos a filter lets pass."""
        return self.connection.count(PHOTOS, self.expression(where))

    def referred(
        self, space: str, contents: Sequence[str], where: Filter = EVERYTHING
    ) -> dict[str, int]:
        """Return how many photos with an embedding, that a filter lets pass, have each content."""
        expression = self.expression(where)
        embedded = f"array_contains(spaces, {digest(space)})"
        counts: dict[str, int] = {}
        for some in chunks(contents, _MOST_LISTED):
            listed = joined(expression, embedded, one_of("content", some))
            for page in self.connection.pages(PHOTOS, listed, ["content"]):
                for row in page:
                    counts[row["content"]] = counts.get(row["content"], 0) + 1
        return counts

    def _photos(self, field: str, values: Iterable[int | str]) -> list[Kept]:
        found = []
        for some in chunks(dict.fromkeys(values), _MOST_LISTED):
            where = joined(self.state.visible, one_of(field, some))
            for page in self.connection.pages(PHOTOS, where, PHOTO_FIELDS):
                found += [photo_in(row, self.naming) for row in page]
        return found

    # Records.

    def records(self, kind: str, subjects: Iterable[str] | None = None) -> list[Record]:
        """Return the records of a kind, of some subjects alone where they are given."""
        changes = self.revisions.changes_of(kind)  # Before the state, which changes first.
        state = self.state
        if subjects is None:
            known = self._records.get(kind)
            if known is not None and known[0] == changes:
                return known[1]
        found: list[Record] = []
        wanted = None if subjects is None else dict.fromkeys(subjects)
        for some in [None] if wanted is None else chunks(wanted, _MOST_LISTED):
            listed = "" if some is None else one_of("subject", some)
            where = joined(state.visible, f'kind == "{kind}"', listed)
            for page in self.connection.pages(RECORDS, where, RECORD_FIELDS):
                found += map(record_in, page)
        if subjects is None:
            self._records[kind] = changes, found
        return found

    def named(self, kind: str, names: Iterable[str]) -> dict[str, Record]:
        """Return the records of a kind with some names; those that are not there left out."""
        places = (digest("record", kind, name) for name in dict.fromkeys(names))
        found: dict[str, Record] = {}
        for some in chunks(places, _MOST_LISTED):
            where = joined(self.state.visible, one_of("place", some))
            for page in self.connection.pages(RECORDS, where, RECORD_FIELDS):
                found.update((one.name, one) for one in map(record_in, page))
        return found

    def spaces(self) -> list[KeptSpace]:
        """Return the spaces, oldest first."""
        return sorted(map(KeptSpace, self.records("space")), key=lambda one: one.made)

    def space(self, space: str) -> KeptSpace:
        """Return a space by its id.

        Raises
        ------
        LibraryError
            There is none.
        """
        for known in self.spaces():
            if known.space.id == space:
                return known
        raise LibraryError(f"the library has no embeddings of {space}")


def chunks(values: Iterable[_Value], size: int) -> Iterator[list[_Value]]:
    """Yield values in lists of some length."""
    left = iter(values)
    while some := list(islice(left, size)):
        yield some


def _id(kept: Kept) -> int:
    return kept.photo.id
