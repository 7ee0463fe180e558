"""Judgements become classes: what was liked for one query belongs together."""

from __future__ import annotations

from photofind.learning.training.data import ALONE
from photofind.learning.training.sources import groups_of
from photofind.model.judgements import Asked, Judgement

SEA, FOREST, WORDS = Asked(("sea",)), Asked(("forest",)), Asked(words="a boat")


def test_likes_are_of_one_class_with_the_photo_of_the_query():
    said = [
        Judgement(SEA, "a", True),
        Judgement(SEA, "b", True),
        Judgement(FOREST, "c", True),
        Judgement(FOREST, "d", False),
        Judgement(WORDS, "e", True),
    ]
    labels, contradicting = groups_of(said)
    assert contradicting == 0
    assert labels["sea"] == labels["a"] == labels["b"]
    assert labels["forest"] == labels["c"]
    assert labels["d"] == f"{ALONE}d"
    assert len(set(labels.values())) == 4


def test_queries_that_share_what_was_liked_are_one():
    said = [Judgement(SEA, "a", True), Judgement(WORDS, "a", True), Judgement(WORDS, "b", True)]
    labels, _ = groups_of(said)
    assert len(set(labels.values())) == 1


def test_the_last_judgement_counts_and_contradictions_are_counted():
    said = [
        Judgement(SEA, "a", False),
        Judgement(SEA, "a", True),
        Judgement(WORDS, "a", True),
        Judgement(WORDS, "b", True),
        Judgement(SEA, "b", False),
    ]
    labels, contradicting = groups_of(said)
    assert contradicting == 1
    assert labels["a"] == labels["b"] == labels["sea"]


def test_several_photos_and_a_part_of_one_stand_for_something_else_than_themselves():
    together, part = Asked(("sea", "forest")), Asked(("sea",), box=(0, 0, 0.5, 0.5))
    labels, _ = groups_of([Judgement(together, "a", True), Judgement(part, "b", True)])
    assert labels.keys() == {"a", "b"}
    assert labels["a"] != labels["b"]
