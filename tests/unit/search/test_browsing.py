"""Folders and months, for whoever looks around."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from photofind.library.catalog import Photo
from photofind.search.browsing import Timeline
from photofind.values import Overview

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
