"""Wider words of tags, and what other words are nearest to."""

from __future__ import annotations

from importlib.resources import files

import pytest

from photofind.words.wider import nearest, wider


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("beagle", {"hound", "dog", "animal", "mammal"}),
        ("Labrador_retriever", {"retriever", "dog", "animal"}),
        ("school bus", {"bus", "vehicle"}),
        ("canoe", {"boat", "vehicle"}),
        ("speedboat", {"boat", "vehicle"}),
        ("African elephant, Loxodonta africana", {"elephant", "animal"}),
        ("daisy", {"flower", "plant"}),
        ("sorrel", {"horse", "animal"}),
        ("triceratops", {"dinosaur", "reptile", "animal"}),
        ("alp", {"mountain"}),
        ("pizza, pizza pie", {"dish", "food"}),
        ("dog", {"animal"}),
    ],
)
def test_a_tag_has_wider_words(tag: str, words: set[str]) -> None:
    assert words <= {*wider(tag)}


def test_they_come_nearest_first_and_say_something() -> None:
    found = wider("beagle")
    assert found.index("hound") < found.index("dog") < found.index("animal")
    assert len(found) == len({*found})
    assert not {"entity", "object", "organism", "whole"} & {*found}


def test_other_tags_and_several_meanings_have_none() -> None:
    assert wider("Oma & Opa") == wider("") == ()
    assert wider("crane") == (), "a bird or a machine"


@pytest.mark.parametrize(
    ("word", "tag"),
    [
        ("puppy", "dog"),
        ("Puppies", "dog"),
        ("dogs", "dog"),
        ("buses", "bus"),
        ("mice", "mouse"),
        ("kitten", "domestic cat"),
        ("beach", "seashore"),
        ("tulip", "flower"),
        ("skyscraper", "building"),
        ("dog", None),
        ("xyzzy", None),
        ("", None),
    ],
)
def test_a_word_is_nearest_to_a_tag(word: str, tag: str | None) -> None:
    assert nearest(word) == tag


def test_all_classes_that_an_extractor_names_are_known() -> None:
    classes = files("photofind_efficientnet").joinpath("classes.txt").read_text("utf-8")
    unknown = [name for name in classes.splitlines() if not wider(name.partition(" (")[0])]
    # What has several meanings, and what is nothing but itself.
    print(unknown)
    assert len(unknown) < 20
