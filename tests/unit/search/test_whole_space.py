"""Many queries compared with a whole space are compared as each of them by itself."""

from __future__ import annotations

import numpy as np
import pytest

from photofind.indexing.index_building import build_index
from photofind.library.memory import MemoryStore
from photofind.model.records import Photo
from photofind.ranking.projection import normalised
from photofind.search.comparison import WholeSpace, compare
from photofind.search.embedding import Embedded

SPACE, DIMENSION = "made-up@1", 48


@pytest.mark.parametrize("is_indexed", [True, False])
def test_as_each_by_itself(is_indexed: bool) -> None:
    generator = np.random.default_rng(0)
    kinds = 1.5 * generator.normal(size=(6, DIMENSION))
    photos = normalised(1 + kinds[np.arange(90) % 6] + generator.normal(size=(90, DIMENSION)))
    photos[60:65] = normalised(photos[:5] + 0.01 * generator.normal(size=(5, DIMENSION)))
    contents = [f"{place:03}" for place in range(80)]
    store = MemoryStore()
    store.open_space("made-up", "1", DIMENSION)
    store.commit(
        [Photo(f"/{content}.jpg", content=content) for content in contents],
        SPACE,
        dict(zip(contents, photos, strict=False)),
    )
    if is_indexed:
        build_index(store, SPACE, graph=False)
    queries = [
        Embedded(photos[place : place + 1], photos[:0], frozenset(contents[place : place + 1]))
        for place in (0, 3, 17, 62, 79, 80, 88)  # The last two are from outside.
    ]
    queries.append(Embedded(photos[:2], photos[7:9], frozenset(contents[:2])))
    similarities, scores = WholeSpace(store, SPACE, contents).compare(queries)
    for row, query in enumerate(queries):
        alone = compare(store, SPACE, query).compare(contents)
        np.testing.assert_allclose(similarities[row], alone.similarities, atol=2e-5)
        np.testing.assert_allclose(scores[row], alone.scores, atol=2e-5)
    assert 0.1 < np.mean(scores[0] > 0.3) < 0.9
