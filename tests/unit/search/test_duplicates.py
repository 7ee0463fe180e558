"""Which photos are duplicates, and of which kind."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from photofind.library.memory import MemoryStore
from photofind.model import DuplicateGroup, Query
from photofind.model.records import Photo
from photofind.paths import Home
from photofind.search.searcher import Searcher

SPACE = "made-up@1"
RANDOM = np.random.default_rng(8)
BITS = RANDOM.integers(0, 2, (8, 256), np.uint8)


def fingerprint(picture: int, *, other_bits: int = 0, quality: int = 100) -> str:
    bits = BITS[picture].copy()
    bits[:other_bits] ^= 1
    return "1" + base64.b64encode(np.packbits(bits).tobytes() + bytes([quality])).decode()


@pytest.fixture
def store(store: MemoryStore) -> MemoryStore:
    store.open_space("made-up", "1", 4)
    return store


def put(store: MemoryStore, name: str, fingerprint: str | None, **fields: Any) -> Photo:
    """Commit a photo whose content is its name, and whose embedding is like that of all others."""
    content = fields.pop("content", name)
    vector = np.ones(4, np.float32) + 0.02 * RANDOM.normal(size=4).astype(np.float32)
    photo = Photo(
        f"/p/{name}.jpg", content=content, fingerprint=fingerprint, format="JPEG", **fields
    )
    return store.commit([photo], SPACE, {content: vector})[0]


def searcher(store: MemoryStore, home: Home) -> Searcher:
    def no_extraction(name: str) -> Any:
        raise AssertionError("no photo needs to be read")

    return Searcher(store, home, "made-up", no_extraction)


def names(group: DuplicateGroup) -> list[str]:
    return [path.removeprefix("/p/").removesuffix(".jpg") for path in group.paths]


def test_copies_and_edited_copies_are_told_apart(store: MemoryStore, home: Home) -> None:
    put(store, "photo", fingerprint(0), width=400, height=300)
    put(store, "half", fingerprint(0, other_bits=5), width=200, height=150)
    put(store, "saved", fingerprint(0, other_bits=2), width=400, height=300, size=1)
    put(store, "other", fingerprint(1), width=40, height=30)
    put(store, "copy", fingerprint(1), content="other", width=40, height=30)
    picture, exact = searcher(store, home).duplicates()
    assert (names(picture), picture.kind) == (["saved", "photo", "half"], "same picture")
    assert picture.differences == ((), ("re-encoded",), ("rescaled",))
    assert 0.9 < picture.similarity <= 1
    assert (names(exact), exact.kind) == (["copy", "other"], "identical content")
    assert exact.differences == ((), ("identical",))


def test_photos_that_are_only_alike_are_no_duplicates(store: MemoryStore, home: Home) -> None:
    for picture in range(6):
        put(store, f"page {picture}", fingerprint(picture))
    put(store, "blank", fingerprint(6, quality=10))
    put(store, "as blank", fingerprint(6, quality=10))
    put(store, "unmarked", None)
    assert searcher(store, home).duplicates() == []
    answer = searcher(store, home).similar(Query(("/p/page 0.jpg",), limit=20, min_score=0.0))
    assert len(answer.hits) == 8
    assert not any(hit.copies for hit in answer.hits)


def test_all_of_a_group_match_the_one_that_is_shown(store: MemoryStore, home: Home) -> None:
    for number, bits in enumerate((0, 25, 50, 75)):
        put(store, str(number), fingerprint(0, other_bits=bits), width=10 - number, height=9)
    groups = [names(group) for group in searcher(store, home).duplicates()]
    assert groups == [["1", "2", "0"]]


def test_what_was_told_apart_holds_no_group_together(store: MemoryStore, home: Home) -> None:
    for number, bits in enumerate((0, 25, 50)):
        put(store, str(number), fingerprint(0, other_bits=bits), width=10 - number, height=9)
    assert [names(group) for group in searcher(store, home).duplicates()] == [["1", "0", "2"]]
    store.tell_apart([("0", "1")])
    assert [names(group) for group in searcher(store, home).duplicates()] == [["1", "2"]]
    store.tell_apart([("1", "2")])
    assert searcher(store, home).duplicates() == []


def test_hits_that_show_the_same_picture_collapse(store: MemoryStore, home: Home) -> None:
    put(store, "query", fingerprint(0))
    put(store, "one", fingerprint(1))
    put(store, "edited", fingerprint(1, other_bits=9))
    put(store, "two", fingerprint(2))
    query = Query(("/p/query.jpg",), limit=20, min_score=0.0)
    hits = searcher(store, home).similar(query).hits
    found = {frozenset({hit.path, *hit.copies}) for hit in hits}
    assert found == {frozenset({"/p/one.jpg", "/p/edited.jpg"}), frozenset({"/p/two.jpg"})}


def test_bursts_are_scenes_and_no_duplicates(store: MemoryStore, home: Home) -> None:
    put(store, "a", fingerprint(0), captured="2024-05-01T10:00:00", width=9, height=9)
    put(store, "b", fingerprint(1), captured="2024-05-01T10:00:03")
    put(store, "edited", fingerprint(1, other_bits=5), captured="2024-05-01T10:00:03")
    elsewhere = {"latitude": 48.0, "longitude": 11.0}
    put(store, "later", fingerprint(2), captured="2024-05-01T10:05:00", **elsewhere)
    put(store, "day", fingerprint(3), captured="2024-05-01")
    put(store, "here", fingerprint(4), captured="2024-05-01T10:05:01", **elsewhere)
    put(
        store,
        "there",
        fingerprint(5),
        captured="2024-05-01T10:05:01",
        latitude=49.0,
        longitude=11.0,
    )
    groups = {group.kind: names(group) for group in searcher(store, home).duplicates()}
    assert groups["same picture"] == ["b", "edited"]
    scenes = [names(g) for g in searcher(store, home).duplicates() if g.kind == "same scene"]
    assert scenes == [["a", "b"], ["here", "later"]]
