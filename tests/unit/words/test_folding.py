"""Text becomes tokens in any script."""

from __future__ import annotations

import pytest

from photofind.words.folding import BREAK, indexed, spelled_otherwise, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("IMG_01234.JPG", "img 01234 jpg"),
        ("Straße in Köln", "strasse in koln"),
        ("L’été à la plage", "l ete a la plage"),
        ("Łódź smørrebrød", "lodz smorrebrod"),
        ("ΑΘΉΝΑ Ёлка", "αθηνα елка"),
        ("東京駅 カメラ", "東 京 駅 カ メ ラ"),
        ("ガ", "ガ"),
        ("ｶﾞ", "ガ"),
        ("서울 여행", "서울 여행"),
        ("हिन्दी", "हिन्दी"),
        ("ภาพ", "ภ า พ"),
        ("'; DROP TABLE--", "drop table"),
        ("\udcff", ""),
    ],
)
def test_tokens(text: str, expected: str) -> None:
    assert " ".join(tokens(text)) == expected


def test_an_emoji_is_a_word() -> None:
    (tree,) = tokens("🎄")
    assert tree.isascii()
    assert tree.isalpha()
    assert tokens("oma🎄 2019") == ("oma", tree, "2019")


def test_camel_case_is_taken_apart_beside_the_whole() -> None:
    assert indexed(["RedBus", "x"]) == f"red bus {BREAK} redbus {BREAK} x"
    assert indexed(["DSC", "iPhone"]) == f"dsc {BREAK} i phone {BREAK} iphone"


def test_other_spellings() -> None:
    assert "munchen" in spelled_otherwise("muenchen")
    assert "dog" in spelled_otherwise("dogs")
    assert spelled_otherwise("2019") == []


@pytest.mark.parametrize(
    ("one", "several"),
    [("cat", "cats"), ("car", "cars"), ("bus", "buses"), ("box", "boxes"), ("beach", "beaches"),
     ("dish", "dishes"), ("dress", "dresses"), ("horse", "horses"), ("tomato", "tomatoes"),
     ("plage", "plages")],
)  # fmt: skip
def test_a_plural_is_another_spelling_and_so_is_its_singular(one: str, several: str) -> None:
    assert several in spelled_otherwise(one)
    assert one in spelled_otherwise(several)


@pytest.mark.parametrize("word", ["as", "is", "bus", "yes", "glass"])
def test_an_ending_is_stripped_only_where_a_word_stays(word: str) -> None:
    assert all(len(other) > len(word) for other in spelled_otherwise(word))
