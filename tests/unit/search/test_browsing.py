"""Folders, months and pages of photos."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from photofind.errors import LibraryError
from photofind.library.memory import MemoryStore
from photofind.model import Overview, TagCount
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import Folder, Photo
from photofind.search.browsing import overview, page
from photofind.search.tags import tagged

PHOTOS = [
    ("/photos/a.jpg", "2021-05-03T10:00:00"),
    ("/photos/2020/b.jpg", "2020-01-01T00:00:00"),
    ("/photos/2020/deep/er/c.jpg", "2020-01-31T00:00:00"),
    ("/photos/2021/d.jpg", "2021-05-09T00:00:00"),
    ("/photos 2/e.jpg", "2019-12-31T00:00:00"),
]


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.open_space("naming", "1", 1)
    photos = [Photo(path, captured=captured, content=path) for path, captured in PHOTOS]
    embeddings = {path: np.ones(1, np.float32) for path, _ in PHOTOS}
    store.commit([*photos, Photo("/photos/broken.jpg", failure="broken")], "naming@1", embeddings)
    for path in ("/photos", "/photos 2", "/empty"):
        store.put_folder(Folder(path, 0.0))
    return store


def test_all_that_there_is(store: MemoryStore) -> None:
    assert overview(store) == Overview(
        5,
        (("/photos", 4), ("/photos 2", 1)),
        (("2021-05", 2), ("2020-01", 2), ("2019-12", 1)),
    )


def test_below_a_folder(store: MemoryStore) -> None:
    assert overview(store, "/photos") == Overview(
        4, (("/photos/2020", 2), ("/photos/2021", 1)), (("2021-05", 2), ("2020-01", 2))
    )
    assert overview(store, "/photos/2020") == Overview(
        2, (("/photos/2020/deep", 1),), (("2020-01", 2),)
    )
    assert overview(store, "/photos/2020/deep/er") == Overview(1, (), (("2020-01", 1),))
    assert overview(store, "/elsewhere") == Overview(0, (), ())


def test_it_follows_the_library(store: MemoryStore) -> None:
    store.commit([Photo("/photos/new.jpg", captured="2022-01-01")])
    assert overview(store).photos == 6
    assert overview(store).months[0] == ("2022-01", 1)


def test_pages_leave_out_what_failed(store: MemoryStore) -> None:
    assert [photo.path[-5] for photo in page(store, EVERYTHING, 0, 9)] == ["d", "a", "c", "b", "e"]
    assert [photo.path[-5] for photo in page(store, EVERYTHING, 3, 9)] == ["b", "e"]


def test_photos_by_tags(store: MemoryStore) -> None:
    photos = sorted(store.select(Filter(failed=False)), key=lambda photo: photo.id)
    for place, confidence in enumerate((0.2, 0.7, 0.7, 0.1)):
        photos[place] = replace(photos[place], tags={"naming@1": {"red dog": confidence}})
    photos[4] = replace(photos[4], keywords=("Dog", "sea"))
    store.commit(photos)
    assert store.tags() == [
        TagCount("red dog", 4, ("naming",), False),
        TagCount("Dog", 1, (), True),
        TagCount("sea", 1, (), True),
    ]
    newest_first = [photo.id for photo in page(store, Filter(tags=("dog",)), 0, 9)]
    assert newest_first == [4, 1, 3, 2, 5]
    below = Filter("/photos/2020", tags=("dog",))
    assert [photo.id for photo in page(store, below, 1, 9)] == [2]
    assert [photo.id for photo in tagged(store, ["dog"], 9)] == [5, 3, 2, 1, 4]
    assert [photo.id for photo in tagged(store, ["dog"], 2)] == [5, 3]
    assert [photo.id for photo in tagged(store, ["sea", "dog"], 9)] == [5]
    assert tagged(store, ["sea", "red"], 9) == []
    with pytest.raises(LibraryError, match="no photo has the tag 'cat'"):
        page(store, Filter(tags=("dog", "cat")), 0, 9)
    (cat,) = store.commit([Photo("/photos/cat.jpg", keywords=("cat",))])
    assert tagged(store, ["cat"], 9) == [cat]
