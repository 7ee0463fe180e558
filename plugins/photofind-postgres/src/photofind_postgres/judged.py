"""What a person said: of pairs of contents, of hits, and of tags."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from photofind.model.judgements import Asked, Judgement, TagJudgement
from photofind_postgres.sessions import Cursor, Rows

__all__ = [
    "forget",
    "judgement_of",
    "put_judgements",
    "put_tag_judgements",
    "tag_judgement_of",
]


def judgement_of(document: str) -> Judgement:
    """Return a judgement from what the server keeps of it."""
    known = json.loads(document)
    asked = known["asked"]
    return Judgement(
        Asked(tuple(asked["contents"]), asked["words"], tuple(asked["box"])),
        known["content"],
        known["liked"],
        known["moment"],
    )


def tag_judgement_of(document: str) -> TagJudgement:
    """Return what was said of a tag from what the server keeps of it."""
    return TagJudgement(**json.loads(document))


def put_judgements(cursor: Cursor, judgements: Iterable[Judgement]) -> None:
    """Put judgements, each in the place of an older one of the same."""
    for one in judgements:
        cursor.execute(
            "INSERT INTO judgements (topic, document) VALUES (%s, %s)"
            " ON CONFLICT (topic) DO UPDATE SET document = excluded.document",
            [_topic(one), json.dumps(asdict(one))],
        )


def put_tag_judgements(cursor: Cursor, judgements: Iterable[TagJudgement]) -> None:
    """Put what is said of tags, each in the place of what was said of the same."""
    for one in judgements:
        cursor.execute(
            "INSERT INTO tag_judgements (topic, content, document) VALUES (%s, %s, %s)"
            " ON CONFLICT (topic) DO UPDATE SET document = excluded.document",
            [_topic(one), one.content, json.dumps(asdict(one))],
        )


def forget(
    cursor: Cursor, table: str, judgements: Sequence[Judgement] | Sequence[TagJudgement]
) -> Rows:
    """Remove what was said of the same; return what it was."""
    cursor.execute(
        f"DELETE FROM {table} WHERE topic = ANY(%s::bytea[]) RETURNING document",
        [[_topic(one) for one in judgements]],
    )
    return cursor.fetchall()


def _topic(judgement: Judgement | TagJudgement) -> bytes:
    """Return what stands for that which a judgement is about: some are too long for an index."""
    match judgement:
        case Judgement(asked=asked, content=content):
            about: Sequence[object] = [asdict(asked), content]
        case TagJudgement():
            about = [*judgement.key]
    return hashlib.sha256(json.dumps(about).encode()).digest()
