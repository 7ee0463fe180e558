"""What was told apart is not shown as the same."""

from __future__ import annotations

from photofind.model import DuplicateGroup
from photofind.model.records import Photo
from photofind.search.hits import Found, merge_raw_pairs
from photofind.search.told_apart import split, split_groups


def test_nothing_is_split_where_nothing_was_told_apart() -> None:
    assert split("abc", str, frozenset()) == [["a", "b", "c"]]
    assert split("abc", str, {("c", "d")}) == [["a", "b", "c"]]


def test_no_part_holds_two_that_were_told_apart() -> None:
    assert split("abcd", str, {("a", "b")}) == [["a", "c", "d"], ["b"]]
    assert split("abcd", str, {("a", "b"), ("b", "c"), ("a", "c")}) == [["a", "d"], ["b"], ["c"]]


def test_groups_lose_what_was_told_apart() -> None:
    group = DuplicateGroup(
        ("/1", "/2", "/3", "/4"), "same picture", 0.9, (1, 2, 3, 4), ((), ("mirrored",), (), ())
    )
    contents = {1: "a", 2: "b", 3: "c", 4: "c"}
    first, second = split_groups([group], contents, {("a", "c")})
    assert (first.ids, first.kind, first.differences) == (
        (1, 2),
        "same picture",
        ((), ("mirrored",)),
    )
    assert (second.ids, second.kind, second.differences) == ((3, 4), "identical content", ())
    assert split_groups([group], contents, {("a", "z")}) == [group]
    pairs = {("a", "b"), ("a", "c"), ("b", "c")}
    assert [one.ids for one in split_groups([group], contents, pairs)] == [(3, 4)]


def test_a_raw_and_a_developed_file_that_were_told_apart_are_two_hits() -> None:
    groups = [
        [Found(Photo(f"/a.{suffix}", content=suffix), 0.9, False)] for suffix in ("jpg", "nef")
    ]
    assert len(merge_raw_pairs(groups, {("jpg", "nef")})) == 2
