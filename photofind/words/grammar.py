"""What a person types becomes a question to the text index.

Words that all have to be met; "phrases in quotes"; -what is not wanted; fields, as in
``camera:nikon``; a word with * at its end is the beginning of one. Whatever is typed means
something: nothing is a syntax error, except a date that is none.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from photofind.errors import RequestError
from photofind.words.dates import When, read_time
from photofind.words.folding import tokens

__all__ = ["FIELDS", "Question", "Term", "parse"]

FIELDS = {
    "name": ("name",),
    "in": ("folder",),
    "folder": ("folder",),
    "keyword": ("keyword",),
    "tag": ("keyword", "tag", "wider"),
    "caption": ("caption",),
    "camera": ("camera",),
    "place": ("place",),
    "type": ("type",),
    "date": (),
    "after": (),
    "since": (),
    "before": (),
    "until": (),
}
"""The columns of the text index that each field looks in; dates have none."""

ALL_COLUMNS = ("name", "folder", "keyword", "caption", "tag", "wider", "place", "camera", "type")
MOST_TERMS = 48
"""So many words of a text count."""

LONGEST = 4096
_ITEM = re.compile(
    r"""(?P<minus>-?)(?:(?P<field>[^\W\d_]+):)?"(?P<quoted>[^"]*)"?|(?P<word>\S+)""", re.VERBOSE
)
_FIELD = re.compile(r"(-?)([A-Za-z]+):(.*)", re.DOTALL)


