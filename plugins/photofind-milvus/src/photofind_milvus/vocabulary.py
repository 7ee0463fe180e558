"""The words that photos of the library carry, so that a tag becomes a list of their digests.

A row has the digests of all words that its photo carries, the wider ones included. Which words a
tag finds is a matter of names and meanings (:class:`photofind.model.words.Finds`), so the words
are listed, each once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from photofind.model.hierarchy import Meaning, folded, meanings_of
from photofind.model.records import Photo
from photofind.model.words import Finds, words_of
from photofind_milvus.connection import Connection
from photofind_milvus.expressions import digest
from photofind_milvus.revisions import Running
from photofind_milvus.rows import RECORD_FIELDS, RECORDS, Record, record_in, record_row

__all__ = ["Vocabulary"]

_KIND = "word"
_AGAIN = 60_000 << 18
"""Words may be listed a little later than others that are: in the server's time."""


@dataclass(frozen=True)
class _Word:
    name: str
    meaning: Meaning | None


class Vocabulary:
    """The words of a library; threads may share it.

    Parameters
    ----------
    connection
        To its server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._looking = threading.Lock()
        self._words: dict[int, _Word] = {}
        self._seen = 0

    def carried_by(self, photo: Photo) -> dict[int, tuple[str, Meaning | None]]:
        """Return the words that a photo carries, by their digests."""
        return {
            _digest_of(word.name, word.meaning): (word.name, word.meaning)
            for word in words_of(photo)
        }

    def add(self, words: dict[int, tuple[str, Meaning | None]], running: Running) -> None:
        """List words, before the photos count that carry them; those that are listed stay."""
        new = {key: word for key, word in words.items() if key not in self._words}
        if not new:
            return
        rows = []
        for key, (name, meaning) in new.items():
            document = {"word": name, "means": list(meaning.words) if meaning else None}
            row = record_row(Record(_KIND, str(key), document), running)
            # They count whatever becomes of the commit.
            rows.append(row | {"key": digest(_KIND, key), "born_by": 0})
        self._connection.upsert(RECORDS, rows)
        with self._looking:
            self._words.update((key, _Word(*word)) for key, word in new.items())

    def found_by(self, tag: str) -> list[int]:
        """Return the digests of the words that a tag finds."""
        self._look()
        finds = Finds(tag)
        with self._looking:
            return sorted(
                key for key, word in self._words.items() if finds(word.name, word.meaning)
            )

    def _look(self) -> None:
        since = max(0, self._seen - _AGAIN)
        where = f'kind == "{_KIND}" and born > {since}'
        for page in self._connection.pages(RECORDS, where, [*RECORD_FIELDS, "born"]):
            for row in page:
                self._seen = max(self._seen, int(row["born"]))
                record = record_in(row)
                word = _Word(record.document["word"], _meaning(record.document["means"]))
                with self._looking:
                    self._words.setdefault(int(record.name), word)


def _digest_of(name: str, meaning: Meaning | None) -> int:
    if meaning is None:
        return digest("name", folded(name))
    return digest("meaning", *meaning.words)


def _meaning(words: Iterable[str] | None) -> Meaning | None:
    if words is None:
        return None
    listed = tuple(words)
    known = (one for word in listed for one in meanings_of(word) if one.words == listed)
    return next(known, Meaning(listed, (), False, 1))
