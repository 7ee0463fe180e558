"""What a person said: of pairs of contents, of hits, of tags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from photofind.model.hierarchy import folded
from photofind.model.judgements import Asked, Judgement, TagJudgement
from photofind.model.records import Pair
from photofind_milvus.changing import Change
from photofind_milvus.expressions import digest
from photofind_milvus.library import Library
from photofind_milvus.rows import Record

__all__ = [
    "forget_apart",
    "forget_judgements",
    "forget_tags",
    "judge",
    "judge_tags",
    "judgements",
    "tag_judgements",
    "tell_apart",
    "told_apart",
]

_APART, _HIT, _TAG = "apart", "judgement", "tag"


def told_apart(library: Library) -> frozenset[Pair]:
    """Return the pairs of contents that do not show the same."""
    documents = (record.document for record in library.records(_APART))
    return frozenset((one["first"], one["second"]) for one in documents)


def tell_apart(library: Library, change: Change, pairs: Sequence[Pair]) -> None:
    """Remember pairs of contents; those that are known stay."""
    known = library.named(_APART, map(" ".join, pairs))
    for first, second in dict.fromkeys(pairs):
        if f"{first} {second}" not in known:
            change.put_record(
                Record(_APART, f"{first} {second}", {"first": first, "second": second})
            )


def forget_apart(library: Library, change: Change, pairs: Sequence[Pair]) -> None:
    """Forget pairs of contents, where they are known."""
    change.end_records(library.named(_APART, map(" ".join, pairs)).values())


def judgements(library: Library) -> list[Judgement]:
    """Return what was said of photos that queries found, oldest first."""
    return [
        Judgement(
            Asked(tuple(one["contents"]), one["words"], tuple(one["box"])),
            one["content"],
            one["liked"],
            one["moment"],
        )
        for one in _in_order(library, _HIT)
    ]


def judge(library: Library, change: Change, said: Sequence[Judgement]) -> None:
    """Remember judgements; one of the same photo for the same query is replaced."""
    named = {_name_of(one): one for one in said}
    known = library.named(_HIT, named)
    change.end_records(known.values())
    for name, one in named.items():
        document = {
            "contents": one.asked.contents,
            "words": one.asked.words,
            "box": one.asked.box,
            "content": one.content,
            "liked": one.liked,
            "moment": one.moment,
            "made": _made(known.get(name), change),
        }
        change.put_record(Record(_HIT, name, document))


def forget_judgements(library: Library, change: Change, said: Sequence[Judgement]) -> None:
    """Forget the judgements of the same photos for the same queries, where they are known."""
    change.end_records(library.named(_HIT, map(_name_of, said)).values())


def tag_judgements(library: Library) -> list[TagJudgement]:
    """Return what was said of the tags of photos, oldest first."""
    return [
        TagJudgement(one["content"], one["name"], one["is_right"], one["moment"])
        for one in _in_order(library, _TAG)
    ]


def judge_tags(library: Library, change: Change, said: Sequence[TagJudgement]) -> None:
    """Remember what is said of tags; what was said of the same tag of a photo is replaced."""
    named = {_tag_of(one): one for one in said}
    known = library.named(_TAG, named)
    change.end_records(known.values())
    for name, one in named.items():
        document = {
            "content": one.content,
            "name": one.name,
            "is_right": one.is_right,
            "moment": one.moment,
            "made": _made(known.get(name), change),
        }
        change.put_record(Record(_TAG, name, document, one.content))
    _tell_photos(library, change, list(named.values()), set(named))


def forget_tags(library: Library, change: Change, said: Sequence[TagJudgement]) -> None:
    """Forget what was said of the same tags of the same photos, where that is known."""
    named = {_tag_of(one): one for one in said}
    change.end_records(library.named(_TAG, named).values())
    _tell_photos(library, change, [], set(named), {one.content for one in said})


def _tell_photos(
    library: Library,
    change: Change,
    said: Sequence[TagJudgement],
    without: set[str],
    contents: Iterable[str] = (),
) -> None:
    """Give photos what is said of the tags of their contents by now."""
    concerned = {*contents, *(one.content for one in said)}
    before = {
        record.name: record.document
        for record in sorted(library.records(_TAG, concerned), key=_made_first)
        if record.name not in without
    }
    now: dict[str, dict[str, bool]] = {content: {} for content in concerned}
    for one in before.values():
        now[one["content"]][one["name"]] = one["is_right"]
    for judged in said:
        now[judged.content][judged.name] = judged.is_right
    for content, several in library.by_contents(concerned).items():
        for kept in several:
            change.replace(kept, replace(kept.photo, said=now[content]))


def _in_order(library: Library, kind: str) -> list[Any]:
    return [record.document for record in sorted(library.records(kind), key=_made_first)]


def _made_first(record: Record) -> int:
    return int(record.document["made"])


def _made(known: Record | None, change: Change) -> int:
    return _made_first(known) if known else change.new_id()


def _name_of(judgement: Judgement) -> str:
    asked = judgement.asked
    return str(digest(*asked.contents, "", asked.words, "", *asked.box, "", judgement.content))


def _tag_of(judgement: TagJudgement) -> str:
    return f"{judgement.content} {folded(judgement.name)}"
