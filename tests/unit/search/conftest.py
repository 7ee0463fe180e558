from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from photofind.library.memory import MemoryStore
from photofind.model.records import Photo

Fill = Callable[..., list[Photo]]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def fill(store: MemoryStore) -> Fill:
    """Commit photos, whose content is their name, with embeddings by name."""

    def commit(
        space: str, embeddings: Mapping[str, Any], folder: str = "/photos", **fields: Any
    ) -> list[Photo]:
        vectors = {name: np.array(vector, np.float32) for name, vector in embeddings.items()}
        extractor, version = space.split("@")
        store.open_space(extractor, version, len(next(iter(vectors.values()))))
        photos = [Photo(f"{folder}/{name}.jpg", content=name, **fields) for name in vectors]
        return store.commit(photos, space, vectors)

    return commit
