"""The landmarks of pictures, and which pairs they propose, remembered in a file of the cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from photofind.images.landmarks import ROW, Rows
from photofind.ranking.landmarks import voted_pairs
from photofind.search.remembered import Remembered

__all__ = ["Landmarks"]

_VERSION = 1


class Landmarks:
    """Landmarks by content, and the pairs that were proposed by them.

    Threads and processes may share the file. It holds about 10 kB for each picture.
    """

    def __init__(self, path: Path) -> None:
        self._file = Remembered(
            path,
            _VERSION,
            {
                "pictures": "content TEXT PRIMARY KEY, landmarks BLOB",
                "voted": "content TEXT PRIMARY KEY",
                "proposed": "one TEXT, other TEXT, votes INTEGER, PRIMARY KEY (one, other)",
            },
        )

    def lacking(self, contents: Sequence[str]) -> list[str]:
        """Return the contents of which no landmarks are known."""
        rows = self._file.rows("SELECT content FROM pictures WHERE content IN ({})", contents)
        known = {content for (content,) in rows}
        return [content for content in contents if content not in known]

    def add(self, landmarks: Mapping[str, Rows]) -> None:
        """Remember landmarks, uint8 (n, 20), by content."""
        self._file.write("pictures", [(one, rows.tobytes()) for one, rows in landmarks.items()])

    def proposed(self, contents: Sequence[str]) -> list[tuple[str, str]]:
        """Return pairs of some contents that may show a common part, most votes first.

        Only what has not voted yet is compared with the others.
        """
        query = "SELECT content FROM voted WHERE content IN ({})"
        voted = {content for (content,) in self._file.rows(query, contents)}
        if len(voted) < len(contents):
            self._vote(contents, voted)
        query = "SELECT one, other, votes FROM proposed WHERE one IN ({})"
        some = set(contents)
        rows = [row for row in self._file.rows(query, contents) if row[1] in some]
        return [(one, other) for one, other, _ in sorted(rows, key=lambda row: -row[2])]

    def _vote(self, contents: Sequence[str], voted: set[str]) -> None:
        query = "SELECT content, landmarks FROM pictures WHERE content IN ({})"
        known = {
            content: np.frombuffer(data, np.uint8).reshape(-1, ROW)
            for content, data in self._file.rows(query, contents)
        }
        names = [content for content in contents if content in known]
        new = np.array([name not in voted for name in names], np.bool_)
        pairs = voted_pairs([known[name] for name in names], new)
        self._file.write(
            "proposed", [(names[left], names[right], votes) for left, right, votes in pairs]
        )
        self._file.write("voted", [(name,) for name in names if name not in voted])
