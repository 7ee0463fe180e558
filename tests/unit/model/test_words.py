"""The words that photos carry: tags of extractors and keywords of people."""

from __future__ import annotations

import pytest

from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import Photo
from photofind.model.words import carries, confidence_in

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
    assert Filter(tags=("dog",)) != EVERYTHING
    assert Filter(folder="/", tags=("dog",)).passes(STREET)
    assert not Filter(folder="/elsewhere", tags=("dog",)).passes(STREET)


def test_what_people_wrote_is_sure() -> None:
    assert confidence_in(PARK, "dog") == 1.0
    assert confidence_in(PARK, "bench") == 0.1
    assert confidence_in(STREET, "dog") == 0.61
    assert confidence_in(PLAIN, "dog") == 0.0
