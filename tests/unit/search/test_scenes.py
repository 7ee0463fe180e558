"""Which photos are takes of one scene."""

from __future__ import annotations

from typing import Any

import numpy as np

from photofind.library.memory import MemoryStore
from photofind.search.matches import Matches
from photofind.search.scenes import same_scene


def test_takes_are_found_among_many_photos_of_one_time(store: MemoryStore, fill: Any) -> None:
    """As of a camera whose clock stands still; the takes of a scene are far from each other."""
    scenes = np.random.default_rng(3).normal(size=(300, 40))
    vectors = {f"{number:03}": scenes[number % 300] for number in range(600)}
    photos = fill("made-up@1", vectors, captured="2000-01-01T00:00:00")
    groups = same_scene(store, "made-up@1", photos)
    assert len(groups) == 300
    for one, other in groups:
        assert int(other.content) - int(one.content) == 300


def test_one_place_counts_where_both_say_it_whatever_the_zone(
    store: MemoryStore, fill: Any
) -> None:
    alike = [1.0, 1.0, 1.0, 1.0]
    here = {"latitude": 48.0, "longitude": 11.0}
    there = {"latitude": 48.0, "longitude": 11.01}
    photos = [
        *fill("made-up@1", {"a": alike}, captured="1965-05-01T10:00:00", **here),
        *fill("made-up@1", {"b": alike}, captured="1965-05-01T10:00:59+02:00", **here),
        *fill("made-up@1", {"c": alike}, captured="1965-05-01T10:00:01", **there),
        *fill("made-up@1", {"d": alike}, captured="1965-05-01T10:03:00"),
        *fill("made-up@1", {"e": alike}, captured="1965-05-01"),
    ]
    groups = same_scene(store, "made-up@1", photos)
    assert [[photo.content for photo in group] for group in groups] == [["a", "b"]]


def test_a_scene_is_whole_around_the_take_that_is_like_most(store: MemoryStore, fill: Any) -> None:
    """Something moves through the picture: the first take and the last are less alike."""
    angles = {"a": 0.0, "b": 0.5, "c": 1.0}
    turned = {name: [np.cos(angle), np.sin(angle)] for name, angle in angles.items()}
    photos = [
        *(
            fill("mobilenet@1", {name: vector}, captured=f"2024-05-01T10:00:0{second}")[0]
            for second, (name, vector) in enumerate(turned.items())
        ),
        *fill("mobilenet@1", {"other": [-1.0, 0.3]}, captured="2024-05-01T10:00:05"),
    ]
    groups = same_scene(store, "mobilenet@1", photos)
    assert [[photo.content for photo in group] for group in groups] == [["b", "a", "c"]]


def test_all_of_a_group_match_its_first_and_there_are_no_chains() -> None:
    lefts, rights = np.array([0, 1, 1, 3, 5]), np.array([1, 2, 3, 4, 6])
    matches = Matches(7, lefts, rights)
    assert matches.grouped() == [[1, 3, 0, 2], [5, 6]]
    assert Matches(7, lefts[:0], rights[:0]).grouped() == []
