"""Scripts get the embeddings that the library holds."""

from __future__ import annotations

import json

import numpy as np
import pytest

from photofind.app.embeddings import stored_embeddings
from photofind.errors import LibraryError
from photofind.library.memory import MemoryStore
from photofind.model import Embeddings, as_plain, revive
from photofind.model.filters import Filter
from photofind.model.records import Photo, Space

SPACE = Space("made-up", "1", 3)
MADE = {"a": (3, 0, 4), "b": (0, 1, 0), "c": (1, 0, 0)}


@pytest.fixture
def store() -> MemoryStore:
    """Three photos, and a fourth without an embedding."""
    store = MemoryStore()
    store.open_space("made-up", "1", 3)
    photos = [
        Photo(f"/{folder}/{name}.jpg", content=name, modified=10**18 + place)
        for place, (folder, name) in enumerate(("xa", "xb", "yc", "yd"))
    ]
    vectors = {name: np.array(vector, np.float32) for name, vector in MADE.items()}
    store.commit(photos, SPACE.id, vectors)
    return store


def get(store: MemoryStore, photos: list[int] | None = None, **options: int) -> Embeddings:
    where = Filter(folder="/x") if options.pop("in_x", 0) else Filter()
    return stored_embeddings(store, SPACE, photos, where, **{"offset": 0, "limit": 10} | options)


def test_they_come_newest_first_at_unit_length(store: MemoryStore) -> None:
    found = get(store)
    assert found.paths == ("/y/c.jpg", "/x/b.jpg", "/x/a.jpg")
    expected = [[1, 0, 0], [0, 1, 0], [0.6, 0, 0.8]]
    np.testing.assert_allclose(found.vectors, expected, atol=1e-6)
    assert found.vectors.dtype == np.float32
    assert (found.extractor, found.version, found.dimension) == ("made-up", "1", 3)


def test_they_come_page_by_page_and_by_a_filter(store: MemoryStore) -> None:
    assert get(store, offset=1, limit=1).paths == ("/x/b.jpg",)
    assert get(store, in_x=1).paths == ("/x/b.jpg", "/x/a.jpg")
    assert get(store, offset=5).vectors.shape == (0, 3)
    with pytest.raises(LibraryError, match="no photo has a tag"):
        stored_embeddings(store, SPACE, None, Filter(tags=("dog",)), 0, 10)


def test_they_come_in_the_order_of_the_ids_that_are_given(store: MemoryStore) -> None:
    known = store.by_path(["/x/a.jpg", "/y/c.jpg", "/y/d.jpg"])
    ids = [photo.id for photo in known.values()]
    found = get(store, [*ids, ids[0], 99])
    assert found.ids == tuple(ids[:2])
    np.testing.assert_allclose(found.vectors[0], (0.6, 0, 0.8), atol=1e-6)


def test_they_survive_json(store: MemoryStore) -> None:
    found = get(store)
    again = revive(Embeddings, json.loads(json.dumps(found, default=as_plain)))
    assert again == found
    np.testing.assert_array_equal(again.vectors, found.vectors)
