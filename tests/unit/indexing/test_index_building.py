"""Building an index through a store."""

from __future__ import annotations

import numpy as np
import pytest

from photofind.indexing.index_building import build_index
from photofind.library.memory import MemoryStore
from photofind.model.records import Photo
from photofind.ranking.exact import neighbours_exactly
from photofind.ranking.projection import normalised
from photofind.ranking.smoothing import smooth

PHOTOS = 400
DIMENSION = 64
SPACE = "made-up@1"


@pytest.fixture
def embeddings() -> np.ndarray:
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(40, DIMENSION))
    noise = generator.normal(size=(PHOTOS, DIMENSION))
    made = centres[np.arange(PHOTOS) % 40] + noise + 1
    return made.astype(np.float16).astype(np.float32)


@pytest.fixture
def store(embeddings: np.ndarray) -> MemoryStore:
    store = MemoryStore()
    store.open_space("made-up", "1", DIMENSION)
    photos = [Photo(f"/{row}.jpg", content=str(row)) for row in range(PHOTOS)]
    store.commit(photos, SPACE, {str(row): vector for row, vector in enumerate(embeddings)})
    return store


def test_points_are_projected_and_smoothed(store: MemoryStore, embeddings: np.ndarray) -> None:
    info = build_index(store, SPACE, graph=False)
    assert (info.photos, info.fresh, info.graph, info.recall) == (PHOTOS, 0, False, None)
    assert info.projection.components.shape == (64, DIMENSION)
    projected = info.projection.project(embeddings)
    neighbours, similarities = neighbours_exactly(projected, 25)
    expected = smooth(projected, projected[neighbours], similarities)
    cosines = np.einsum("nd,nkd->nk", expected, expected[neighbours])
    expected = smooth(expected, expected[neighbours], cosines)
    known, points = store.points(SPACE, [str(row) for row in range(PHOTOS)])
    assert known.all()
    assert np.allclose(points, expected, atol=1e-5)


def test_backgrounds_are_what_unrelated_photos_look_like(
    store: MemoryStore, embeddings: np.ndarray
) -> None:
    info = build_index(store, SPACE, graph=False)
    cosines = normalised(embeddings) @ normalised(embeddings).T
    unrelated = cosines[np.triu_indices(PHOTOS, 1)]
    assert info.plain.median == pytest.approx(float(np.median(unrelated)), abs=0.01)
    assert np.mean(info.plain.scores(unrelated) > 0.5) < 0.03
    assert 0 < info.ranked.deviation < 0.5
    assert -0.5 < info.ranked.median < 0.5


def test_what_is_reclaimed_in_the_meantime_is_no_matter(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = store.scan

    def and_lose_some(space: str) -> object:
        yield from scan(space)
        store.remove(store.by_path([f"/{row}.jpg" for row in range(100)]).values())
        store.reclaim()

    monkeypatch.setattr(store, "scan", and_lose_some)
    assert build_index(store, SPACE, graph=False).photos == PHOTOS
    index = store.index(SPACE)
    assert index is not None
    assert (index.gone, index.fresh) == (100, 0)
