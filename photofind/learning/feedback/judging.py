"""What was judged in a library: listed, and named so that it can be forgotten."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from itertools import chain

from photofind.library.store import Store
from photofind.model import Judged
from photofind.model.judgements import Asked, Judgement

__all__ = ["key_of", "listed", "named"]


def key_of(asked: Asked) -> str:
    """Return what names a query among the judgements, 32 hexadecimal digits."""
    plain = json.dumps([asked.contents, asked.words, asked.box])
    return hashlib.sha256(plain.encode()).hexdigest()[:32]


def listed(library: Store) -> list[Judged]:
    """Return all judgements, those of one query together, the query judged last first."""
    judgements = library.judgements()
    contents = chain.from_iterable((*one.asked.contents, one.content) for one in judgements)
    photos = library.by_content(dict.fromkeys(contents))

    def paths(content: str) -> tuple[str, ...]:
        return tuple(photo.path for photo in photos.get(content, ()))

    def ids(content: str) -> tuple[int, ...]:
        return tuple(photo.id for photo in photos.get(content, ()))

    latest: dict[Asked, float] = {}
    for one in judgements:
        latest[one.asked] = max(one.moment, latest.get(one.asked, 0.0))
    ordered = sorted(
        judgements, key=lambda one: (-latest[one.asked], key_of(one.asked), -one.moment)
    )
    return [
        Judged(
            f"{key_of(one.asked)}:{one.content}",
            tuple(next(iter(paths(asked)), asked) for asked in one.asked.contents),
            one.asked.words,
            one.asked.box,
            paths(one.content),
            one.liked,
            one.moment,
            tuple(ids(asked)[0] for asked in one.asked.contents if ids(asked)),
            ids(one.content),
        )
        for one in ordered
    ]


def named(library: Store, keys: Iterable[str]) -> list[Judgement]:
    """Return the judgements that keys name: of one photo for a query, or all of a query."""
    wanted = {*keys}
    return [
        one
        for one in library.judgements()
        if (key := key_of(one.asked)) in wanted or f"{key}:{one.content}" in wanted
    ]
