"""The words of photos as numbers: which photos carry a tag is an overlap of small arrays.

A *kind* is a word as photos carry it: its spelling, the space that gave it, whether it is sure, and
its meaning. There are some thousands of them, however many photos there are; whether a tag finds a
kind is decided here, by the rules of :mod:`photofind.model.words`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from photofind.model import TagCount
from photofind.model.hierarchy import Meaning, folded, meanings_of
from photofind.model.records import Photo
from photofind.model.words import Finds, words_of
from photofind_postgres.sessions import Cursor, Rows

__all__ = ["Words"]


class _Kind(NamedTuple):
    spelling: str
    space: str
    is_sure: bool
    meaning: Meaning | None

    @property
    def key(self) -> str:
        """What the server keeps of it."""
        words = [*self.meaning.words] if self.meaning else None
        wider = self.meaning.wider[0].name if self.meaning and self.meaning.wider else None
        return json.dumps([self.spelling, self.space, self.is_sure, words, wider])


class Words:
    """All kinds of words of a library; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._kinds: dict[int, _Kind] = {}

    def forget(self) -> None:
        """Forget what is known: what was added may not have been committed."""
        with self._lock:
            self._numbers, self._kinds = {}, {}

    def number(self, cursor: Cursor, photos: Sequence[Photo]) -> list[list[int]]:
        """Return the numbers of the words of photos; new words are put into the library."""
        carried = [[_kind_of(*word) for word in _told(photo)] for photo in photos]
        keys = dict.fromkeys(key for kinds in carried for key, _ in kinds)
        with self._lock:
            if not keys.keys() <= self._numbers.keys():
                known = max(self._kinds, default=0)
                cursor.execute("SELECT number, kind FROM words WHERE number > %s", [known])
                self._take_in(cursor.fetchall())
                new = [key for key in keys if key not in self._numbers]
                cursor.execute(
                    "INSERT INTO words (kind) SELECT unnest(%s::text[]) RETURNING number, kind",
                    [new],
                )
                self._take_in(cursor.fetchall())
            numbers = self._numbers
            return [sorted({numbers[key] for key, _ in kinds}) for kinds in carried]

    def found_by(self, tag: str, fetch: Callable[..., Rows]) -> list[int]:
        """Return the numbers of the words that a tag finds."""
        finds = Finds(tag)
        kinds = self._all(fetch)
        return [number for number, kind in kinds.items() if finds(kind.spelling, kind.meaning)]

    def counts(self, fetch: Callable[..., Rows]) -> list[TagCount]:
        """Return the names that are sure of any photo; see `photofind.library.tags`."""
        carried = {number for (number,) in fetch(_CARRIED)}
        kinds = {number: kind for number, kind in self._all(fetch).items() if number in carried}
        together: dict[Meaning | str, list[int]] = {}
        for number, kind in sorted(kinds.items()):
            together.setdefault(kind.meaning or folded(kind.spelling), []).append(number)
        meanings = set(together)
        listed: dict[str, list[int]] = {}
        for key, numbers in together.items():
            if not any(kinds[number].is_sure for number in numbers):
                continue
            if isinstance(key, Meaning) and not key.is_everyday:
                continue
            name = folded(kinds[numbers[0]].spelling)
            if isinstance(key, str):  # A keyword counts as the tag that it is a word of.
                same = next((one for one in meanings_of(name) if one in meanings), None)
                name = folded(kinds[together[same][0]].spelling) if same else name
            listed.setdefault(name, []).extend(numbers)
        groups = {number: place for place, some in enumerate(listed.values()) for number in some}
        counted: dict[int, int] = dict(fetch(_COUNTED, [[*groups], [*groups.values()]]))
        counts = [
            TagCount(
                kinds[numbers[0]].spelling,
                counted.get(place, 0),
                tuple(
                    sorted({kinds[n].space.rpartition("@")[0] for n in numbers if kinds[n].space})
                ),
                any(not kinds[number].space for number in numbers),
            )
            for place, numbers in enumerate(listed.values())
        ]
        return sorted(counts, key=lambda count: (-count.photos, count.name.casefold()))

    def _all(self, fetch: Callable[..., Rows]) -> dict[int, _Kind]:
        with self._lock:
            known = max(self._kinds, default=0)
            self._take_in(fetch("SELECT number, kind FROM words WHERE number > %s", [known]))
            return dict(self._kinds)

    def _take_in(self, rows: Iterable[Sequence[object]]) -> None:
        for number, key in rows:
            assert isinstance(number, int)
            self._numbers[str(key)] = number
            self._kinds[number] = _parsed(str(key))


_CARRIED = "SELECT DISTINCT unnest(words) FROM photos WHERE NOT failed"
_COUNTED = (
    "SELECT g.place, count(DISTINCT f.id) FROM photos f, unnest(f.words) AS w (number)"
    " JOIN unnest(%s::int[], %s::int[]) AS g (number, place) ON g.number = w.number"
    " WHERE NOT f.failed GROUP BY g.place"
)


def _told(photo: Photo) -> Iterable[tuple[str, str, bool, Meaning | None]]:
    return ((word.name, word.space, word.is_sure, word.meaning) for word in words_of(photo))


@lru_cache(65536)
def _kind_of(
    spelling: str, space: str, is_sure: bool, meaning: Meaning | None
) -> tuple[str, _Kind]:
    kind = _Kind(spelling, space, is_sure, meaning)
    return kind.key, kind


def _parsed(key: str) -> _Kind:
    spelling, space, is_sure, words, wider = json.loads(key)
    meaning = None
    if words:
        meaning = next(
            (
                one
                for one in meanings_of(words[0])
                if [*one.words] == words and (one.wider[0].name if one.wider else None) == wider
            ),
            None,
        )
    return _Kind(spelling, space, is_sure, meaning)
