"""The text index tells which photos words may fit, so that not all have to be looked at."""

from __future__ import annotations

from photofind.errors import LibraryError
from photofind.library.store import Store
from photofind.ranking.written import terms_of
from photofind.words.folding import tokens
from photofind.words.grammar import Question, Term
from photofind.words.matching import Matching, wanted
from photofind.words.text_index import TextIndex

__all__ = ["candidates"]

_COLUMNS = ("keyword", "caption", "name", "folder", "tag", "wider")


def candidates(index: TextIndex, store: Store, words: str) -> list[int] | None:
    """Return the ids of the photos about which any of some words is written, the best first.

    None where the text index does not hold the library as it is now, or cannot be read.
    """
    try:
        if not index.is_current(store):
            return None
        spelling = index.spelling()
        terms = [Term(term, tokens(term), _COLUMNS) for term in terms_of(words)]
        asked = tuple(wanted(term, spelling) for term in terms if term.words)
        return index.ids(Matching(asked, (), Question(), any_term=True)) if asked else []
    except LibraryError:  # It has been logged; the photos themselves still tell.
        return None
