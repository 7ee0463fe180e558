"""The words that photos of the library carry, so that a tag becomes a list of their digests.

A row has the digests of all kinds of words that its photo carries, the wider ones included. Which
of them a tag finds is a matter of names and meanings (:mod:`photofind.library.kinds`), so the kinds
are listed, each once.
"""

from __future__ import annotations

import threading

from photofind.library.kinds import Kind, found_kinds, kind_of, kinds_of
from photofind.model.records import Photo
from photofind_milvus.connection import Connection
from photofind_milvus.expressions import digest
from photofind_milvus.revisions import Running
from photofind_milvus.rows import RECORD_FIELDS, RECORDS, Record, record_in, record_row

__all__ = ["Vocabulary"]

_KIND = "word"
_AGAIN = 60_000 << 18
"""Words may be listed a little later than others that are: in the server's time."""


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
        self._words: dict[int, Kind] = {}
        self._seen = 0

    def carried_by(self, photo: Photo) -> dict[int, str]:
        """Return the words that a photo carries, as texts by their digests."""
        return {digest("kind", text): text for text, _ in kinds_of(photo)}

    def add(self, words: dict[int, str], running: Running) -> None:
        """List words, before the photos count that carry them; those that are listed stay."""
        new = {key: text for key, text in words.items() if key not in self._words}
        if not new:
            return
        rows = []
        for key, text in new.items():
            row = record_row(Record(_KIND, str(key), {"kind": text}), running)
            # They count whatever becomes of the commit.
            rows.append(row | {"key": digest(_KIND, key), "born_by": 0})
        self._connection.upsert(RECORDS, rows)
        with self._looking:
            self._words.update((key, kind_of(text)) for key, text in new.items())

    def all(self) -> dict[int, Kind]:
        """Return the kinds of words that are listed, by their digests."""
        since = max(0, self._seen - _AGAIN)
        where = f'kind == "{_KIND}" and born > {since}'
        for page in self._connection.pages(RECORDS, where, [*RECORD_FIELDS, "born"]):
            for row in page:
                self._seen = max(self._seen, int(row["born"]))
                record = record_in(row)
                kind = kind_of(record.document["kind"])
                with self._looking:
                    self._words.setdefault(int(record.name), kind)
        with self._looking:
            return dict(self._words)

    def found_by(self, tag: str) -> list[int]:
        """Return the digests of the words that a tag finds."""
        return sorted(found_kinds(tag, self.all()))
