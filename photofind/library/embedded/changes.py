"""Documents as they stand in a journal, and what changes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from photofind.errors import DamagedError
from photofind.library.embedded.documents import Documents, WrittenDocuments
from photofind.library.embedded.journal_format import Placed
from photofind.library.embedded.stable_file import StableFile

__all__ = ["Change", "apply", "decode", "decode_all", "difference", "encode", "note_changes"]


class Change(NamedTuple):
    """One document before and after a transaction; ``None`` where it does not exist."""

    table: str
    id: int
    before: bytes | None
    after: bytes | None


def encode(document: Mapping[str, Any]) -> bytes:
    """Return a document as one line of ASCII JSON, lone surrogates escaped."""
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def decode(raw: bytes) -> dict[str, Any]:
    """Return the document that `encode` made ``raw`` of.

    Raises
    ------
    DamagedError
        It is no document.
    """
    (document,) = decode_all([raw])
    return document


def decode_all(raws: Iterable[bytes | None]) -> list[dict[str, Any]]:
    """Decode several documents at once, which is faster; an empty one for None.

    Raises
    ------
    DamagedError
        One of them is no document: the file was written over since it was opened.
    """
    raws = list(raws)
    try:
        documents: list[dict[str, Any]] = json.loads(b"[%b]" % b",".join(r or b"{}" for r in raws))
    except (ValueError, RecursionError):
        documents = []
    if len(documents) != len(raws) or not all(type(document) is dict for document in documents):
        raise DamagedError("the catalog was written over while it was in use", "run the same again")
    return documents


def note_changes(
    operations: Iterable[Placed],
    tables: Mapping[str, Documents],
    changes: dict[tuple[str, int], Change],
) -> None:
    """Note what operations change: of a document that changes again, the last and the first."""
    for table, key, raw, _ in operations:
        known = changes.get((table, key))
        if known is not None:
            before = known.before
        else:
            before = tables[table].get(key) if table in tables else None
        changes[table, key] = Change(table, key, before, raw)


def difference(table: str, old: Documents, new: Documents) -> Iterator[Change]:
    """Yield what makes the new documents of a table of the old ones."""
    for key, after in new.items():
        if (before := old.get(key)) != after:
            yield Change(table, key, before, after)
    for key in old.keys() - new.keys():
        yield Change(table, key, old[key], None)


def apply(
    operations: Iterable[Placed], tables: dict[str, WrittenDocuments], journal: StableFile
) -> None:
    """Note in each table where the documents stand that operations put."""
    for table, key, raw, start in operations:
        if table not in tables:
            tables[table] = WrittenDocuments(journal)
        if raw is None:
            tables[table].remove(key)
        else:
            tables[table].put(key, start, len(raw))
