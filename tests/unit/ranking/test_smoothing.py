"""New photos are smoothed by what there is and by those that they came with."""

from __future__ import annotations

import numpy as np

from photofind.ranking import smoothing
from photofind.ranking.exact import nearest_exactly
from photofind.ranking.projection import normalised
from photofind.ranking.smoothing import Nearest, smooth, smooth_new, smoothing_neighbours

DIMENSION = 32
PHOTOS = 1000


def kinds(count: int, first: int, *, seed: int) -> np.ndarray:
    """Make points of four kinds, which are others for each ``first``."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(first).normal(size=(4, DIMENSION))
    return normalised(centres[np.arange(count) % 4] + generator.normal(size=(count, DIMENSION)))


def nearest_of(there: np.ndarray) -> Nearest:
    def nearest(points: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        places, cosines = nearest_exactly(there, points, count)
        return there[places], cosines

    return nearest


def likeness_within_kinds(points: np.ndarray) -> float:
    return float(np.mean([points[kind::4] @ points[kind::4].T for kind in range(4)]))


def test_photos_unlike_all_that_were_there_are_smoothed_by_each_other() -> None:
    there, new = kinds(PHOTOS, 1, seed=1), kinds(100, 2, seed=2)
    nearest = nearest_of(there)
    by_strangers = smooth(new, *nearest(new, smoothing_neighbours(PHOTOS)))
    together = smooth_new(new, nearest, PHOTOS)
    assert likeness_within_kinds(together) > likeness_within_kinds(by_strangers) + 0.2


def test_photos_like_those_that_were_there_are_smoothed_by_them() -> None:
    there, new = kinds(PHOTOS, 1, seed=1), kinds(4, 1, seed=2)
    smoothed = smooth_new(new, nearest_of(there), PHOTOS)
    centres = normalised(np.stack([there[kind::4].mean(axis=0) for kind in range(4)]))
    assert (np.vecdot(smoothed, centres) > np.vecdot(new, centres) + 0.1).all()


def test_many_are_smoothed_in_parts_by_those_before(monkeypatch) -> None:
    there, new = kinds(PHOTOS, 1, seed=1), kinds(100, 2, seed=2)
    at_once = smooth_new(new, nearest_of(there), PHOTOS)
    monkeypatch.setattr(smoothing, "TOGETHER", 50)
    parts = smooth_new(new, nearest_of(there), PHOTOS)
    first = smooth_new(new[:50], nearest_of(there), PHOTOS)
    second = smooth_new(new[50:], nearest_of(np.concatenate([there, first])), PHOTOS)
    np.testing.assert_allclose(parts, np.concatenate([first, second]), atol=1e-5)
    assert np.vecdot(parts, at_once).min() > 0.8


def test_takes_that_came_together_count_once() -> None:
    there, new = kinds(PHOTOS, 1, seed=1), kinds(40, 2, seed=2)
    noise = np.random.default_rng(3).normal(size=(60, DIMENSION))
    burst = normalised(new[:1] + 0.02 * noise)
    alone = smooth_new(new, nearest_of(there), PHOTOS)
    with_burst = smooth_new(np.concatenate([new, burst]), nearest_of(there), PHOTOS)
    np.testing.assert_allclose(with_burst[:40], alone, atol=1e-5)
    # Each take is smoothed by what its picture is smoothed by.
    assert np.vecdot(with_burst[40:], alone[0]).min() > 0.99


def test_in_a_library_too_small_for_smoothing_points_stay_as_they_are() -> None:
    new = kinds(3, 1, seed=2)
    assert smooth_new(new, nearest_of(kinds(10, 1, seed=1)), 10) is new
