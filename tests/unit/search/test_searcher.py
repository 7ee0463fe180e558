"""What the searcher remembers from one query to the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from photofind.library.embedded.catalog import Photo
from photofind.library.embedded.library import Library
from photofind.model import Query
from photofind.paths import Home
from photofind.search.searcher import Searcher

DIMENSION = 16
SPACE = "made-up@1"


def put(library: Library, folder: str, count: int, seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    photos = [Photo(f"{folder}/{n}.jpg", content=f"{seed:016x}{n:016x}") for n in range(count)]
    library.commit(
        photos, SPACE, {photo.content: v for photo, v in zip(photos, vectors, strict=True)}
    )


@pytest.fixture
def library(home: Home) -> Iterator[Library]:
    with Library(home, writable=True) as library:
        library.open_space("made-up", "1", DIMENSION)
        put(library, "/a", 20, 1)
        put(library, "/b", 10, 2)
        yield library


def test_what_a_filter_leaves_is_found_out_once(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []
    photos = library.photos

    def noted(folder: str | None = None) -> Iterator[Photo]:
        asked.append(folder)
        return photos(folder)

    monkeypatch.setattr(library, "photos", noted)

    def no_extraction(name: str) -> Any:
        raise AssertionError("no photo needs to be read")

    searcher = Searcher(library, "made-up", no_extraction)

    def found(query: str, folder: str) -> tuple[int, set[str]]:
        answer = searcher.similar(Query((query,), limit=50, min_score=0.0, folder=folder))
        return answer.photos, {hit.path.rsplit("/", 1)[0] for hit in answer.hits}

    assert found("/a/1.jpg", "/b") == found("/a/2.jpg", "/b") == (10, {"/b"})
    assert asked == ["/b"]
    assert found("/a/1.jpg", "/a") == (20, {"/a"})
    assert asked == ["/b", "/a"]
    put(library, "/b", 5, 3)  # Others by the same names.
    put(library, "/b/c", 5, 4)
    assert found("/a/1.jpg", "/b") == (15, {"/b", "/b/c"})
    assert asked == ["/b", "/a", "/b"]
