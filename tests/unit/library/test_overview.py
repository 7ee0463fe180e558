"""When photos were taken is told by their raw documents as by the photos."""

from __future__ import annotations

from pathlib import Path

import pytest

from photofind.library.embedded.catalog import Catalog
from photofind.library.embedded.changes import encode
from photofind.library.embedded.overview import Overview
from photofind.model.filters import EVERYTHING, Filter

DOCUMENTS = [
    {"path": "/a.jpg", "modified": 5, "captured": "2001-02-03T04:05:06"},
    {"path": "/b.jpg", "modified": 1_600_000_000_123_456_789},
    {"path": "/c.jpg", "modified": 3, "tags": {"x@1": {"captured": 1, "modified": 2}}},
    {"path": '/"captured":"1999"', "modified": 4, "captured": ""},
    {"path": "/d.jpg", "captured": 'caf\u00e9 "\\'},
    {"path": "/e.jpg", "modified": -7_000_000_000},
    {"path": "/f.jpg", "caption": ',"captured":"1998"', "failure": "broken"},
    {"path": "/g.jpg", "modified": 5, "captured": "2001-02-03T04:05:06"},
]


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    catalog = Catalog(tmp_path / "catalog", writable=True)
    spaced = b'{"path": "/h.jpg", "modified": 9, "captured": "2001-01-01"}'
    with catalog.storage.transaction():
        for number, document in enumerate(DOCUMENTS, 1):
            catalog.storage.change("photos", {number: encode(document)})
        catalog.storage.change("photos", {20: spaced, 21: b"[]"})
    return catalog


def test_moments_are_those_of_the_photos(catalog: Catalog) -> None:
    expected = [
        (photo.moment, photo.id, photo.failure is not None) for photo, _ in catalog.select()
    ]
    assert [*catalog.moments()] == expected
    assert len(expected) == 9


def test_the_newest_come_first_and_follow_changes(catalog: Catalog) -> None:
    overview = Overview(catalog)

    def listed(where: Filter) -> list[tuple[str, int]]:
        return [(photo.moment, photo.id) for photo in overview.select(where, 0, None)]

    def expected(where: Filter) -> list[tuple[str, int]]:
        found = [(photo.moment, photo.id) for photo, _ in catalog.select(where)]
        return sorted(found, reverse=True)

    for _ in range(2):
        for where in (EVERYTHING, Filter(failed=False), Filter(tags=("captured",))):
            assert listed(where) == expected(where)
        assert sum(place.photos for place in overview.places()) == len(listed(Filter(failed=False)))
        with catalog.storage.transaction():
            catalog.remove_photos([1])
