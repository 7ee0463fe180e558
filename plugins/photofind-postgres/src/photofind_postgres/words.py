"""The words of photos as numbers: which photos carry a tag is an overlap of small arrays.

What is numbered are kinds of words; :mod:`photofind.library.kinds` says which of them a tag finds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence

from photofind.library.kinds import (
    Kind,
    found_kinds,
    kind_of,
    kinds_of,
    listed_kinds,
    tag_counts,
)
from photofind.model import TagCount
from photofind.model.records import Photo
from photofind_postgres.sessions import Cursor, Rows

__all__ = ["Words"]


class Words:
    """All kinds of words of a library; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._kinds: dict[int, Kind] = {}

    def forget(self) -> None:
        """Forget what is known: what was added may not have been committed."""
        with self._lock:
            self._numbers, self._kinds = {}, {}

    def number(self, cursor: Cursor, photos: Sequence[Photo]) -> list[list[int]]:
        """Return the numbers of the words of photos; new words are put into the library."""
        carried = [[text for text, _ in kinds_of(photo)] for photo in photos]
        texts = dict.fromkeys(text for kinds in carried for text in kinds)
        with self._lock:
            if not texts.keys() <= self._numbers.keys():
                known = max(self._kinds, default=0)
                cursor.execute("SELECT number, kind FROM words WHERE number > %s", [known])
                self._take_in(cursor.fetchall())
                new = [text for text in texts if text not in self._numbers]
                cursor.execute(
                    "INSERT INTO words (kind) SELECT unnest(%s::text[]) RETURNING number, kind",
                    [new],
                )
                self._take_in(cursor.fetchall())
            numbers = self._numbers
            return [sorted({numbers[text] for text in kinds}) for kinds in carried]

    def found_by(self, tag: str, fetch: Callable[..., Rows]) -> list[int]:
        """Return the numbers of the words that a tag finds."""
        return found_kinds(tag, self._all(fetch))

    def counts(self, fetch: Callable[..., Rows]) -> list[TagCount]:
        """Return the names that are sure of any photo; see `photofind.library.tags`."""
        carried = {number for (number,) in fetch(_CARRIED)}
        kinds = {number: kind for number, kind in self._all(fetch).items() if number in carried}
        listed = listed_kinds(kinds)
        places = {number: place for place, some in enumerate(listed) for number in some}
        counted: dict[int, int] = dict(fetch(_COUNTED, [[*places], [*places.values()]]))
        return tag_counts(kinds, listed, [counted.get(place, 0) for place in range(len(listed))])

    def _all(self, fetch: Callable[..., Rows]) -> dict[int, Kind]:
        with self._lock:
            known = max(self._kinds, default=0)
            self._take_in(fetch("SELECT number, kind FROM words WHERE number > %s", [known]))
            return dict(self._kinds)

    def _take_in(self, rows: Iterable[Sequence[object]]) -> None:
        for number, text in rows:
            assert isinstance(number, int)
            self._numbers[str(text)] = number
            self._kinds[number] = kind_of(str(text))


_CARRIED = "SELECT DISTINCT unnest(words) FROM photos WHERE NOT failed"
_COUNTED = (
    "SELECT g.place, count(DISTINCT f.id) FROM photos f, unnest(f.words) AS w (number)"
    " JOIN unnest(%s::int[], %s::int[]) AS g (number, place) ON g.number = w.number"
    " WHERE NOT f.failed GROUP BY g.place"
)
