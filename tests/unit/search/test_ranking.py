"""Ranking on generated embeddings whose true neighbours are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from photofind.indexing.index_building import build_index
from photofind.library.memory import Memory, MemoryStore
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import Photo
from photofind.ranking.exact import nearest_exactly
from photofind.ranking.projection import normalised
from photofind.search.comparison import Ranked, compare, rank
from photofind.search.embedding import Embedded

CLUSTERS = 8
PHOTOS = 400
DIMENSION = 64
SPACE = "mobilenet@1"
NONE = np.empty((0, DIMENSION), np.float32)


@pytest.fixture(scope="module")
def embeddings() -> np.ndarray:
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(CLUSTERS, DIMENSION))
    noise = generator.normal(size=(PHOTOS, DIMENSION))
    return normalised((centres[np.arange(PHOTOS) % CLUSTERS] + noise * 1.6 + 1).astype(np.float32))


def put(store: MemoryStore, embeddings: np.ndarray) -> None:
    """Commit photos whose contents are the rows of their embeddings."""
    store.open_space("mobilenet", "1", DIMENSION)
    contents = [f"{row:04}" for row in range(len(embeddings))]
    photos = [Photo(f"/photos/{content}.jpg", content=content) for content in contents]
    store.commit(photos, SPACE, dict(zip(contents, embeddings, strict=True)))


@pytest.fixture(scope="module")
def memory(embeddings: np.ndarray) -> Memory:
    memory = Memory()
    put(MemoryStore(memory), embeddings)
    build_index(MemoryStore(memory), SPACE, graph=False)
    return memory


@pytest.fixture
def store(memory: Memory) -> MemoryStore:
    """A copy of the library for each test."""
    own = Memory()
    own.state = memory.state
    return MemoryStore(own)


def ranked(
    store: MemoryStore,
    like: np.ndarray,
    limit: int,
    *,
    unlike: np.ndarray = NONE,
    own: str = "",
    where: Filter = EVERYTHING,
    plain: bool = False,
) -> Ranked:
    query = Embedded(normalised(like), normalised(unlike), frozenset({own} - {""}))
    return rank(compare(store, SPACE, query, plain=plain), limit, where)


def rows(found: Ranked) -> np.ndarray:
    return np.array(found.contents, int)


def precision(found: Ranked, cluster: int) -> float:
    return float((rows(found)[:40] % CLUSTERS == cluster).mean())


def test_ranking_by_the_index_beats_the_plain_cosine(
    store: MemoryStore, embeddings: np.ndarray
) -> None:
    by_index, plainly = [], []
    for row in range(40):
        query, own = embeddings[row : row + 1], f"{row:04}"
        found = ranked(store, query, 40, own=own)
        plain = ranked(store, query, 40, own=own, plain=True)
        assert (found.searched_by, plain.searched_by) == ("exact", "plain")
        assert found.contents[0] == plain.contents[0] == own
        assert found.scores[0] == plain.scores[0] == 1.0
        by_index.append(precision(found, row % CLUSTERS))
        plainly.append(precision(plain, row % CLUSTERS))
    assert np.mean(by_index) > np.mean(plainly) + 0.05


def test_scores_fall_and_stay_between_nothing_and_one(
    store: MemoryStore, embeddings: np.ndarray
) -> None:
    found = ranked(store, embeddings[:1], PHOTOS)
    assert len(found.contents) == PHOTOS
    assert (np.diff(found.scores) <= 0).all()
    assert found.scores.min() >= 0
    assert found.scores.max() <= 1


def test_a_copy_comes_first_though_it_is_smoothed_away(
    store: MemoryStore, embeddings: np.ndarray
) -> None:
    noise = np.random.default_rng(3).normal(size=(PHOTOS, DIMENSION)).astype(np.float32)
    edited = normalised(embeddings + 0.03 * noise)
    first = [rows(ranked(store, edited[row : row + 1], 5))[0] for row in range(PHOTOS)]
    assert np.mean(np.array(first) == np.arange(PHOTOS)) > 0.99


def test_identical_embeddings_are_found_together(embeddings: np.ndarray) -> None:
    # Of different contents, in a library where many more photos are relatives of them.
    same = [7, *range(50, 60)]
    embeddings = embeddings.copy()
    embeddings[same] = embeddings[7]
    store = MemoryStore()
    put(store, embeddings)
    build_index(store, SPACE, graph=False)
    for own in ("", "0007", "0055"):
        found = ranked(store, embeddings[7:8], 20, own=own)
        assert set(rows(found)[: len(same)]) == set(same)
        assert found.scores[: len(same)].min() > 0.95
        assert found.scores[len(same)] < 0.9


@pytest.mark.parametrize("plain", [False, True])
def test_removed_and_filtered_photos_are_no_hits(
    store: MemoryStore, embeddings: np.ndarray, plain: bool
) -> None:
    photos = sorted(store.select(), key=lambda photo: photo.id)
    store.remove(photos[::3])
    store.commit(replace(photo, path=f"/else/{photo.content}.jpg") for photo in photos[1::3])
    found = ranked(store, embeddings[:1], 20, where=Filter("/photos"), plain=plain)
    assert set(rows(found).tolist()) == set(range(2, PHOTOS, 3))


def test_what_is_not_wanted_goes_down(store: MemoryStore, embeddings: np.ndarray) -> None:
    both = np.stack([embeddings[0], embeddings[1]])
    mixed = ranked(store, both, 40)
    without = ranked(store, both, 40, unlike=embeddings[9:10])
    assert precision(without, 1) < precision(mixed, 1) - 0.1
    assert precision(without, 0) > precision(mixed, 0) + 0.1


def test_without_an_index_all_embeddings_are_compared(
    store: MemoryStore, embeddings: np.ndarray
) -> None:
    store.remove_index(SPACE)
    found = ranked(store, embeddings[5:6], 10)
    expected = nearest_exactly(embeddings, embeddings[5:6], 10)[0][0]
    assert np.array_equal(rows(found)[:10], expected)


def test_what_came_after_the_index_is_ranked_with_the_rest(
    store: MemoryStore, embeddings: np.ndarray
) -> None:
    noise = np.random.default_rng(5).normal(size=(1, DIMENSION)).astype(np.float32)
    edited = normalised(embeddings[:1] + 0.03 * noise)
    store.commit([Photo("/photos/new.jpg", content="9999")], SPACE, {"9999": edited[0]})
    assert [*ranked(store, embeddings[:1], 5, own="0000").contents[:2]] == ["0000", "9999"]


def test_embeddings_are_read_once_and_right(store: MemoryStore, embeddings: np.ndarray) -> None:
    read: list[str] = []

    class Noting:
        """The store, which notes whose embeddings are read."""

        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

        def embeddings(self, space: str, contents: list[str]) -> tuple[np.ndarray, np.ndarray]:
            read.extend(contents)
            return store.embeddings(space, contents)

    query = Embedded(embeddings[7:8], NONE, frozenset({"0007"}))
    found = rank(compare(Noting(), SPACE, query), 40)
    others = [one for one in read if one != "0007"]
    assert len(others) == len({*others}) >= 200
    np.testing.assert_allclose(found.embeddings, embeddings[rows(found)], atol=1e-3)
