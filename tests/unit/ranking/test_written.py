"""Words are compared with what is written about a photo."""

from __future__ import annotations

import pytest

from photofind.model.records import Photo
from photofind.ranking.written import matches, terms_of, written_score

PHOTO = Photo(
    "/home/anna/Pictures/Beach 2019/Crete/IMG_Red-boat.jpg",
    keywords=("Grandma", "hot dog"),
    caption="Evening at the harbour",
    tags={"one@1": {"seashore, coast": 0.6, "boat": 0.4}, "two@1": {"sea shore": 0.3}},
)
ROOT = "/home/anna/Pictures"


@pytest.mark.parametrize(
    ("words", "score"),
    [
        ("grandma", 1.0),
        ("GRANDMA", 1.0),
        ("dog", 1.0),
        ("do", 0.0),
        ("dogs", 1.0),
        ("harbours", 0.9),
        ("boats", 0.9),
        ("beaches", 0.8),
        ("red", 0.9),
        ("coast", 0.6),
        ("crete", 0.8),
        ("pictures", 0.8),
        ("anna", 0.0),
        ("home", 0.0),
        ("jpg", 0.0),
        ("boat", 0.9),
        ("grandma nowhere", 0.5),
        ("a photo of grandma at the coast", pytest.approx((1 + 0.9 + 0.6) / 4)),
    ],
)
def test_the_surest_match_of_each_word_counts(words: str, score: float) -> None:
    assert written_score(terms_of(words), PHOTO, ROOT) == score


def test_short_words_are_looked_for_where_there_are_no_others() -> None:
    assert terms_of("a dog on the beach, a dog") == ("dog", "the", "beach")
    assert terms_of("of a") == ("of", "a")
    assert terms_of("\u6d77 a\u0308") == ("\u6d77", "\xe4")
    assert written_score(terms_of("at"), PHOTO) == 0.9


def test_an_explanation_says_where_each_word_stands() -> None:
    found = matches(terms_of("red boats in crete"), PHOTO, ROOT)
    assert [(one.term, one.field, one.text) for one in found] == [
        ("red", "name", "IMG_Red-boat"),
        ("boats", "name", "IMG_Red-boat"),
        ("crete", "folder", "Pictures/Beach 2019/Crete"),
    ]
