"""Words that were typed become photos, with what each was found by."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from photofind.library.store import Store
from photofind.model.filters import Filter
from photofind.model.records import Photo, innermost, is_offline
from photofind.model.search import Correction, FoundPhoto, SearchAnswer
from photofind.model.words import narrowest, words_of
from photofind.ranking.fusion import fuse_ranks
from photofind.words.folding import tokens
from photofind.words.grammar import FIELDS, Term, parse
from photofind.words.matching import Matching, Wanted, wanted
from photofind.words.text_index import TextIndex, Words

__all__ = ["FindShown", "Limits", "Shown", "search"]


@dataclass(frozen=True)
class Limits:
    """What an answer is limited to, beside what was typed.

    Parameters
    ----------
    limit, offset
        How many photos at most, and how many to skip.
    folder, since, until, tags
        As in `photofind.model.filters.Filter`.
    any_word
        Whether one of the words is enough.
    as_typed
        Whether the last word may be the beginning of one.
    """

    limit: int = 100
    offset: int = 0
    folder: str | None = None
    since: str | None = None
    until: str | None = None
    tags: tuple[str, ...] = ()
    any_word: bool = False
    as_typed: bool = False


@dataclass(frozen=True)
class Shown:
    """The photos that show what words say.

    Parameters
    ----------
    scores
        By their ids, the best first: how well, 0 to 1.
    compared_by
        The ids of the spaces whose extractors compared them.
    coming
        The extractors that are being loaded.
    notes
        What people should know of that, a line each.
    """

    scores: Mapping[int, float]
    compared_by: tuple[str, ...] = ()
    coming: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class FindShown(Protocol):
    """Finds photos by what they show, as `photofind.search.shown.ShownPhotos.find` does."""

    def __call__(
        self, words: str, where: Filter, among: Collection[int] | None, *, waits: bool
    ) -> Shown:
        """Return the photos that show what words say."""
        ...


WEIGHTS = (0.5, 0.5)
"""How much what is written about photos counts, and what they show, where words are searched for
in both (``benchmarks/words_and_pictures.py``)."""


def search(
    index: TextIndex,
    store: Store,
    text: str,
    limits: Limits,
    today: date | None = None,
    find_shown: FindShown | None = None,
) -> SearchAnswer:
    """Return the photos that a text asks for.

    Parameters
    ----------
    find_shown
        Finds those that show what the words say, to join those about which they are written.

    Raises
    ------
    RequestError
        A field for dates has none, or the text is too long.
    LibraryError
        The text index cannot be read.
    """
    began = time.perf_counter()
    path = text.strip()
    is_path = os.path.isabs(path) and '"' not in path and index.holds(path)  # noqa: PTH117
    question = parse(
        f'"{path}"' if is_path else text,
        today or date.today(),
        as_typed=limits.as_typed,
        southern=index.is_southern,
    )
    spelling = index.spelling()
    terms = [wanted(term, spelling, index.has) for term in question.terms]
    tags = [Term(tag, tokens(tag), FIELDS["tag"]) for tag in limits.tags]
    tagged = [wanted(tag, spelling, index.has) for tag in tags]
    asks = bool(terms or question.unwanted or question.since or question.until)
    matching = Matching(
        tuple(terms),
        tuple(Wanted(term, (term.words,) if term.words else ()) for term in question.unwanted),
        question,
        any_term=limits.any_word,
        folder=limits.folder,
        since=limits.since,
        until=limits.until,
        required=tuple(tagged),
    )
    shown = _shown(index, matching, limits, find_shown) if find_shown else Shown({})
    if shown.scores:
        written = _written(index, matching, shown)
        ranked = fuse_ranks(written, [*shown.scores], weights=WEIGHTS)
        total = len(ranked)
        found = index.words_of(ranked[limits.offset : limits.offset + limits.limit])
    else:
        found, total = index.find(matching, limits.limit, limits.offset) if asks else ([], 0)
    photos = store.by_id([one.id for one in found])
    folders = store.folders()
    hits = []
    for rank, one in enumerate(found, start=limits.offset + 1):
        if (photo := photos.get(one.id)) is not None:
            offline = is_offline(photo, innermost(folders, photo.path))
            found_by, shows = _found_by(one, photo, terms), shown.scores.get(photo.id)
            if shows is not None:
                found_by.append("what it shows")
            hits.append(_hit(rank, photo, found_by, offline=offline, shows=shows))
    return SearchAnswer(
        text,
        tuple(hits),
        total,
        index.count,
        tuple(
            Correction(one.term.text, one.corrected)
            for one in (*terms, *tagged)
            if one.corrected and total
        ),
        (*question.notes, *shown.notes),
        index.is_current(store),
        time.perf_counter() - began,
        shown.compared_by,
        shown.coming,
    )


def _written(index: TextIndex, matching: Matching, shown: Shown) -> list[int]:
    """Return the photos about which all of it is written, and of those shown, some of it."""
    every = index.ids(matching)
    if len(matching.terms) < 2:
        return every
    some = index.ids(replace(matching, any_term=True))
    return [*dict.fromkeys([*every, *(one for one in some if one in shown.scores)])]


def _shown(index: TextIndex, matching: Matching, limits: Limits, find_shown: FindShown) -> Shown:
    """Return the photos that show what is asked for, within what it is limited to."""
    said = [one for one in matching.terms if one.term.is_plain]
    if not said:
        return Shown({})
    # What is written has a field, quotes or a time; where any word is enough, none limits.
    rest = () if matching.any_term else tuple(one for one in matching.terms if one not in said)
    within = replace(matching, terms=rest, any_term=False)
    among = set(index.ids(within)) if within.is_limited else None
    words = " ".join(one.spelled for one in said)
    where = Filter(limits.folder, limits.since, limits.until)
    return find_shown(words, where, among, waits=not limits.as_typed)


def _hit(
    rank: int, photo: Photo, found_by: Sequence[str], *, offline: bool, shows: float | None
) -> FoundPhoto:
    return FoundPhoto(
        rank=rank,
        path=photo.path,
        found_by=tuple(found_by),
        captured=photo.captured,
        width=photo.width,
        height=photo.height,
        offline=offline,
        id=photo.id,
        size=photo.size,
        modified=photo.modified,
        preliminary=photo.preliminary,
        shows=None if shows is None else round(shows, 3),
    )


def _found_by(found: Words, photo: Photo, terms: Sequence[Wanted]) -> list[str]:
    """Return what each term was found in: the column that counts most, and the word there."""
    told = []
    for one in terms:
        if one.term.below is not None:
            told.append(f"folder {one.term.text}")
            continue
        met = one.met_in(found.columns)
        if met is None:
            continue
        column, phrase = met
        if column == "wider":
            told.append(f"tag {_narrowest_named(photo, phrase)}")
            continue
        is_typed = not phrase or phrase == one.term.words
        told.append(f"{column} {one.term.text.rstrip('*') if is_typed else ' '.join(phrase)}")
    return [*dict.fromkeys(told)]


def _narrowest_named(photo: Photo, phrase: tuple[str, ...]) -> str:
    """Return the tag of a photo that has a phrase among its wider words, or else the phrase."""
    named = narrowest([word for word in words_of(photo) if word.meaning])
    for word in named:
        above = (name for one in word.meaning.wider for name in one.words) if word.meaning else ()
        if any(tokens(name) == phrase for name in above):
            return word.name
    return " ".join(phrase)
