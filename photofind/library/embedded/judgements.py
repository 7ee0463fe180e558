"""The judgements of hits in the catalog: few, and all of them in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from photofind.library.embedded.journal import JournalStorage
from photofind.library.embedded.table import JournalTable
from photofind.model.judgements import Asked, Judgement, latest

__all__ = ["JudgementTable", "is_judgement"]

_NAMES = {"contents", "words", "box", "content", "liked", "moment"}


class JudgementTable:
    """The table of judgements, and what is known of it.

    Parameters
    ----------
    storage
        The journal's storage; changes are made inside its ``transaction()``.
    """

    def __init__(self, storage: JournalStorage) -> None:
        self._table = JournalTable(storage, "judgements")
        self._known: dict[int, Judgement] = {}

    def all(self) -> list[Judgement]:
        """Return all judgements, in the order in which they were first given."""
        return [judgement for _, judgement in sorted(self._known.items())]

    def put(self, judgements: Iterable[Judgement]) -> None:
        """Insert judgements, or replace those of the same photo and query."""
        known = {judgement.key: one for one, judgement in self._known.items()}
        for key, judgement in latest(judgements).items():
            document = _from_judgement(judgement)
            if key not in known or not self._table.replace(known[key], document):
                self._table.insert(document)

    def remove(self, judgements: Iterable[Judgement]) -> None:
        """Remove the judgements of the same photos and queries, where they are known."""
        gone = {judgement.key for judgement in judgements}
        self._table.remove(doc_ids=[one for one, j in self._known.items() if j.key in gone])

    def follow(self, identifier: int, document: Mapping[str, Any] | None) -> None:
        """Take note of a sound document, or that there is none under this id."""
        known = {one: j for one, j in self._known.items() if one != identifier}
        if document is not None:
            known[identifier] = _judgement_of(document)
        self._known = known  # Another dict, for others may be going through the old one.

    def forget(self) -> None:
        """Know nothing of any document."""
        self._known = {}


def is_judgement(document: Mapping[str, Any]) -> bool:
    """Return whether a document is of a judgement."""
    return (
        document.keys() == _NAMES
        and all(type(document[name]) is str for name in ("words", "content"))
        and type(document["liked"]) is bool
        and _are(document["contents"], (str,))
        and _are(document["box"], (int, float))
        and _are([document["moment"]], (int, float))
    )


def _are(values: object, kinds: tuple[type, ...]) -> bool:
    return type(values) is list and all(type(value) in kinds for value in values)


def _judgement_of(document: Mapping[str, Any]) -> Judgement:
    asked = Asked(tuple(document["contents"]), document["words"], tuple(document["box"]))
    return Judgement(asked, document["content"], document["liked"], document["moment"])


def _from_judgement(judgement: Judgement) -> dict[str, Any]:
    asked = judgement.asked
    return {
        "contents": [*asked.contents],
        "words": asked.words,
        "box": [*asked.box],
        "content": judgement.content,
        "liked": judgement.liked,
        "moment": judgement.moment,
    }
