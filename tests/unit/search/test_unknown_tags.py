"""What is said of a tag that no photo has."""

from __future__ import annotations

import pytest

from photofind.errors import LibraryError
from photofind.library.memory import MemoryStore
from photofind.model.records import Photo
from photofind.search.tags import check_tags


@pytest.mark.parametrize(
    ("tag", "hint"),
    [
        ("retreiver", "near it are 'retriever'"),
        ("oma opo", "near it are 'Oma & Opa'"),
        ("xylophone", "`photofind tags` lists those that photos have"),
    ],
)
def test_a_tag_that_no_photo_has_is_told_with_what_is_near(
    tag: str, hint: str, store: MemoryStore
) -> None:
    keywords = ("Oma & Opa", "dog", "golden retriever", "park bench", "hot dog, red hot")
    store.commit([Photo("/park.jpg", keywords=keywords)])
    with pytest.raises(LibraryError) as caught:
        check_tags(store, ["dog", tag])
    assert caught.value.message == f"no photo has the tag '{tag}'"
    assert caught.value.hint == hint


def test_without_any_tags_it_is_said_where_they_come_from(store: MemoryStore) -> None:
    with pytest.raises(LibraryError, match="no photo has a tag or a keyword yet"):
        check_tags(store, ["dog"])
    check_tags(store, [])
