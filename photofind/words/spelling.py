"""The words of the index that are spelled much like one that it does not hold."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["Spelling"]

SHORTEST = 4
"""Shorter words are near to everything."""

LONG = 8
"""From so many letters on two mistakes are forgiven, below one."""

MOST = 3


class Spelling:
    """Finds words that differ by a letter or two, the most frequent first.

    Parameters
    ----------
    words
        The words of an index and how many photos have each; with a digit none counts, because the
        numbers in names of files are nobody's spelling.
    """

    def __init__(self, words: Mapping[str, int]) -> None:
        self._photos = words
        self._words = [word for word in words if len(word) >= SHORTEST - 1 and word.isalpha()]

    def knows(self, word: str) -> bool:
        """Return whether the index holds a word."""
        return word in self._photos

    def begins(self, start: str) -> bool:
        """Return whether a word of the index begins so."""
        return any(word.startswith(start) for word in self._photos)

    def near(self, word: str) -> list[str]:
        """Return the nearest words: exchanged, missing, wrong or added letters count one each."""
        if len(word) < SHORTEST or not word.isalpha():
            return []
        from rapidfuzz.distance import OSA
        from rapidfuzz.process import extract

        found = extract(
            word,
            self._words,
            scorer=OSA.distance,
            score_cutoff=2 if len(word) >= LONG else 1,
            limit=None,
            processor=None,
        )
        least = min((distance for _, distance, _ in found), default=0)
        nearest = [name for name, distance, _ in found if distance == least]
        # People err least in the first letter.
        nearest.sort(key=lambda name: (name[0] != word[0], -self._photos[name], name))
        return nearest[:MOST]
