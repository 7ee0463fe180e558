"""Singulars and plurals of English words."""

from __future__ import annotations

import pytest

from photofind.model.plurals import singulars_and_plurals


@pytest.mark.parametrize(
    ("singular", "plural"),
    [
        ("car", "cars"),
        ("bus", "buses"),
        ("potato", "potatoes"),
        ("puppy", "puppies"),
        ("butterfly", "butterflies"),
        ("day", "days"),
        ("mouse", "mice"),
        ("goose", "geese"),
        ("child", "children"),
        ("wolf", "wolves"),
        ("leaf", "leaves"),
    ],
)
def test_a_word_gives_its_plural_and_its_singular(singular: str, plural: str) -> None:
    assert plural in singulars_and_plurals(singular)
    assert singular in singulars_and_plurals(plural)


@pytest.mark.parametrize("word", ["", "a", "is", "4x4s", "東京駅"])
def test_what_is_no_english_word_gives_nothing(word: str) -> None:
    assert [one for one in singulars_and_plurals(word) if one.isascii()] == []


def test_days_are_no_daies() -> None:
    assert "daies" not in singulars_and_plurals("day")
    assert "glas" not in singulars_and_plurals("glass")
