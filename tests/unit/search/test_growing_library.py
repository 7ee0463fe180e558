"""Scores of the same photos while their library grows, built anew as often as the daemon does."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from photofind.indexing.index_building import build_index
from photofind.indexing.index_maintenance.fit import INDEX_PAYS, Need, need_of
from photofind.library.memory import MemoryStore
from photofind.library.store import Store
from photofind.model.records import Photo
from photofind.ranking.projection import normalised
from photofind.search.comparison import compare
from photofind.search.embedding import Embedded

DIMENSION = 128
SPACE = "mobilenet@1"
PHOTOS = 1000
WATCHED = 20
FIRST = (1, 10, INDEX_PAYS - 1, INDEX_PAYS)


def made(common: float, kinds: int, kind: float) -> np.ndarray:
    """Make embeddings that share something, and more within each kind, as photos' do.

    Kinds are unlike each other to different degrees, and some photos are between two.
    """
    generator = np.random.default_rng(5)
    places = generator.integers(0, kinds, PHOTOS)
    others = generator.integers(0, kinds, PHOTOS)
    between = np.where(generator.random(PHOTOS) < 0.2, generator.uniform(0, 0.5, PHOTOS), 0)
    centres = generator.normal(size=(kinds, DIMENSION))
    for place in range(1, kinds, 2):
        centres[place] = 0.5 * centres[place - 1] + 0.87 * centres[place]
    mixed = (1 - between)[:, None] * centres[places] + between[:, None] * centres[others]
    own = generator.normal(size=(PHOTOS, DIMENSION))
    return normalised(common + kind * mixed + own)


LIBRARIES = {
    # Cosines of unrelated and of related photos: about 0.33 and 0.6, 0.5 and 0.7, 0.7 and 0.9.
    "varied photos": made(0.9, 12, 0.8),
    "one kind": made(1.25, 6, 0.85),
    "documents": made(2.2, 4, 1.0),
}


def growth(embeddings: np.ndarray) -> Iterator[tuple[int, Store]]:
    """Yield a library of some sizes, and each time that an index was built."""
    store = MemoryStore()
    store.open_space("mobilenet", "1", DIMENSION)
    done = 0
    while done < len(embeddings):
        size = next((first for first in FIRST if first > done), done + 1)
        while size > FIRST[-1] and need_of(store.index(SPACE), size) is not Need.BUILD:
            size += 1
        contents = [f"{number:05}" for number in range(done, min(size, len(embeddings)))]
        photos = [Photo(f"/{content}.jpg", content=content) for content in contents]
        added = embeddings[done : done + len(contents)]
        store.commit(photos, SPACE, dict(zip(contents, added, strict=True)))
        done += len(contents)
        if need_of(store.index(SPACE), done) is Need.BUILD:
            build_index(store, SPACE, graph=False)
        yield done, store


def scores(store: Store, contents: list[str]) -> np.ndarray:
    """Return the scores of contents with each other, (n, n)."""
    rows = []
    for content in contents:
        like = normalised(store.embeddings(SPACE, [content])[1])
        comparison = compare(store, SPACE, Embedded(like, like[:0], frozenset([content])))
        rows.append(comparison.compare(contents).scores)
    return np.stack(rows)


@pytest.mark.parametrize("library", LIBRARIES)
def test_no_pair_moves_by_much_at_once(library: str) -> None:
    before = np.empty((0, 0))
    for count, store in growth(LIBRARIES[library]):
        after = scores(store, [f"{number:05}" for number in range(min(WATCHED, count))])
        known = len(before)
        moved = np.abs(after[:known, :known] - before)
        assert moved.max(initial=0) <= 0.05, f"with {count} photos"
        before = after
