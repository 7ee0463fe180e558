"""Which photos carry which words."""

from __future__ import annotations

import pytest

from photofind.library.tags import TagIndex
from photofind.model import TagCount
from photofind.model.records import Photo

PARK = Photo(
    "/park.jpg",
    id=1,
    keywords=("Oma & Opa", "dog"),
    tags={"naming@1": {"golden retriever": 0.8, "park bench": 0.1}, "other@2": {"Dog": 0.4}},
)
STREET = Photo("/street.jpg", id=2, tags={"naming@1": {"hot dog, red hot": 0.61}})
PLAIN = Photo("/plain.jpg", id=3)


@pytest.fixture
def index() -> TagIndex:
    index = TagIndex()
    for photo in (PARK, STREET, PLAIN):
        index.add(photo)
    return index


def test_names_are_counted_once_a_photo(index: TagIndex) -> None:
    counts = {count.name: count for count in index.counts()}
    assert counts["dog"] == TagCount("dog", 1, ("naming", "other"), True)
    assert counts["golden retriever"] == TagCount("golden retriever", 1, ("naming",), False)
    assert counts["animal"] == TagCount("animal", 1, ("naming", "other"), False)
    assert not {"park bench", "hot dog", "chordate"} & counts.keys(), "unsure, or no people's word"
    index.add(Photo("/more.jpg", id=9, tags={"naming@2": {"golden Retriever": 0.7}}))
    assert TagCount("golden retriever", 2, ("naming",), False) in index.counts()


def test_the_photos_that_carry_all(index: TagIndex) -> None:
    assert index.carriers(["dog"]) == {1}
    assert index.carriers(["chordate"]) == {1}
    assert index.carriers(["food"]) == {2}
    assert index.carriers(["DOG", "retriever"]) == {1}
    assert index.carriers(["hot", "retriever"]) == set()
