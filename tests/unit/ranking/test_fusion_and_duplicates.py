from __future__ import annotations

import numpy as np

from photofind.ranking.direction import towards
from photofind.ranking.duplicates import collapse
from photofind.ranking.fusion import Opinion, fuse


def opinion(weight: float, places: list[int], scores: list[float]) -> Opinion:
    values = np.array(scores)
    return Opinion(weight, np.array(places), np.clip(values, 0, 1), values.astype(np.float32))


def test_scores_are_averaged_by_their_weights_where_they_are_known():
    order, scores = fuse(3, [opinion(1, [0, 1, 2], [0.8, 0.2, 0.4]), opinion(3, [0, 2], [0, 0.8])])
    assert order.tolist() == [2, 0, 1]
    assert np.allclose(scores, [0.7, 0.2, 0.2])


def test_of_equal_scores_the_more_alike_comes_first():
    order, scores = fuse(2, [opinion(1, [0, 1], [-0.5, -0.1])])
    assert (order.tolist(), scores.tolist()) == ([1, 0], [0, 0])


def test_each_photo_collapses_under_the_best_that_it_matches():
    pairs = {(0, 2), (1, 3), (2, 4), (1, 2)}

    def same(lefts: np.ndarray, rights: np.ndarray) -> np.ndarray:
        return np.array([[{(a, b), (b, a)} & pairs != set() for b in rights] for a in lefts])

    assert collapse(5, 9, same) == [[0, 2], [1, 3], [4]]
    assert collapse(5, 2, same) == [[0, 2], [1, 3]]


def test_a_direction_is_away_from_what_is_not_wanted():
    like, unlike = np.eye(3, dtype=np.float32)[:2], np.eye(3, dtype=np.float32)[1:2]
    both = towards(like, unlike[:0])
    away = towards(like, unlike)
    assert np.allclose(both, [0.5**0.5, 0.5**0.5, 0])
    assert away[0] > both[0]
    assert 0 < away[1] < both[1]
    assert np.isclose(np.linalg.norm(away), 1)
