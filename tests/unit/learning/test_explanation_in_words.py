"""An explanation as a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from photofind.learning.explanation.sentence import in_words
from photofind.model import (
    CellWeights,
    ExplainedPart,
    ExplainedPhoto,
    ExplainedWords,
    Explanation,
    Region,
    Resembling,
    WrittenMatch,
)


def cells(share: float, *regions: Region) -> CellWeights:
    return CellWeights(2, 2, (0.4, 0.1, 0.1, 0.0), (0,), share, regions)


PART = ExplainedPart(
    "mobilenet", "mobilenet@1", 0.6, 0.6, 1.0, 0.7, "mobilenet", True,
    cells(0.62, Region((0, 0, 0.5, 0.5), 0.4, "middle"), Region((0, 0, 1, 1), 0.2, "top")),
    cells(0.58, Region((0, 0, 0.5, 0.5), 0.5, "lower left"), Region((0, 0, 1, 1), 0.1, "right")),
)  # fmt: skip
PLAIN = Explanation(
    ExplainedPhoto("/a.jpg", 1), ExplainedPhoto("/b.jpg", 2), "", 0.63, 0.6, (PART,)
)


def said(**changes: Any) -> str:
    return in_words(replace(PLAIN, **changes)).sentence


def test_regions_are_named_with_what_they_carry():
    assert said() == (
        "They are alike by 63%: fewer than 1 of 1,000 unrelated pairs reach 50%. What they share "
        "lies above all in the middle and at the top of the query and in the lower left of the "
        "hit: a quarter of each carries 62% and 58% of it."
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"same": "identical content"}, "Both are the same file. What they share"),
        ({"same": "same picture", "score": 0.9}, "Both show the same picture. What they share"),
        ({"score": 0.3}, "They are alike by 30%, as some unrelated photos are too. What they"),
        ({"tags": ("elephant, Elephas", "tusker")}, "Both have the tags elephant and tusker."),
        ({"tags": ("dog",)}, "Both have the tag dog."),
        ({"seconds_apart": 0.0}, "They were taken at the same time."),
        ({"seconds_apart": 0.4}, "They were taken less than a second apart."),
        ({"seconds_apart": 61.0}, "They were taken 1 minute apart."),
        (
            {"seconds_apart": 7300.0, "metres_apart": 120.4, "camera": "Canon EOS"},
            "They were taken 2 hours apart, 120 m from each other, with the same camera "
            "(Canon EOS).",
        ),
        ({"metres_apart": 2340.0}, "They were taken 2.3 km from each other."),
        ({"metres_apart": 3.0, "seconds_apart": 1e9}, "They were taken at the same place."),
        (
            {"resembling": (Resembling("/photos/c.jpg", 3, 0.2, 0.8, 0.7),)},
            "And both resemble this one: c.jpg.",
        ),
    ],
)
def test_what_they_have_in_common_is_said(changes, words):
    assert words in said(**changes)


def test_what_is_far_apart_is_not_mentioned():
    assert "taken" not in said(seconds_apart=1e9, metres_apart=1e6)


def test_several_extractors_share_what_they_add():
    other = replace(PART, extractor="other", share=0.3)
    parts = (replace(PART, share=0.7), other)
    assert "Of their similarity come 70% from mobilenet and 30% from other." in said(parts=parts)
    assert "other" not in said(parts=(PART, replace(other, share=-0.1)))


def test_photos_that_are_not_alike_share_no_regions():
    assert said(score=0.02) == "They are hardly more alike than unrelated photos: 2%."


def test_without_a_feature_map_there_is_a_sentence():
    part = replace(PART, query=None, hit=None)
    assert "Which regions they share cannot be told." in said(parts=(part,))


ITALY = (
    WrittenMatch("italy", "folder", "Trips/Italy/Day 3", 0.8),
    WrittenMatch("cat", "caption", "A dog, a cat/kitten", 0.9),
    WrittenMatch("coast", "tag", "seashore, coast", 0.6),
)


@pytest.mark.parametrize(
    ("parts", "by"),
    [
        (
            (("clip@1", 0.2), ("written", 0.77)),
            " by its folder 'Trips/Italy/Day 3', caption 'A dog, a cat/kitten' and tag 'seashore'",
        ),
        ((("clip@1", 0.85), ("written", 0.77)), " to clip@1"),
        ((), ""),
    ],
)
def test_words_are_explained_by_what_counts(parts: tuple[tuple[str, float], ...], by: str) -> None:
    words = ExplainedWords("italy cat coast", 0.8, 0.63, 0.5, parts, ITALY)
    assert f'The hit fits "italy cat coast" by 80%{by}.' in said(words=words)
