"""Photos that a person told apart: they are not shown as the same, however alike they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from photofind.model import DuplicateGroup
from photofind.model.records import Pair, pair_of

__all__ = ["are_apart", "split", "split_groups"]

_Item = TypeVar("_Item")


def are_apart(apart: Collection[Pair], left: str, right: str) -> bool:
    """Return whether two contents were told apart."""
    return bool(apart) and pair_of(left, right) in apart


def split(
    items: Sequence[_Item], content: Callable[[_Item], str], apart: Collection[Pair]
) -> list[list[_Item]]:
    """Split what is the same into parts in which no two are told apart, in the same order."""
    if not apart or len(items) < 2:
        return [list(items)] if items else []
    others: defaultdict[str, set[str]] = defaultdict(set)
    for left, right in apart:
        others[left].add(right)
        others[right].add(left)
    parts: list[list[_Item]] = []
    contents: list[set[str]] = []
    for item in items:
        own = content(item)
        for part, known in zip(parts, contents, strict=True):
            if own not in others or known.isdisjoint(others[own]):
                part.append(item)
                known.add(own)
                break
        else:
            parts.append([item])
            contents.append({own})
    return parts


def split_groups(
    groups: Sequence[DuplicateGroup], contents: Mapping[int, str], apart: Collection[Pair]
) -> list[DuplicateGroup]:
    """Return groups without photos that are told apart from others of their group.

    Parameters
    ----------
    groups
        As found.
    contents
        The contents of their photos, by the numbers of these.
    apart
        What was told apart.
    """
    told = {content for pair in apart for content in pair}
    found: list[DuplicateGroup] = []
    for group in groups:
        if not any(contents[one] in told for one in group.ids):
            found.append(group)
            continue
        own = [contents[one] for one in group.ids]
        parts = split(range(len(own)), own.__getitem__, apart)
        found += [_part(group, part, contents) for part in parts if len(part) > 1]
    return sorted(found, key=lambda group: (-len(group.paths), group.paths))


def _part(
    group: DuplicateGroup, places: Sequence[int], contents: Mapping[int, str]
) -> DuplicateGroup:
    same = len({contents[group.ids[place]] for place in places}) == 1
    # What was done to photos is told beside the first of the whole group.
    differences = group.differences if places[0] == 0 else ()
    return replace(
        group,
        paths=tuple(group.paths[place] for place in places),
        ids=tuple(group.ids[place] for place in places),
        kind="identical content" if same else group.kind,
        similarity=1.0 if same else group.similarity,
        differences=tuple(differences[place] for place in places) if differences else (),
    )
