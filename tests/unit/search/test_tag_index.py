"""Photos by the words that extractors named in them and people wrote into them."""

from __future__ import annotations

import pytest

from photofind.errors import LibraryError
from photofind.library.embedded.catalog import Photo
from photofind.model import TagCount
from photofind.search.filters import Filter
from photofind.search.tags import TagIndex, carries, confidence_in

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


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ("golden retriever", True),
        ("Golden  RETRIEVER", True),
        ("retriever", True),
        ("golden-retriever", True),
        ("retrieve", False),
        ("retriever golden", False),
        ("bench golden", False),
        ("opa", True),
        ("oma & opa", True),
        ("", False),
        ("&", False),
    ],
)
def test_a_tag_is_whole_words_whatever_their_case(tag: str, found: bool) -> None:
    assert carries(PARK, tag) is found
    assert Filter(tags=(tag,)).passes(PARK) is found


def test_a_name_of_signs_alone_is_that_name() -> None:
    assert carries(Photo("/p", keywords=("\N{BLACK STAR}" * 3,)), "\N{BLACK STAR}" * 3)
    assert not carries(Photo("/p", keywords=("\N{BLACK STAR}" * 3,)), "\N{BLACK HEART SUIT}")


@pytest.mark.parametrize("tag", ["Caf\u00e9", "CAFE\u0301", "\u0939\u093f\u0928\u094d\u0926\u0940"])
def test_a_name_may_be_in_any_script_and_written_either_way(tag: str) -> None:
    photo = Photo("/p", keywords=("caf\u00e9 \u0939\u093f\u0928\u094d\u0926\u0940",))
    assert carries(photo, tag)
    assert not carries(photo, "caf")
    assert not carries(photo, "\u0939")


def test_all_tags_of_a_filter_must_be_there() -> None:
    assert Filter(tags=("dog", "bench")).passes(PARK)
    assert not Filter(tags=("dog", "bench")).passes(STREET)
    assert not Filter(tags=("dog",)).passes_all
    assert Filter(folder="/", tags=("dog",)).passes(STREET)
    assert not Filter(folder="/elsewhere", tags=("dog",)).passes(STREET)


def test_what_people_wrote_is_sure() -> None:
    assert confidence_in(PARK, "dog") == 1.0
    assert confidence_in(PARK, "bench") == 0.1
    assert confidence_in(STREET, "dog") == 0.61
    assert confidence_in(PLAIN, "dog") == 0.0


def test_names_are_counted_once_a_photo(index: TagIndex) -> None:
    counts = index.counts()
    assert counts[0] == TagCount("dog", 1, ("other",), True)
    assert TagCount("golden retriever", 1, ("naming",), False) in counts
    index.add(Photo("/more.jpg", id=9, tags={"naming@2": {"golden Retriever": 0.2}}))
    assert index.counts()[0] == TagCount("golden retriever", 2, ("naming",), False)


def test_the_photos_that_carry_all(index: TagIndex) -> None:
    assert index.carriers(["dog"]) == {1, 2}
    assert index.carriers(["DOG", "retriever"]) == {1}
    assert index.carriers(["hot", "retriever"]) == set()


@pytest.mark.parametrize(
    ("tag", "hint"),
    [
        ("retreiver", "near it are 'retriever'"),
        ("oma opo", "near it are 'Oma & Opa'"),
        ("xylophone", "`photofind tags` lists those that photos have"),
    ],
)
def test_a_tag_that_no_photo_has_is_told_with_what_is_near(
    tag: str, hint: str, index: TagIndex
) -> None:
    with pytest.raises(LibraryError) as caught:
        index.carriers(["dog", tag])
    assert caught.value.message == f"no photo has the tag '{tag}'"
    assert caught.value.hint == hint


def test_without_any_tags_it_is_said_where_they_come_from() -> None:
    with pytest.raises(LibraryError, match="no photo has a tag or a keyword yet"):
        TagIndex().carriers(["dog"])
