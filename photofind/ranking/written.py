"""How well words fit what is written about a photo.

The words of a query are compared with a photo's keywords, caption, tags, file name, and folders.
The score is the mean, over the words, of how sure the surest match of each is: what people wrote
counts by where they wrote it, and a tag by its confidence. Whole words count, in any case, with or
without an ending for the plural; words of one or two letters only where there are no others.
"Animal" fits the tag "beagle", and what a person rejected fits nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from photofind.model.hierarchy import folded
from photofind.model.plurals import singulars_and_plurals
from photofind.model.records import Photo
from photofind.model.words import Finds, words_of

__all__ = ["Field", "Match", "matches", "terms_of", "written_score"]

Field = Literal["keyword", "caption", "name", "folder", "tag"]

# How sure a word is that stands there: a folder holds photos of other things too.
_CERTAINTY: dict[Field, float] = {"keyword": 1.0, "caption": 0.9, "name": 0.9, "folder": 0.8}
_SHORTEST = 3


@dataclass(frozen=True)
class Match:
    """A word of a query in what is written about a photo.

    Parameters
    ----------
    term
        The word, folded.
    field
        Where it stands.
    text
        The keyword, caption, name or tag that it stands in, as it is spelled.
    certainty
        How sure it is that the photo shows it, 0 to 1.
    """

    term: str
    field: Field
    text: str
    certainty: float


def terms_of(words: str) -> tuple[str, ...]:
    """Return the words of a text that are looked for, each once, in one case."""
    every = dict.fromkeys(folded(words).split())
    telling = [one for one in every if len(one) >= _SHORTEST or not one.isascii()]
    return tuple(telling or every)


def written_score(terms: tuple[str, ...], photo: Photo, root: str = "") -> float:
    """Return how well words fit what is written about a photo, 0 to 1.

    Parameters
    ----------
    terms
        As :func:`terms_of` returns them; at least one.
    photo
        What is known of it.
    root
        The folder of the library that it lies in, whose name and those of the folders below count.
    """
    return sum(one.certainty for one in matches(terms, photo, root)) / len(terms)


def matches(terms: tuple[str, ...], photo: Photo, root: str = "") -> list[Match]:
    """Return the surest match of each word that is written about a photo."""
    surest: dict[str, Match] = {}

    def met(term: str, field: Field, text: str, certainty: float) -> None:
        if term not in surest or surest[term].certainty < certainty:
            surest[term] = Match(term, field, text, certainty)

    for word in words_of(photo):
        of_tag = word.space or word.meaning or word.is_confirmed
        for term in terms:
            if any(finds(word.name, word.meaning) for finds in _finders(term)):
                if of_tag:
                    met(term, "tag", word.name, word.confidence)
                else:
                    met(term, "keyword", word.name, _CERTAINTY["keyword"])
    for field, text in _texts(photo, root):
        within = folded(text)
        for term in terms:
            if any(f" {one} " in within for one in _spellings(term)):
                met(term, field, text, _CERTAINTY[field])
    return [surest[term] for term in terms if term in surest]


def _texts(photo: Photo, root: str) -> Iterator[tuple[Field, str]]:
    """Yield what people wrote about a photo, other than keywords, and where."""
    if photo.caption:
        yield "caption", photo.caption
    folder, name = os.path.split(photo.path)
    yield "name", os.path.splitext(name)[0]  # noqa: PTH122 (asked of each photo)
    above = os.path.dirname(root)  # noqa: PTH120
    yield "folder", folder[len(above) :].lstrip(os.sep)


@lru_cache(1024)
def _finders(term: str) -> tuple[Finds, ...]:
    return tuple(Finds(one) for one in _spellings(term))


@lru_cache(1024)
def _spellings(term: str) -> tuple[str, ...]:
    """Return a word with and without the endings of the plural."""
    return (term, *singulars_and_plurals(term))
