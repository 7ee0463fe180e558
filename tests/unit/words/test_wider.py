"""Wider words of tags, and what other words are nearest to."""

from __future__ import annotations

from pathlib import Path

import pytest

from photofind.model.hierarchy import meanings_named
from photofind.words.wider import nearest, wider

CLASSES = (
    Path(__file__).parents[3]
    / "plugins/photofind-efficientnet/src/photofind_efficientnet/classes.txt"
)


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
        ("ponies", "horse"),
        ("butterflies", "butterfly"),
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
    names = CLASSES.read_text("utf-8").splitlines()
    assert [name for name in names if len(meanings_named(name)) != 1] == []
    assert [name for name in names if not wider(name)] == []
    assert "bird" in wider("crane (bird)")
    assert "machine" in wider("crane (machine)")
