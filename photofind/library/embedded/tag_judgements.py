"""What a person said of tags, in the catalog: by content, and all of it in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from photofind.library.embedded.journal import JournalStorage
from photofind.library.embedded.table import JournalTable
from photofind.model.judgements import TagJudgement

__all__ = ["TagJudgementTable", "is_tag_judgement"]

_NOTHING: Mapping[str, bool] = {}


class TagJudgementTable:
    """The table of what was said of tags, and what is known of it.

    Parameters
    ----------
    storage
        The journal's storage; changes are made inside its ``transaction()``.
    """

    def __init__(self, storage: JournalStorage) -> None:
        self._table = JournalTable(storage, "tags")
        self.forget()

    def all(self) -> list[TagJudgement]:
        """Return everything, in the order in which it was first said."""
        return [judgement for _, judgement in sorted([*self._known.items()])]

    def of(self, content: str) -> Mapping[str, bool]:
        """Return what was said of the tags of a content: by name, whether it is right."""
        return self._by_content.get(content, _NOTHING)

    def put(self, judgements: Iterable[TagJudgement]) -> None:
        """Insert judgements, or replace those of the same tags of the same photos."""
        known = {judgement.key: one for one, judgement in self._known.items()}
        for key, judgement in {judgement.key: judgement for judgement in judgements}.items():
            document = {
                "content": judgement.content,
                "name": judgement.name,
                "is_right": judgement.is_right,
                "moment": judgement.moment,
            }
            if key not in known or not self._table.replace(known[key], document):
                self._table.insert(document)

    def remove(self, judgements: Iterable[TagJudgement]) -> None:
        """Remove what was said of the same tags of the same photos, where that is known."""
        gone = {judgement.key for judgement in judgements}
        self._table.remove(doc_ids=[one for one, j in self._known.items() if j.key in gone])

    def follow(self, identifier: int, document: Mapping[str, Any] | None) -> None:
        """Take note of a sound document, or that there is none under this id."""
        if (old := self._known.pop(identifier, None)) is not None:
            said = self.of(old.content).items()
            self._said(old.content, {one: right for one, right in said if one != old.name})
        if document is not None:
            new = TagJudgement(**document)
            self._known[identifier] = new
            self._said(new.content, {**self.of(new.content), new.name: new.is_right})

    def forget(self) -> None:
        """Know nothing of any document."""
        self._known: dict[int, TagJudgement] = {}
        self._by_content: dict[str, Mapping[str, bool]] = {}

    def _said(self, content: str, said: Mapping[str, bool]) -> None:
        """Replace what was said of a content; others may be reading the old mapping."""
        if said:
            self._by_content[content] = said
        else:
            self._by_content.pop(content, None)


def is_tag_judgement(document: Mapping[str, Any]) -> bool:
    """Return whether a document is of something that was said of a tag."""
    kinds = {"content": str, "name": str, "is_right": bool}
    return (
        document.keys() == {*kinds, "moment"}
        and all(type(document[name]) is kind for name, kind in kinds.items())
        and type(document["moment"]) in (int, float)
    )
