"""The scores of several extractors become one."""

from __future__ import annotations

import numpy as np
import pytest

from photofind.errors import ExtractorError
from photofind.library.memory import MemoryStore
from photofind.model.extractor_choice import parse_extractors
from photofind.ranking.projection import normalised
from photofind.search.comparison import Comparison, compare
from photofind.search.embedding import Embedded
from photofind.search.fusing import rank_fused

NONE = np.empty((0, 3), np.float32)


def test_extractors_are_named_with_weights_or_without() -> None:
    assert parse_extractors("a") == {"a": 1.0}
    assert parse_extractors("a, b") == {"a": 1.0, "b": 1.0}
    assert parse_extractors("a=2,b=0.5") == {"a": 2.0, "b": 0.5}


@pytest.mark.parametrize("typed", ["", "a,", "a,a", "a=x", "a=0", "a=-1", "a=inf", "=2"])
def test_what_names_no_extractors_is_refused(typed: str) -> None:
    with pytest.raises(ExtractorError, match="is not a list of extractors"):
        parse_extractors(typed)


@pytest.fixture
def store(store: MemoryStore, fill) -> MemoryStore:
    """Three photos, one of which the second space has no embedding of yet."""
    fill("first@1", {"a": (1, 0, 0), "b": (0.8, 0.6, 0), "c": (0, 1, 0)})
    fill("second@1", {"a": (0, 0, 1), "c": (1, 0, 0)})
    return store


def part(store: MemoryStore, space: str, query: tuple[float, ...]) -> Comparison:
    like = normalised(np.array([query], np.float32))
    return compare(store, space, Embedded(like, NONE, frozenset()), plain=True)


def order(comparisons: list[Comparison], weights: list[float]) -> list[str]:
    ranked = rank_fused(comparisons, weights, 10)
    assert (np.diff(ranked.scores) <= 0).all()
    return [*ranked.contents]


def test_the_weights_decide_between_two_opinions(store: MemoryStore) -> None:
    def fused(first: float, second: float) -> list[str]:
        parts = [part(store, "first@1", (1, 0, 0)), part(store, "second@1", (1, 0, 0))]
        return order(parts, [first, second])

    assert fused(10, 1)[0] == "a"
    assert fused(1, 10)[0] == "c"


def test_what_one_space_does_not_know_is_judged_by_the_other(store: MemoryStore) -> None:
    parts = [part(store, "first@1", (0.8, 0.6, 0)), part(store, "second@1", (0, 1, 0))]
    both = order(parts, [1, 1])
    assert both[0] == "b"
    assert sorted(both) == ["a", "b", "c"]


def test_what_the_first_space_does_not_know_is_found_by_the_other(store: MemoryStore) -> None:
    parts = [part(store, "second@1", (0, 1, 0)), part(store, "first@1", (0.8, 0.6, 0))]
    assert order(parts, [1, 1])[0] == "b"
