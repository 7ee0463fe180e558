"""Photos are compared with words by what is written about them, alone and beside photos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from photofind.library.memory import MemoryStore
from photofind.model.filters import Filter
from photofind.model.judgements import TagJudgement
from photofind.model.records import Space
from photofind.search.comparison import compare
from photofind.search.embedding import Embedded
from photofind.search.fusing import rank_by_words, rank_fused
from photofind.search.words import Words, WordsComparison
from photofind.search.written import most_written
from photofind.words.text_index import TextIndex
from photofind.words.written import candidates

NONE = np.empty((0, 2), np.float32)
SPACE = Space("plain", "1", 2)


@pytest.fixture
def store(store: MemoryStore, fill: Callable) -> MemoryStore:
    fill("plain@1", {"boat": (1, 0), "red_boat": (0, 1)}, folder="/photos/sea")
    fill("plain@1", {"c": (0.9, 0.1)}, folder="/photos/town", keywords=("boat",))
    fill("plain@1", {"d": (0.8, 0.2)}, tags={"plain@1": {"red": 0.4}})
    return store


class NoTexts:
    """An extraction that embeds no texts."""

    abilities = ()

    def __init__(self, extractor: str) -> None:
        pass

    def info(self) -> NoTexts:
        return self


def by_words(store: MemoryStore, words: str) -> WordsComparison:
    return Words(store, NoTexts).compare({SPACE: 1.0}, words)


def test_words_alone_find_what_they_are_written_about(store: MemoryStore) -> None:
    fused = rank_by_words([SPACE], by_words(store, "red boats"), 10, Filter())
    assert dict(zip(fused.ranked.contents, fused.ranked.scores, strict=True)) == {
        "red_boat": 0.9, "c": 0.5, "boat": 0.45, "d": 0.2,
    }  # fmt: skip
    assert fused.ranked.searched_by == "written"
    assert any("no extractor in use embeds texts" in note for note in fused.left_out)


def test_filters_and_limits_hold_for_words(store: MemoryStore) -> None:
    comparison = by_words(store, "boat")
    assert comparison.candidates(1) == ["c"]
    assert {*comparison.candidates(9, Filter("/photos/sea"))} == {"boat", "red_boat"}
    assert by_words(store, "train").candidates(9) == []


def test_the_weight_of_words_decides(store: MemoryStore) -> None:
    query = Embedded(np.array([[1, 0]], np.float32), NONE, frozenset())

    def first(weight: float) -> str:
        photo = compare(store, "plain@1", query, plain=True)
        words = by_words(store, "red boat")
        ranked = rank_fused([photo], [1.0], 9, by_words=[(words, weight)])
        return ranked.contents[0]

    assert first(0.1) == "boat"
    assert first(10) == "red_boat"


def test_wider_words_fit_a_tag_and_rejected_ones_do_not(store: MemoryStore, fill: Callable) -> None:
    fill("plain@1", {"e": (0.5, 0.5)}, tags={"plain@1": {"beagle": 0.7}})
    fill("plain@1", {"f": (0.4, 0.6)}, tags={"plain@1": {"beagle": 0.7}})
    store.judge_tags([TagJudgement("f", "dog", is_right=False)])
    scores = by_words(store, "animals").scores(["e", "f"])
    assert scores == {"e": pytest.approx(0.7), "f": 0.0}


@pytest.mark.parametrize(
    "words",
    ["boat", "boats", "red boat", "animal", "photos", "nothing", "car", "cars", "bus", "buses",
     "beagles", "reds", "tomatoes", "étés"],
)  # fmt: skip
def test_the_text_index_finds_all_that_words_fit(
    store: MemoryStore, fill: Callable, tmp_path: Path, words: str
) -> None:
    fill("plain@1", {"e": (0.5, 0.5)}, tags={"plain@1": {"beagle": 0.7}})
    fill("plain@1", {"one_car": (0.4, 0.6), "cars": (0.3, 0.7)}, caption="Ein Bus, un été")
    fill("plain@1", {"two": (0.2, 0.8)}, keywords=("Buses", "tomato"))
    index = TextIndex(tmp_path / "words.sqlite")
    assert candidates(index, store, words) is None
    index.update(store)
    among = candidates(index, store, words)
    assert among is not None
    assert bool(most_written(store, words)) == (words != "nothing")
    assert len(among) < store.counts().photos or words == "photos"
    assert {*among} >= {*most_written(store, words)}
    index.close()


def test_the_surest_tags_come_first(store: MemoryStore, fill: Callable, tmp_path: Path) -> None:
    for name, sure in (("low", 0.3), ("high", 0.95), ("middle", 0.6)):
        fill("plain@1", {name: (0.5, 0.5)}, tags={"plain@1": {"beagle": sure}})
    index = TextIndex(tmp_path / "words.sqlite")
    index.update(store)
    for ranked in (candidates(index, store, "dog"), most_written(store, "dog")):
        photos = store.by_id(ranked or ())
        assert [photos[one].content for one in ranked or ()] == ["high", "middle", "low"]
    index.close()


@pytest.mark.parametrize("words", ["baot", "puppy"])
def test_what_is_only_near_to_a_word_is_no_hit(
    store: MemoryStore, fill: Callable, tmp_path: Path, words: str
) -> None:
    fill("plain@1", {"e": (0.5, 0.5)}, tags={"plain@1": {"beagle": 0.7}})
    index = TextIndex(tmp_path / "words.sqlite")
    index.update(store)
    assert candidates(index, store, words)
    comparison = Words(store, NoTexts, lambda store, words: candidates(index, store, words) or [])
    assert comparison.compare({SPACE: 1.0}, words).candidates(9) == []
    index.close()
