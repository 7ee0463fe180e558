"""What all calls of a store share: connections, what is known of a commit, and changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import TypeVar, cast

from photofind.model.filters import EVERYTHING, Filter
from photofind_postgres.address import Address
from photofind_postgres.filters import condition
from photofind_postgres.locations import Locations
from photofind_postgres.photos import PhotoWriter
from photofind_postgres.points import update_points
from photofind_postgres.schema import prepare_schema
from photofind_postgres.searching import Condition
from photofind_postgres.sessions import Cursor, Sessions
from photofind_postgres.spaces import Spaces
from photofind_postgres.tallies import is_tallied
from photofind_postgres.words import Words

__all__ = ["Change", "Library"]

T = TypeVar("T")


class Change:
    """A transaction that changes the library, alone.

    Parameters
    ----------
    cursor
        In the transaction.
    spaces
        As they are in it.
    photos
        Changes photos in it.
    """

    def __init__(self, cursor: Cursor, spaces: Spaces, photos: PhotoWriter) -> None:
        self.cursor = cursor
        self.spaces = spaces
        self.photos = photos


class Library:
    """A library at an address, opened; threads may share it.

    Raises
    ------
    LibraryError
        The server refuses or does not answer, or holds a library that cannot be used.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._watcher = address.machine.watcher
        self._locations = Locations(address.machine.name, address.machine.shares)
        self._sessions = Sessions(address)
        self._words = Words()
        self._knowing = RLock()  # Held to look at, and to change, what follows.
        self._known_at = -1
        self._known: dict[Hashable, object] = {}
        self._last_spaces: Spaces | None = None
        try:
            prepare_schema(self._sessions, address)
            self._identity = str(self._sessions.fetch("SELECT identity FROM library")[0][0])
        except BaseException:
            self._sessions.close()
            raise

    def _once(self, key: Hashable, find: Callable[[], T]) -> T:
        """Return what was found as of this commit, or find it."""
        revision = self._sessions.revision
        with self._knowing:
            if self._known_at != revision:
                self._known.clear()
                self._known_at = revision
            if key in self._known:
                return cast(T, self._known[key])
        found = find()
        with self._knowing:
            if self._known_at == revision:
                self._known[key] = found
        return found

    @property
    def _spaces(self) -> Spaces:
        def find() -> Spaces:
            found = Spaces(self._sessions.fetch, self._last_spaces, self._address.shown)
            self._last_spaces = found
            return found

        return self._once("spaces", find)

    def _condition(self, where: Filter) -> Condition:
        def words(tag: str) -> list[int]:
            return self._words.found_by(tag, self._sessions.fetch)

        return condition(where, self._locations, self._spaces.numbers, words)

    def _count(self, where: Filter = EVERYTHING) -> int:
        def find() -> int:
            part, values = self._condition(where)
            counted = "sum(f.photos) FROM tallies" if is_tallied(where) else "count(*) FROM photos"
            rows = self._sessions.fetch(f"SELECT {counted} f WHERE {part}", values)
            return int(rows[0][0] or 0)

        return self._once(("count", where), find)

    @contextmanager
    def _changing(self) -> Iterator[Change]:
        """Give a transaction; it is committed as a whole where nothing fails."""
        try:
            with self._sessions.writing() as cursor:

                def fetch(query: str) -> list[tuple[object, ...]]:
                    cursor.execute(query)
                    return cursor.fetchall()

                spaces = Spaces(fetch, self._last_spaces, self._address.shown)
                photos = PhotoWriter(cursor, self._locations, self._words, spaces)
                yield Change(cursor, spaces, photos)
        except BaseException:
            self._words.forget()  # New ones may not be there.
            raise

    def _touch(self, change: Change, contents: set[str]) -> None:
        """Have the indexes follow what became of contents."""
        update_points(change.cursor, change.spaces, contents)
