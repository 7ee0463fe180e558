"""The words that photos carry: tags of extractors and keywords of people."""

from __future__ import annotations

from dataclasses import replace

import pytest

from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import Photo
from photofind.model.words import carries, confidence_in, shown_in

PARK = Photo(
    "/park.jpg",
    id=1,
    keywords=("Oma & Opa", "dog"),
    tags={"naming@1": {"golden retriever": 0.8, "park bench": 0.1}, "other@2": {"Dog": 0.4}},
)
STREET = Photo("/street.jpg", id=2, tags={"naming@1": {"hot dog, red hot": 0.61}})
PLAIN = Photo("/plain.jpg", id=3)


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
        ("bench", False),
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
    assert Filter(tags=("dog", "retriever")).passes(PARK)
    assert not Filter(tags=("dog", "food")).passes(PARK)
    assert Filter(tags=("dog",)) != EVERYTHING
    assert Filter(folder="/", tags=("food",)).passes(STREET)
    assert not Filter(folder="/elsewhere", tags=("food",)).passes(STREET)


def test_what_people_wrote_is_sure() -> None:
    assert confidence_in(PARK, "dog") == 1.0
    assert confidence_in(PARK, "retriever") == 0.8
    assert confidence_in(STREET, "hot dog") == 0.61
    assert confidence_in(PLAIN, "dog") == 0.0


def shown(photo: Photo) -> list[str]:
    return [word.name for word in shown_in(photo)]


DOGS = {"Labrador retriever": 0.35, "beagle": 0.3, "tabby, tabby cat": 0.1}


def test_a_wider_word_is_sure_where_its_narrower_ones_are_not() -> None:
    photo = Photo("/dog.jpg", tags={"a@1": DOGS})
    assert shown(photo) == ["hunting dog"]
    for tag in ("dog", "Domestic Dog", "animal", "mammal", "canine", "chordate", "beagle"):
        assert carries(photo, tag), tag
    for tag in ("tabby", "cat", "vehicle"):
        assert not carries(photo, tag), tag
    assert confidence_in(photo, "dog") == pytest.approx(0.65)
    assert confidence_in(photo, "animal") == pytest.approx(0.75)


def test_a_word_is_none_of_another_meaning() -> None:
    assert not carries(STREET, "dog"), "a hot dog is food"
    assert carries(STREET, "food")
    crane = Photo("/crane.jpg", tags={"a@1": {"crane": 0.9}})
    assert carries(crane, "crane")
    assert not carries(crane, "bird"), "it may be the machine"
    assert carries(Photo("/red.jpg", tags={"a@1": {"red dog": 0.02}}), "dog"), "a name of its own"


def test_the_surest_of_several_extractors_counts() -> None:
    both = {"a@1": {"school bus": 0.6}, "b@1": {"school_bus": 0.8, "minibus": 0.1}}
    (tag,) = shown_in(Photo("/bus.jpg", tags=both))
    assert (tag.name, tag.confidence, tag.space) == ("school_bus", 0.8, "b@1")
    assert carries(Photo("/bus.jpg", tags=both), "vehicle")


def test_what_a_person_says_decides() -> None:
    photo = Photo("/dog.jpg", keywords=("Sea", "wolf"), tags={"a@1": {"beagle": 0.9}})
    wrong = replace(photo, said={"dog": False, "WOLF": False})
    assert shown(wrong) == []
    for tag in ("dog", "beagle", "animal", "wolf"):
        assert not carries(wrong, tag), tag
    assert carries(wrong, "sea")
    right = replace(photo, said={"dog": True, "my Rex": True})
    assert [(word.name, word.is_confirmed) for word in shown_in(right)] == [
        ("dog", True), ("my Rex", True), ("beagle", False)
    ]  # fmt: skip
    assert confidence_in(right, "animal") == 1.0
    assert carries(right, "rex")
    assert shown(replace(photo, keywords=("Beagle",))) == [], "it is a keyword already"
