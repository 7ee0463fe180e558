"""Words that were typed become photos, with what each was found by."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from photofind.library.store import Store
from photofind.model.records import Photo, innermost, is_offline
from photofind.model.search import Correction, FoundPhoto, SearchAnswer
from photofind.model.words import narrowest, words_of
from photofind.words.folding import tokens
from photofind.words.grammar import FIELDS, Term, parse
from photofind.words.matching import Matching, Wanted, wanted
from photofind.words.text_index import TextIndex, Words

__all__ = ["Limits", "search"]


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


def search(
    index: TextIndex, store: Store, text: str, limits: Limits, today: date | None = None
) -> SearchAnswer:
    """Return the photos that a text asks for.

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
    terms = [wanted(term, spelling) for term in question.terms]
    tagged = [wanted(Term(tag, tokens(tag), FIELDS["tag"]), spelling) for tag in limits.tags]
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
    found, total = index.find(matching, limits.limit, limits.offset) if asks else ([], 0)
    photos = store.by_id([one.id for one in found])
    folders = store.folders()
    hits = []
    for rank, one in enumerate(found, start=limits.offset + 1):
        if (photo := photos.get(one.id)) is not None:
            offline = is_offline(photo, innermost(folders, photo.path))
            hits.append(_hit(rank, photo, _found_by(one, photo, terms), offline=offline))
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
        question.notes,
        index.is_current(store),
        time.perf_counter() - began,
    )


def _hit(rank: int, photo: Photo, found_by: Sequence[str], *, offline: bool) -> FoundPhoto:
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
