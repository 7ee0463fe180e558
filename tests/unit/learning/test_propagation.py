"""What is judged spreads along neighbours."""

from __future__ import annotations

import numpy as np
import pytest

from photofind.learning.feedback.propagation import (
    combine,
    neighbourhood,
    propagate,
    standardised,
)
from photofind.learning.feedback.proposing import boundary, nearest_to_boundary
from photofind.ranking.projection import normalised

NONE = np.array([], np.intp)


@pytest.fixture
def two_groups() -> np.ndarray:
    """Thirty photos of one kind, then thirty of another."""
    generator = np.random.default_rng(0)
    centres = np.repeat([[4, 0, 0, 0], [0, 4, 0, 0]], 30, axis=0)
    return normalised((centres + generator.normal(size=(60, 4))).astype(np.float32))


def test_the_graph_is_symmetric_and_passes_on_no_more_than_it_gets(two_groups: np.ndarray) -> None:
    graph = neighbourhood(two_groups, 5)
    passed = graph.pass_on(np.eye(60))
    assert np.allclose(passed, passed.T, atol=1e-6)
    assert np.abs(np.linalg.eigvalsh(passed)).max() <= 1 + 1e-5


def test_what_is_passed_on_arrives_among_its_own_kind(two_groups: np.ndarray) -> None:
    seeds = np.zeros((60, 1))
    seeds[3] = 1
    arrived = propagate(neighbourhood(two_groups, 5), seeds)[:, 0]
    assert arrived[:30].mean() > 5 * max(arrived[30:].mean(), 1e-9)
    assert arrived[3] == arrived.max()


def test_a_photo_among_liked_ones_rises_however_far_it_was(two_groups: np.ndarray) -> None:
    base = np.linspace(1, 0, 60)  # The second group is at the end.
    fits = combine(neighbourhood(two_groups, 5), base, NONE, np.arange(40, 50), NONE)
    assert fits[50:].mean() > fits[20:30].mean()


def test_what_is_disliked_takes_its_kind_along(two_groups: np.ndarray) -> None:
    base = np.tile(np.linspace(1, 0.9, 30), 2)
    fits = combine(neighbourhood(two_groups, 5), base, NONE, np.array([0]), np.array([30]))
    assert np.median(fits[1:30]) > np.median(fits[31:]) + 0.3


def test_a_zero_vector_and_equal_values_do_no_harm() -> None:
    vectors = normalised(np.array([[1, 0], [0.9, 0.1], [0, 0]], np.float32))
    fits = combine(neighbourhood(vectors), np.ones(3), NONE, np.array([0]), NONE)
    assert np.isfinite(fits).all()
    assert fits[1] > fits[2]
    assert (standardised(np.ones(3), np.ones(3, np.bool_)) == 0).all()


def test_the_photos_nearest_to_the_boundary_are_asked_for(two_groups: np.ndarray) -> None:
    base = fits = np.linspace(1, 0, 60)
    level = boundary(base, fits, np.array([0]), np.array([20]), 0.5)
    chosen = nearest_to_boundary(fits, level, np.eye(60, dtype=np.float32), fits < 2, 3)
    assert {*chosen.tolist()} <= set(range(7, 14)), "half way between what is liked and what is not"
    assert boundary(base, fits, np.array([0]), NONE, 0.5) == pytest.approx(0.5, abs=0.02)


def test_no_two_are_asked_for_that_say_the_same() -> None:
    vectors = normalised(np.array([[1, 0], [1, 0.01], [0, 1], [1, 0.02]], np.float32))
    chosen = nearest_to_boundary(np.zeros(4), 0, vectors, np.array([True, True, True, True]), 3)
    assert chosen.tolist() == [0, 2]
