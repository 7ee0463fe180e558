"""Scores in libraries where many photos are takes of one picture."""

from __future__ import annotations

import numpy as np
import pytest

from photofind.indexing.index_building import build_index
from photofind.library.memory import MemoryStore
from photofind.library.store import Store
from photofind.model.records import Photo
from photofind.ranking.calibration import TYPICAL
from photofind.ranking.projection import normalised
from photofind.search.comparison import compare
from photofind.search.embedding import Embedded

KINDS = 10
PHOTOS = 200
DIMENSION = 128
SPACE = "made-up@1"
QUERIES = range(0, PHOTOS, 12)


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    """Photos of several kinds, unrelated ones at a cosine of about 0.33."""
    generator = np.random.default_rng(0)
    kinds = generator.normal(size=(KINDS, DIMENSION))
    own = generator.normal(size=(PHOTOS, DIMENSION))
    return normalised(1 + kinds[np.arange(PHOTOS) % KINDS] + own)


def takes(photos: np.ndarray, share: float, pictures: int, change: float = 0.1) -> np.ndarray:
    """Return takes of some of the photos, that become a share of the whole library."""
    generator = np.random.default_rng(1)
    count = round(len(photos) * share / (1 - share))
    noise = generator.normal(size=(count, DIMENSION)) / DIMENSION**0.5
    return normalised(photos[8 * (np.arange(count) % pictures)] + change * noise)


def library(embeddings: np.ndarray) -> MemoryStore:
    store = MemoryStore()
    store.open_space("made-up", "1", DIMENSION)
    contents = [f"{row:05}" for row in range(len(embeddings))]
    store.commit(
        [Photo(f"/{content}.jpg", content=content) for content in contents],
        SPACE,
        dict(zip(contents, embeddings, strict=True)),
    )
    build_index(store, SPACE, graph=False)
    return store


def scores(store: Store, query: int, others: range) -> np.ndarray:
    own = f"{query:05}"
    embedding = normalised(store.embeddings(SPACE, [own])[1])
    comparison = compare(store, SPACE, Embedded(embedding, embedding[:0], frozenset([own])))
    return comparison.compare([f"{other:05}" for other in others]).scores


@pytest.fixture(scope="module")
def before(photos: np.ndarray) -> np.ndarray:
    """The scores of all pairs without any takes."""
    store = library(photos)
    return np.stack([scores(store, query, range(PHOTOS)) for query in QUERIES])


@pytest.mark.parametrize("pictures", [1, 20])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_scores_are_what_they_were_without_the_takes(
    photos: np.ndarray, before: np.ndarray, share: float, pictures: int
) -> None:
    everything = np.concatenate([photos, takes(photos, share, pictures)])
    store = library(everything)
    after = np.stack([scores(store, query, range(PHOTOS)) for query in QUERIES])
    assert np.abs(after - before).max() < 0.05
    related = np.subtract.outer(np.array(QUERIES), np.arange(PHOTOS)) % KINDS == 0
    assert np.median(after[related]) > 0.5
    assert np.mean(after[~related] < 0.5) > 0.99
    of_first = range(PHOTOS, len(everything), pictures)
    for take in (0, *of_first[:3]):
        assert scores(store, take, of_first).min() > 0.9
    index = store.index(SPACE)
    assert index is not None
    assert index.repeats == len(everything) - PHOTOS


def test_takes_too_different_to_be_near_duplicates_are_no_pictures_either(
    photos: np.ndarray, before: np.ndarray
) -> None:
    others = takes(photos, 0.5, 20, change=0.45)
    cosines = (others * photos[8 * (np.arange(len(others)) % 20)]).sum(axis=1)
    assert np.median(cosines) < TYPICAL.similarity(0.9)
    store = library(np.concatenate([photos, others]))
    index = store.index(SPACE)
    assert index is not None
    assert index.repeats == len(others)
    after = np.stack([scores(store, query, range(PHOTOS)) for query in QUERIES])
    assert np.abs(after - before).max() < 0.05
