import numpy as np
import pytest

from photofind.ranking import exact
from photofind.ranking.exact import best, nearest_exactly, neighbours_exactly
from photofind.ranking.projection import normalised


@pytest.mark.parametrize("count", [0, 1, 3, 10, 99])
def test_best_agrees_with_sorting(count: int) -> None:
    values = np.random.default_rng(0).random((4, 10)).astype(np.float32)
    positions, similarities = best(values, count)
    assert np.array_equal(similarities, -np.sort(-values, axis=1)[:, :count])
    assert np.array_equal(np.take_along_axis(values, positions, axis=1), similarities)


def test_no_queries_find_nothing() -> None:
    positions, similarities = nearest_exactly(
        np.ones((5, 2), np.float32), np.empty((0, 2), np.float32), 3
    )
    assert positions.shape == similarities.shape == (0, 3)


def test_comparing_in_parts_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(2)
    points, queries = (
        normalised(generator.normal(size=(count, 8)).astype(np.float32)) for count in (90, 25)
    )
    whole = nearest_exactly(points, queries, 7, exclude=np.arange(25))
    monkeypatch.setattr(exact, "BLOCK", 400)
    parts = nearest_exactly(points, queries, 7, exclude=np.arange(25))
    assert np.array_equal(whole[0], parts[0])
    assert parts[1] == pytest.approx(whole[1], abs=1e-6)
    assert not (parts[0] == np.arange(25)[:, None]).any()


def test_neighbours_leave_out_the_point_itself() -> None:
    points = normalised(np.random.default_rng(1).normal(size=(1500, 8)).astype(np.float32))
    positions, similarities = neighbours_exactly(points, 5)
    assert not (positions == np.arange(1500)[:, None]).any()
    expected = points @ points.T
    np.fill_diagonal(expected, -1)
    assert similarities == pytest.approx(-np.sort(-expected, axis=1)[:, :5], abs=1e-6)
