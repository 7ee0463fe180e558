"""Folders and months, for whoever looks around."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from photofind.errors import LibraryError
from photofind.library.embedded.catalog import Photo
from photofind.model import Overview, TagCount
from photofind.search.browsing import Timeline
from photofind.search.filters import Filter

PHOTOS = [
    ("/photos/a.jpg", "2021-05-03T10:00:00"),
    ("/photos/2020/b.jpg", "2020-01-01T00:00:00"),
    ("/photos/2020/deep/er/c.jpg", "2020-01-31T00:00:00"),
    ("/photos/2021/d.jpg", "2021-05-09T00:00:00"),
    ("/photos 2/e.jpg", "2019-12-31T00:00:00"),
]


class Library:
    def __init__(self) -> None:
        self.revision = 1
        self.known = [
            Photo(path, captured=captured, id=place)
            for place, (path, captured) in enumerate(PHOTOS, 1)
        ]
        self.known.append(Photo("/photos/broken.jpg", failure="broken", id=99))

    def photos(self) -> list[Photo]:
        return self.known

    def photo_by_id(self, identifier: int) -> Photo | None:
        return next((photo for photo in self.known if photo.id == identifier), None)

    def folders(self) -> list[Any]:
        return [SimpleNamespace(path=path) for path in ("/photos", "/photos 2", "/empty")]


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.fixture
def timeline(library: Library) -> Timeline:
    return Timeline(library)  # type: ignore[arg-type]


def test_all_that_there_is(timeline: Timeline) -> None:
    assert timeline.overview() == Overview(
        5,
        (("/photos", 4), ("/photos 2", 1)),
        (("2021-05", 2), ("2020-01", 2), ("2019-12", 1)),
    )


def test_below_a_folder(timeline: Timeline) -> None:
    assert timeline.overview("/photos") == Overview(
        4, (("/photos/2020", 2), ("/photos/2021", 1)), (("2021-05", 2), ("2020-01", 2))
    )
    assert timeline.overview("/photos/2020") == Overview(
        2, (("/photos/2020/deep", 1),), (("2020-01", 2),)
    )
    assert timeline.overview("/photos/2020/deep/er") == Overview(1, (), (("2020-01", 1),))
    assert timeline.overview("/elsewhere") == Overview(0, (), ())


def test_it_is_looked_at_again_once_it_has_changed(timeline: Timeline, library: Library) -> None:
    assert timeline.overview().photos == 5
    library.known.append(Photo("/photos/new.jpg", captured="2022-01-01", id=50))
    assert timeline.overview().photos == 5
    library.revision += 1
    assert timeline.overview().photos == 6
    assert timeline.overview().months[0] == ("2022-01", 1)


def test_photos_by_tags(timeline: Timeline, library: Library) -> None:
    for photo, confidence in zip(list(library.known), (0.2, 0.7, 0.7, 0.1), strict=False):
        tags = {"naming@1": {"hot dog": confidence}}
        library.known[library.known.index(photo)] = replace(photo, tags=tags)
    library.known[4] = replace(library.known[4], keywords=("Dog", "sea"))
    assert timeline.tags() == [
        TagCount("hot dog", 4, ("naming",), False),
        TagCount("Dog", 1, (), True),
        TagCount("sea", 1, (), True),
    ]
    newest_first = [photo.id for photo in timeline.page(Filter(tags=("dog",)), 0, 9)]
    assert newest_first == [4, 1, 3, 2, 5]
    assert [photo.id for photo in timeline.page(Filter("/photos/2020", tags=("dog",)), 1, 9)] == [2]
    assert [photo.id for photo in timeline.tagged(["dog"], 9)] == [5, 3, 2, 1, 4]
    assert [photo.id for photo in timeline.tagged(["dog"], 2)] == [5, 3]
    assert [photo.id for photo in timeline.tagged(["sea", "dog"], 9)] == [5]
    assert timeline.tagged(["sea", "hot"], 9) == []
    with pytest.raises(LibraryError, match="no photo has the tag 'cat'"):
        timeline.page(Filter(tags=("dog", "cat")), 0, 9)
    library.known.append(Photo("/photos/cat.jpg", keywords=("cat",), id=50))
    library.revision += 1
    assert [photo.id for photo in timeline.tagged(["cat"], 9)] == [50]
