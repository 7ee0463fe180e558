"""Neighbours that are repeats are replaced by other pictures, whether few or many have such."""

from __future__ import annotations

import numpy as np
import pytest

from photofind.indexing import other_pictures
from photofind.indexing.other_pictures import replace_repeats
from photofind.ranking.exact import nearest_exactly, neighbours_exactly
from photofind.ranking.projection import normalised

DIMENSION, PICTURES, COUNT = 8, 400, 12


@pytest.fixture(params=[other_pictures.FEW, 0], ids=["few", "many"])
def is_many(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(other_pictures, "FEW", request.param)
    return not request.param


def replaced(takes: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the points of pictures with so many takes each, the picture of each, what is found."""
    generator = np.random.default_rng(0)
    centres = normalised(generator.normal(size=(len(takes), DIMENSION)))
    numbers = generator.permutation(np.repeat(np.arange(len(takes)), takes))
    noise = 0.01 * generator.normal(size=(len(numbers), DIMENSION))
    points = normalised(centres[numbers] + noise)
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    pictures = first[inverse]
    contents = [str(place) for place in range(len(points))]
    repeats = {str(one): str(of) for one, of in enumerate(pictures) if one != of}
    neighbours, similarities = neighbours_exactly(points, COUNT)
    neighbours = neighbours.astype(np.int32)
    replace_repeats(contents, repeats, points, neighbours, similarities)
    return points, pictures, neighbours, similarities


@pytest.mark.parametrize("many_takes", [3, 40], ids=["of a burst", "more than neighbours"])
def test_neighbours_are_the_nearest_other_pictures(is_many: bool, many_takes: int) -> None:
    takes = [many_takes if number % 20 == 0 else 1 for number in range(PICTURES)]
    points, pictures, neighbours, similarities = replaced(takes)
    every = np.unique(pictures)
    assert np.isin(neighbours, every).all()
    assert not (neighbours == pictures[:, np.newaxis]).any()
    cosines = np.einsum("nd,nkd->nk", points, points[neighbours])
    assert np.allclose(cosines, similarities, atol=1e-5)
    own = np.searchsorted(every, pictures)
    expected, _ = nearest_exactly(points[every], points[pictures if is_many else ...], COUNT, own)
    found = [np.isin(every[one], two).mean() for one, two in zip(expected, neighbours, strict=True)]
    assert np.mean(found) > (0.97 if is_many else 0.999)


def test_without_repeats_all_stays(is_many: bool) -> None:
    points, _, neighbours, similarities = replaced([1] * PICTURES)
    expected = neighbours_exactly(points, COUNT)
    assert np.array_equal(neighbours, expected[0])
    assert np.array_equal(similarities, expected[1])
