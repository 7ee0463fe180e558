"""How well words fit what is written about a photo: a small scoring without an index.

The words of a query are compared with a photo's keywords, caption, tags, file name, and folders.
The score is the mean, over the words, of how sure the surest match of each is: what people wrote
counts by where they wrote it, and a tag by its confidence. Whole words count, in any case, with or
without an ending for the plural; words of one or two letters only where there are no others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from photofind.model.records import Photo
from photofind.model.words import folded

__all__ = ["Field", "Match", "matches", "terms_of", "written_score"]

Field = Literal["keyword", "caption", "name", "folder", "tag"]

# How sure a word is that stands there: a folder holds photos of other things too.
_CERTAINTY: dict[Field, float] = {"keyword": 1.0, "caption": 0.9, "name": 0.9, "folder": 0.8}
_SHORTEST = 3
_PLURALS = ("s", "es")


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
    spellings = [(term, _spellings(term)) for term in terms]
    for field, text, certainty in _texts(photo, root):
        within = folded(text)
        for term, spelled in spellings:
            known = surest.get(term)
            if (known is None or known.certainty < certainty) and any(
                one in within for one in spelled
            ):
                surest[term] = Match(term, field, text, certainty)
    return [surest[term] for term in terms if term in surest]


def _texts(photo: Photo, root: str) -> Iterator[tuple[Field, str, float]]:
    """Yield what is written about a photo, with how sure it is."""
    for keyword in photo.keywords:
        yield "keyword", keyword, _CERTAINTY["keyword"]
    if photo.caption:
        yield "caption", photo.caption, _CERTAINTY["caption"]
    folder, name = os.path.split(photo.path)
    yield "name", os.path.splitext(name)[0], _CERTAINTY["name"]  # noqa: PTH122 (asked of each photo)
    above = os.path.dirname(root)  # noqa: PTH120
    yield "folder", folder[len(above) :].lstrip(os.sep), _CERTAINTY["folder"]
    for tags in photo.tags.values():
        for tag, confidence in tags.items():
            yield "tag", tag, confidence


def _spellings(term: str) -> tuple[str, ...]:
    """Return a word with and without the endings of the plural, with spaces around each."""
    if len(term) < _SHORTEST:
        return (f" {term} ",)
    stems = (term.removesuffix(end) for end in ("", *_PLURALS))
    kept = dict.fromkeys(stem for stem in stems if len(stem) >= _SHORTEST)
    return tuple(dict.fromkeys(f" {stem}{end} " for stem in kept for end in ("", *_PLURALS)))
