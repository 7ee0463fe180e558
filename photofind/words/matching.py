"""A question becomes a statement to the full text engine, and what a hit was found by."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from photofind.words.documents import COLUMNS
from photofind.words.folding import spelled_otherwise, tokens
from photofind.words.grammar import FIELDS, Question, Term
from photofind.words.spelling import Spelling
from photofind.words.wider import nearest

__all__ = ["BELOW", "Matching", "Wanted", "wanted"]

_SHORTEST_START = 2
"""Shorter beginnings are those of too many words to be of use."""


@dataclass(frozen=True)
class Wanted:
    """A term with all the phrases that meet it.

    Parameters
    ----------
    term
        What was typed.
    phrases
        Tokens that stand side by side; of several, any.
    corrected
        Words that are taken for one that no photo has.
    """

    term: Term
    phrases: tuple[tuple[str, ...], ...]
    corrected: tuple[str, ...] = ()

    @property
    def spelled(self) -> str:
        """As it was typed, or as it is spelled right: what it is nearest to means less."""
        text = self.term.text.rstrip("*")
        return self.corrected[0] if self.corrected and nearest(text) is None else text

    @property
    def expression(self) -> str:
        """The term in the language of the engine; empty where nothing can meet it."""
        ways = []
        if self.phrases and self.term.columns:
            phrases = " OR ".join(self._quoted(phrase) for phrase in self.phrases)
            ways.append(f"{{{' '.join(self.term.columns)}}} : ({phrases})")
        if self.term.when is not None and (times := self.term.when.tokens):
            ways.append("{date} : (" + " OR ".join(f'"{token}"' for token in times) + ")")
        return f"({' OR '.join(ways)})" if ways else ""

    def _quoted(self, phrase: Sequence[str]) -> str:
        start = " *" if self._is_start(phrase) else ""
        return f'"{" ".join(phrase)}"{start}'

    def _is_start(self, phrase: Sequence[str]) -> bool:
        return self.term.is_start and len(phrase[-1]) >= _SHORTEST_START

    @cached_property
    def _times(self) -> frozenset[str]:
        return frozenset(self.term.when.tokens if self.term.when is not None else ())

    def met_in(self, columns: Mapping[str, str]) -> tuple[str, tuple[str, ...]] | None:
        """Return the column of a photo that meets the term, and the phrase that stands there.

        Of several columns the one that counts most; the phrase of a time is empty.
        """
        for name in COLUMNS:
            if name == "date" and not self._times.isdisjoint(columns["date"].split()):
                return name, ()
            if name in self.term.columns:
                for phrase in self.phrases:
                    if self._stands_in(phrase, columns[name]):
                        return name, phrase
        return None

    def _stands_in(self, phrase: Sequence[str], text: str) -> bool:
        wanted = f" {' '.join(phrase)}"
        return (wanted if self._is_start(phrase) else f"{wanted} ") in f" {text} "


def wanted(
    term: Term, spelling: Spelling, stands: Callable[[Wanted], bool] = lambda wanted: False
) -> Wanted:
    """Return a term with what meets it: other spellings, and the nearest words of a misspelled.

    Parameters
    ----------
    spelling
        Knows the words of all columns.
    stands
        Says whether any photo meets a term: "puppy" in a caption is no tag.
    """
    if term.is_exact or not term.words or not term.columns:
        return Wanted(term, (term.words,) if term.words else ())
    if term.columns == FIELDS["tag"] and (tag := nearest(term.text)) is not None:
        *before, last = term.words
        spelled = ((*before, one) for one in (last, *spelled_otherwise(last)))
        as_it_is = Wanted(term, tuple(spelled))
        return as_it_is if stands(as_it_is) else Wanted(term, (term.words, tokens(tag)), (tag,))
    if len(term.words) > 1:
        return Wanted(term, (term.words,))
    (word,) = term.words
    ways = [word, *(other for other in spelled_otherwise(word) if spelling.knows(other))]
    if len(ways) > 1 or spelling.knows(word) or (term.is_start and spelling.begins(word)):
        return Wanted(term, tuple((one,) for one in ways))
    if term.when is not None:
        return Wanted(term, (term.words,))
    if "tag" in term.columns and (tag := nearest(term.text)) is not None:
        # "puppy" is no tag of any extractor, and "dog" is.
        return Wanted(term, (term.words, tokens(tag)), (tag,))
    near = tuple(spelling.near(word))
    return Wanted(term, tuple((one,) for one in (word, *near)), near)


@dataclass(frozen=True)
class Matching:
    """What is looked for in the text index.

    Parameters
    ----------
    terms
        What has to be met.
    unwanted
        What must not be.
    question
        For its limits of time and place.
    any_term
        Whether one of the terms is enough.
    folder
        Only photos below it.
    since, until
        As in `photofind.model.filters.Filter`.
    required
        What has to be met beside the terms, even where one of them is enough.
    """

    terms: tuple[Wanted, ...]
    unwanted: tuple[Wanted, ...]
    question: Question
    any_term: bool = False
    folder: str | None = None
    since: str | None = None
    until: str | None = None
    required: tuple[Wanted, ...] = ()

    @property
    def is_limited(self) -> bool:
        """Whether anything is asked for but a folder and a time beside the question."""
        question = self.question
        return bool(
            self.terms or self.unwanted or self.required or question.since or question.until
        )

    def statement(self, weights: Iterable[float]) -> tuple[str, list[object]]:
        """Return the part of an SQL statement from FROM on, and the values in it."""
        terms = [one.expression or '""' for one in self.terms if one.term.below is None]
        required = [one.expression or '""' for one in self.required]
        folders = [one.term.below for one in self.terms if one.term.below is not None]
        values: list[object] = []
        if terms or required:
            asked = (" OR " if self.any_term else " AND ").join(terms)
            expression = " AND ".join([f"({asked})", *required] if terms else required)
            weighed = ", ".join(f"{weight:g}" for weight in weights)
            source = (
                f"(SELECT rowid AS id, bm25(words, {weighed}) AS badness FROM words"
                " WHERE words MATCH ?) JOIN photos USING (id)"
            )
            values.append(expression)
        else:
            source = "(SELECT *, 0.0 AS badness FROM photos)"
        limits = ["1"]
        for folder in [*folders, *([self.folder] if self.folder else [])]:
            limits.append(BELOW)
            values += below(folder)
        for one in self.unwanted:
            if one.term.below is not None:
                limits.append(f"NOT {BELOW}")
                values += below(one.term.below)
            elif one.expression:
                limits.append("id NOT IN (SELECT rowid FROM words WHERE words MATCH ?)")
                values.append(one.expression)
        for day in filter(None, (self.question.since, self.since)):
            # A moment that is known by its year counts as all of it, and so does a limit.
            limits.append("substr(moment, 1, ?) >= substr(?, 1, length(moment))")
            values += [len(day), day]
        for day in filter(None, (self.question.until, self.until)):
            limits.append("substr(moment, 1, ?) <= ?")
            values += [len(day), day]
        return f"FROM {source} WHERE {' AND '.join(limits)}", values


BELOW = "(path = ? OR (path >= ? AND path < ?))"
"""Whether a photo of the text index is a path or below it."""


def below(folder: str) -> list[object]:
    """Return the values of `BELOW` for an absolute path."""
    inside = os.fsencode(os.path.join(folder, ""))  # noqa: PTH118
    return [os.fsencode(folder), inside, inside[:-1] + bytes([inside[-1] + 1])]
