"""What cells add to a similarity: it sums up, whatever the centre, the size and the extractors."""

from __future__ import annotations

import numpy as np
import pytest

from photofind.learning.explanation.cells import contributions, matches, pooled, relative_cells
from photofind.learning.explanation.regions import named_cells, regions, where
from photofind.ranking.fusion import fuse_embeddings

RANDOM = np.random.default_rng(3)


def feature_map(rows: int = 7, columns: int = 7, width: int = 40) -> np.ndarray:
    return RANDOM.gamma(0.5, 2, (rows, columns, width)).astype(np.float32)


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


@pytest.mark.parametrize("shape", [(7, 7), (4, 9), (1, 1)])
def test_the_cells_add_up_to_the_similarity(shape):
    first, second = feature_map(), feature_map(*shape)
    centre = RANDOM.normal(0, 0.05, 40).astype(np.float32)
    expected = pooled(first) - centre, pooled(second) - centre
    cells = [relative_cells(one, centre) for one in (first, second)]
    for some, whole in zip(cells, expected, strict=True):
        np.testing.assert_allclose(some.mean(axis=(0, 1)), whole, atol=1e-12)
    lengths = np.linalg.norm(expected[0]) * np.linalg.norm(expected[1])
    of_first, of_second = contributions(*cells, float(lengths))
    assert (of_first.shape, of_second.shape) == ((7, 7), shape)
    assert of_first.sum() == pytest.approx(cosine(*expected), abs=1e-12)
    assert of_second.sum() == pytest.approx(cosine(*expected), abs=1e-12)


def test_the_cells_of_several_extractors_add_up_to_their_similarity_together():
    weights = (2.0, 1.0)
    maps = [(feature_map(), feature_map()), (feature_map(3, 4, 25), feature_map(5, 5, 25))]
    pairs = [[pooled(one)[np.newaxis].astype(np.float32) for one in pair] for pair in maps]
    centre = RANDOM.normal(0, 0.05, 65).astype(np.float32)
    whole = [
        fuse_embeddings(*(pair[side] for pair in pairs), weights=weights)[0].astype(np.float64)
        - centre
        for side in (0, 1)
    ]
    lengths = float(np.linalg.norm(whole[0]) * np.linalg.norm(whole[1]))
    added = 0.0
    for pair, weight, part in zip(maps, weights, (centre[:40], centre[40:]), strict=True):
        scale = (weight / sum(weights)) ** 0.5
        of_first, _ = contributions(*(relative_cells(one, part, scale) for one in pair), lengths)
        added += float(of_first.sum())
    assert added == pytest.approx(cosine(*whole), abs=1e-6)


def test_a_cell_is_most_like_the_same_cell_elsewhere():
    first = feature_map()
    second = np.roll(first, (2, 3), axis=(0, 1))
    centre = np.zeros(40, np.float32)
    cosines = matches(relative_cells(first, centre), relative_cells(second, centre))
    assert cosines.shape == (49, 49)
    assert cosines.max() <= 1 + 1e-9
    places = np.arange(49).reshape(7, 7)
    expected = np.roll(places, (-2, -3), axis=(0, 1)).ravel()
    np.testing.assert_array_equal(cosines.argmax(axis=1), expected)


def test_nothing_is_divided_by_zero():
    empty = np.zeros((2, 2, 5), np.float32)
    centre = np.zeros(5, np.float32)
    cells = relative_cells(empty, centre)
    assert pooled(empty).tolist() == [0] * 5
    assert contributions(cells, cells, 0.0)[0].sum() == 0
    assert matches(cells, cells).max() == 0


def test_the_cells_that_carry_the_most_are_named_and_make_up_regions():
    weights = np.full((4, 4), -0.01)
    weights[0, :2] = 0.3, 0.1
    weights[3, 3], weights[2, 3] = 0.4, 0.2
    named = named_cells(weights)
    assert named.sum() == 4
    assert np.argwhere(named).tolist() == [[0, 0], [0, 1], [2, 3], [3, 3]]
    lower, upper = regions(weights, named)
    assert lower.box == (0.75, 0.5, 0.25, 0.5)
    assert (lower.where, upper.where) == ("lower right", "upper left")
    assert (lower.share, upper.share) == (pytest.approx(0.6), pytest.approx(0.4))


def test_where_cells_lie_is_said_in_words():
    cells = np.zeros((3, 3), np.bool_)
    assert where(~cells) == "middle"
    cells[2] = True
    assert where(cells) == "bottom"
    cells[:] = [[True, False, False]] * 3
    assert where(cells) == "left"