@dataclass(frozen=True)
class Term:
    """One thing that is asked for.

    Parameters
    ----------
    text
        As it was typed.
    words
        Its tokens, which have to stand side by side.
    columns
        Where they may stand.
    is_start
        Whether the last token may be the beginning of a word.
    is_exact
        Whether it was in quotes: nothing that is spelled otherwise is meant.
    when
        The time that it is too, or (without columns) only.
    below
        The absolute path of a folder, if it is one.
    """

    text: str
    words: tuple[str, ...] = ()
    columns: tuple[str, ...] = ALL_COLUMNS
    is_start: bool = False
    is_exact: bool = False
    when: When | None = None
    below: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is a word alone, without field or quotes, and no time: photos may show it."""
        is_written = self.is_exact or self.columns != ALL_COLUMNS
        return not is_written and self.when is None and self.below is None


@dataclass(frozen=True)
class Question:
    """What was asked for.

    Parameters
    ----------
    terms, unwanted
        What has to be met, and what must not be.
    since, until
        The first and the last day, ISO 8601; None where there is no limit.
    notes
        What was left out, because it is being typed, a line each.
    """

    terms: tuple[Term, ...] = ()
    unwanted: tuple[Term, ...] = ()
    since: str | None = None
    until: str | None = None
    notes: tuple[str, ...] = ()


@dataclass
class _Building:
    terms: list[Term] = field(default_factory=list)
    unwanted: list[Term] = field(default_factory=list)
    since: str | None = None
    until: str | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Item:
    """A word or phrase as it was typed, with its field and its minus taken off."""

    text: str
    field: str = ""
    is_unwanted: bool = False
    is_exact: bool = False

    @property
    def is_plain(self) -> bool:
        return not (self.field or self.is_unwanted or self.is_exact)


def parse(text: str, today: date, *, as_typed: bool = False, southern: bool = False) -> Question:
    """Return what a text asks for.

    Parameters
    ----------
    text
        As a person typed it.
    today
        By which "last summer" is told.
    as_typed
        Whether the person still types: the last word may be the beginning of one, and a field for
        dates without one is left out.
    southern
        Whether summer is in January.

    Raises
    ------
    RequestError
        The text is too long, or a field for dates has none.
    """
    if len(text) > LONGEST:
        raise RequestError(
            f"the words are longer than {LONGEST:,} characters", "ask with fewer words"
        )
    items = list(_items(text))[:MOST_TERMS]
    built = _Building()
    at = 0
    while at < len(items):
        item = items[at]
        is_last = as_typed and at == len(items) - 1 and not text[-1:].isspace()
        if item.is_plain:
            at = _add_plain(built, items, at, today, is_last=as_typed, southern=southern)
            continue
        if item.field in ("after", "since", "before", "until", "date"):
            try:
                _add_date(built, item, today, southern=southern)
            except RequestError as error:
                if not as_typed:
                    raise
                built.notes.append(str(error))
        elif term := _term(
            item,
            is_start=is_last and not item.is_exact,
            when=_unwanted_time(item, today, southern=southern),
        ):
            (built.unwanted if item.is_unwanted else built.terms).append(term)
        at += 1
    return Question(
        tuple(built.terms), tuple(built.unwanted), built.since, built.until, (*built.notes,)
    )


def _items(text: str) -> Iterator[_Item]:
    for found in _ITEM.finditer(text):
        word = found["word"]
        if word is None:
            name = (found["field"] or "").casefold()
            if name and name not in FIELDS:
                yield _Item(name)
                name = ""
            yield _Item(found["quoted"], name, bool(found["minus"]), is_exact=True)
            continue
        parted = _FIELD.fullmatch(word)
        if parted and parted[2].casefold() in FIELDS:
            if parted[3]:  # "tag:" alone is still being typed.
                yield _Item(parted[3], parted[2].casefold(), bool(parted[1]))
        elif len(word) > 1 and word.startswith("-") and not word.startswith("--"):
            yield _Item(word[1:], is_unwanted=True)
        else:
            yield _Item(word)


def _add_plain(
    built: _Building, items: Sequence[_Item], at: int, today: date, *, is_last: bool, southern: bool
) -> int:
    """Add the term of a word, or of a time in several; return the place of what follows."""
    end = next((n for n in range(at, len(items)) if not items[n].is_plain), len(items))
    words = [item.text for item in items[at:end]]
    read = read_time(words, today, southern=southern)
    count, when = read if read is not None else (1, None)
    item = _Item(" ".join(words[:count]))
    is_start = is_last and at + count == len(items)
    if term := _term(item, is_start=is_start, when=when):
        built.terms.append(term)
    return at + count


def _unwanted_time(item: _Item, today: date, *, southern: bool) -> When | None:
    """Return the time that a minus excludes; one of several words is in quotes."""
    if item.field or not item.is_unwanted:
        return None
    words = item.text.split()
    read = read_time(words, today, southern=southern)
    return read[1] if read is not None and read[0] == len(words) else None


def _term(item: _Item, *, is_start: bool = False, when: When | None = None) -> Term | None:
    words = tokens(item.text)
    columns = FIELDS.get(item.field, ALL_COLUMNS)
    if item.field in ("", "in", "folder") and os.path.isabs(item.text):  # noqa: PTH117
        path = os.path.normpath(item.text)
        return Term(item.text, words, columns, is_exact=True, below=path)
    if not words:
        # Punctuation alone says nothing.
        return None
    starts = is_start or item.text.endswith("*")
    return Term(item.text, words, columns, starts, item.is_exact, when)


_OPPOSITE = {"after": "until", "until": "after", "since": "before", "before": "since"}
"""What a minus makes of a limit."""


def _add_date(built: _Building, item: _Item, today: date, *, southern: bool) -> None:
    words = item.text.replace("_", " ").split()
    read = read_time(words, today, southern=southern)
    if read is None or read[0] != len(words):
        raise RequestError(
            f"{item.field}:{item.text} is no time that photofind knows",
            f'write {item.field}:2019, {item.field}:2019-07 or {item.field}:"last summer"',
        )
    when = read[1]
    if item.field == "date":
        term = Term(item.text, (), (), when=when)
        (built.unwanted if item.is_unwanted else built.terms).append(term)
        return
    if when.is_recurring:
        raise RequestError(
            f"{item.field}:{item.text} is no one time: it comes again and again",
            f'add the year, as in {item.field}:"july 2019"',
        )
    first, last = when.spans[0][0].isoformat(), when.spans[-1][1].isoformat()
    limit = _OPPOSITE[item.field] if item.is_unwanted else item.field
    if limit == "since":
        built.since = max(built.since or "", first)
    elif limit == "after":
        # After a day is the next; after 2019 begins 2020, as before 2019 ends 2018.
        built.since = max(built.since or "", _next_day(last))
    elif limit == "before":
        built.until = min(built.until or "9999", _day_before(first))
    else:
        built.until = min(built.until or "9999", last)


def _next_day(day: str) -> str:
    return date.fromordinal(date.fromisoformat(day).toordinal() + 1).isoformat()


def _day_before(day: str) -> str:
    return date.fromordinal(date.fromisoformat(day).toordinal() - 1).isoformat()
