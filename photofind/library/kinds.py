"""Kinds of words: what an engine numbers that keeps the words of photos as small numbers.

There are some thousands of kinds, however many photos there are. Whether a tag finds a kind, and
under which name it is listed, is decided here and by :mod:`photofind.model.words`, not by a server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from photofind.model import TagCount
from photofind.model.hierarchy import Meaning, folded, meanings_of
from photofind.model.records import Photo
from photofind.model.words import Finds, words_of

__all__ = ["Kind", "found_kinds", "kind_of", "kinds_of", "listed_kinds", "tag_counts"]


class Kind(NamedTuple):
    """A word as photos carry it.

    Parameters
    ----------
    spelling
        As it is shown.
    space
        The id of the space that gave it; "" where a person did.
    is_sure
        Whether it is shown.
    meaning
        What it means, where that is known.
    """

    spelling: str
    space: str
    is_sure: bool
    meaning: Meaning | None

    @property
    def text(self) -> str:
        """All of it as a text of ASCII, for an engine to keep; :func:`kind_of` reads it."""
        words = [*self.meaning.words] if self.meaning else None
        wider = self.meaning.wider[0].name if self.meaning and self.meaning.wider else None
        return json.dumps([self.spelling, self.space, self.is_sure, words, wider])


def kinds_of(photo: Photo) -> Iterator[tuple[str, Kind]]:
    """Yield the kinds of the words that a photo carries, each after its text."""
    for word in words_of(photo):
        yield _with_text(word.name, word.space, word.is_sure, word.meaning)


@lru_cache(65536)
def _with_text(
    spelling: str, space: str, is_sure: bool, meaning: Meaning | None
) -> tuple[str, Kind]:
    kind = Kind(spelling, space, is_sure, meaning)
    return kind.text, kind


def kind_of(text: str) -> Kind:
    """Return the kind of a text that :attr:`Kind.text` made."""
    spelling, space, is_sure, words, wider = json.loads(text)
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
    return Kind(spelling, space, is_sure, meaning)


def found_kinds(tag: str, kinds: Mapping[int, Kind]) -> list[int]:
    """Return the numbers of the kinds that a tag finds."""
    finds = Finds(tag)
    return [number for number, kind in kinds.items() if finds(kind.spelling, kind.meaning)]


def listed_kinds(kinds: Mapping[int, Kind]) -> list[list[int]]:
    """Return the numbers of the kinds that are listed as tags, those of one name together.

    Parameters
    ----------
    kinds
        Those that photos carry, by their numbers.
    """
    together: dict[Meaning | str, list[int]] = {}
    for number, kind in sorted(kinds.items()):
        together.setdefault(kind.meaning or folded(kind.spelling), []).append(number)
    listed: dict[str, list[int]] = {}
    for key, numbers in together.items():
        if not any(kinds[number].is_sure for number in numbers):
            continue
        if isinstance(key, Meaning) and not key.is_everyday:
            continue
        name = folded(kinds[numbers[0]].spelling)
        if isinstance(key, str):  # A keyword counts as the tag that it is a word of.
            same = next((one for one in meanings_of(name) if one in together), None)
            name = folded(kinds[together[same][0]].spelling) if same else name
        listed.setdefault(name, []).extend(numbers)
    return [*listed.values()]


def tag_counts(
    kinds: Mapping[int, Kind], listed: Sequence[Sequence[int]], photos: Sequence[int]
) -> list[TagCount]:
    """Return the tags of :func:`listed_kinds`, the most frequent first.

    Parameters
    ----------
    kinds
        By their numbers.
    listed
        What is listed under each name.
    photos
        How many photos carry any kind of each name.
    """
    counts = [
        TagCount(
            kinds[numbers[0]].spelling,
            count,
            tuple(sorted({kinds[n].space.rpartition("@")[0] for n in numbers if kinds[n].space})),
            any(not kinds[number].space for number in numbers),
        )
        for numbers, count in zip(listed, photos, strict=True)
    ]
    return sorted(counts, key=lambda count: (-count.photos, count.name.casefold()))
