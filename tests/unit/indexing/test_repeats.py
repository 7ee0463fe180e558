"""What repeats another picture is found by what is near to it as well as by comparing with all."""

from __future__ import annotations

import numpy as np
import pytest

from photofind.indexing import repeats
from photofind.indexing.repeats import find_repeats
from photofind.library.memory import MemoryStore
from photofind.model.records import Photo
from photofind.ranking.projection import Vectors32, fit_projection, normalised

DIMENSION = 64
SPACE = "made-up@1"
LEAST = 0.9


@pytest.fixture(scope="module")
def takes() -> tuple[Vectors32, list[int]]:
    """Return embeddings in a shuffled order, and which picture each is a take of.

    Of 60 pictures there is one take, of 40 three, and of one there are 120: more than are looked at
    around each.
    """
    generator = np.random.default_rng(0)
    pictures = [*range(60), *np.repeat(range(60, 100), 3), *np.repeat(100, 120)]
    centres = normalised(generator.normal(size=(101, DIMENSION)))
    shuffled = generator.permutation(pictures)
    noise = generator.normal(size=(len(shuffled), DIMENSION)) * 0.015
    return normalised(centres[shuffled] + noise).astype(np.float16).astype(np.float32), [*shuffled]


@pytest.fixture
def store(takes: tuple[Vectors32, list[int]]) -> MemoryStore:
    store = MemoryStore()
    store.open_space("made-up", "1", DIMENSION)
    photos = [Photo(f"/{row:04}.jpg", content=f"{row:04}") for row in range(len(takes[0]))]
    store.commit(photos, SPACE, {f"{row:04}": vector for row, vector in enumerate(takes[0])})
    return store


@pytest.mark.parametrize("few", [repeats.FEW, 0], ids=["with all", "with the nearest"])
def test_each_take_but_the_first_repeats_it(
    store: MemoryStore,
    takes: tuple[Vectors32, list[int]],
    few: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(repeats, "FEW", few)
    embeddings, pictures = takes
    firsts: dict[int, str] = {}
    expected: dict[str, str] = {}
    with store.new_index(SPACE, graph=False) as writer:
        for contents, some in store.scan(SPACE):
            writer.put(contents, fit_projection(embeddings).project(some))
        found = find_repeats(store, SPACE, writer, LEAST)
        for near in writer.neighbours(1):
            for content in near.contents:
                first = firsts.setdefault(pictures[int(content)], content)
                if first != content:
                    expected[content] = first
    assert len(expected) == 2 * 40 + 119
    assert found == expected


def test_what_is_gone_repeats_nothing(
    store: MemoryStore, takes: tuple[Vectors32, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeats, "FEW", 0)
    with store.new_index(SPACE, graph=False) as writer:
        for contents, some in store.scan(SPACE):
            writer.put(contents, fit_projection(takes[0]).project(some))
        store.remove(store.by_path([f"/{row:04}.jpg" for row in range(200)]).values())
        store.reclaim()
        found = find_repeats(store, SPACE, writer, LEAST)
    assert found
    assert {int(one) for pair in found.items() for one in pair} <= {*range(200, 300)}
