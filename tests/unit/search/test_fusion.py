"""The scores of several extractors become one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from photofind.errors import ExtractorError
from photofind.extractors.registry import parse_extractors
from photofind.library.embedded.catalog import Photo
from photofind.library.embedded.library import Library
from photofind.paths import Home
from photofind.ranking.projection import normalised
from photofind.search.fusion import Part, fuse
from photofind.search.ranking import Ranker

NONE = np.empty((0, 3), np.float32)
NO_ROWS = np.empty(0, np.int64)


def test_extractors_are_named_with_weights_or_without() -> None:
    assert parse_extractors("a") == {"a": 1.0}
    assert parse_extractors("a, b") == {"a": 1.0, "b": 1.0}
    assert parse_extractors("a=2,b=0.5") == {"a": 2.0, "b": 0.5}


@pytest.mark.parametrize("typed", ["", "a,", "a,a", "a=x", "a=0", "a=-1", "a=inf", "=2"])
def test_what_names_no_extractors_is_refused(typed: str) -> None:
    with pytest.raises(ExtractorError, match="is not a list of extractors"):
        parse_extractors(typed)


@pytest.fixture
def library(home: Home) -> Library:
    """Three photos, one of which the second space has not described yet."""
    library = Library(home, writable=True)
    first = library.open_space("first", "1", 3).id
    second = library.open_space("second", "1", 3).id
    photos = [Photo(f"/{name}.jpg", content=name) for name in "abc"]
    shapes = {"a": (1, 0, 0), "b": (0.8, 0.6, 0), "c": (0, 1, 0)}
    library.commit(photos, first, {n: np.array(v, np.float32) for n, v in shapes.items()})
    colours = {"a": (0, 0, 1), "c": (1, 0, 0)}
    library.commit(
        list(library.photos()), second, {n: np.array(v, np.float32) for n, v in colours.items()}
    )
    return library


def part(library: Library, space: str, query: tuple[float, ...], weight: float) -> Part:
    vectors = library.vectors(space)
    ranker = Ranker(vectors, library.references(space) > 0)
    comparison = ranker.compare(
        normalised(np.array([query], np.float32)), NONE, query_rows=NO_ROWS, plain=True
    )
    return Part(space, comparison, weight, None)


def order(library: Library, *parts: Part) -> list[str]:
    rows, scores = fuse(library, parts, 10)
    assert (np.diff(scores) <= 0).all()
    return [
        Path(photo.path).stem
        for row in rows.tolist()
        for photo in library.photos_of_row(parts[0].space, row)
    ]


def test_the_weights_decide_between_two_opinions(library: Library) -> None:
    def fused(first: float, second: float) -> list[str]:
        return order(
            library,
            part(library, "first@1", (1, 0, 0), first),
            part(library, "second@1", (1, 0, 0), second),
        )

    assert fused(10, 1)[0] == "a"
    assert fused(1, 10)[0] == "c"


def test_what_one_space_does_not_know_is_judged_by_the_other(library: Library) -> None:
    both = order(
        library,
        part(library, "first@1", (0.8, 0.6, 0), 1),
        part(library, "second@1", (0, 1, 0), 1),
    )
    assert both[0] == "b"
    assert sorted(both) == ["a", "b", "c"]
