"""Links of points that come after a graph was built; an exact walk along them takes its place."""

from __future__ import annotations

import numpy as np
import pytest

from photofind.library.embedded import growing_graph
from photofind.library.embedded.growing_graph import GrowingGraph
from photofind.ranking.exact import neighbours_exactly
from photofind.ranking.projection import normalised

DIMENSION = 24
BUILT = 300


class Walk:
    """Answers with the nearest of all that links lead to from where a search may enter."""

    def __init__(
        self,
        points: np.ndarray,
        arrays: dict[str, np.ndarray],
        values: object,
        entries: slice = slice(None),
    ) -> None:
        self._points, self._entries = points, entries
        self._indptr, self._indices = arrays["indptr"], arrays["indices"]

    def reached(self) -> np.ndarray:
        ends = np.arange(len(self._points))[self._entries]
        seen = set(ends.tolist())
        while len(ends):
            found = {
                int(other)
                for end in ends
                for other in self._indices[self._indptr[end] : self._indptr[end + 1]]
            }
            ends = np.array(sorted(found - seen), np.int64)
            seen |= found
        return np.array(sorted(seen))

    def nearest(self, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        reached = self.reached()
        cosines = queries @ self._points[reached].T
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
        return reached[order], np.take_along_axis(cosines, order, axis=1)


def clustered(count: int, seed: int, *, first: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(first).normal(size=(10, DIMENSION))
    noise = 0.7 * generator.normal(size=(count, DIMENSION))
    return normalised(centres[np.arange(count) % 10] + noise)


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> GrowingGraph:
    monkeypatch.setattr(growing_graph, "Graph", Walk)
    monkeypatch.setattr(growing_graph, "entries_of", lambda count: 1)  # Links lead to the others.
    points = clustered(BUILT, 1)
    neighbours, _ = neighbours_exactly(points, 12)
    arrays = {
        "indptr": np.arange(0, 12 * BUILT + 1, 12, dtype=np.int32),
        "indices": np.sort(neighbours, axis=1).astype(np.int32).ravel(),
    }
    return GrowingGraph(points, arrays, {})


def extend(graph: GrowingGraph, points: np.ndarray, batch: int = 64) -> None:
    for start in range(0, len(points), batch):
        graph.extend(points[start : start + batch])


def require_all_found(graph: GrowingGraph, points: np.ndarray) -> None:
    numbers = np.arange(len(graph) - len(points), len(graph))
    found, similarities = graph.nearest(points, 1)
    np.testing.assert_allclose(similarities[:, 0], 1, atol=1e-5)
    assert np.array_equal(found[:, 0], numbers)


def test_new_points_are_found_under_the_next_numbers_and_old_ones_as_before(
    graph: GrowingGraph,
) -> None:
    old = clustered(BUILT, 1)
    extend(graph, clustered(200, 2))
    require_all_found(graph, clustered(200, 2))
    assert len(graph) == 500
    assert np.array_equal(graph.nearest(old, 1)[0][:, 0], np.arange(BUILT))


def test_points_unlike_all_that_came_before_are_linked_to_them(graph: GrowingGraph) -> None:
    extend(graph, clustered(150, 2))
    strangers = clustered(150, 3, first=7)
    extend(graph, strangers)
    require_all_found(graph, strangers)


def test_old_and_new_points_are_ranked_together(graph: GrowingGraph) -> None:
    old, new = clustered(BUILT, 1), clustered(200, 2)
    extend(graph, new)
    queries = clustered(20, 9)
    cosines = queries @ np.concatenate([old, new]).T
    found, similarities = graph.nearest(queries, 30)
    of_found = np.take_along_axis(cosines, found, axis=1)
    np.testing.assert_allclose(similarities, of_found, atol=1e-5)
    np.testing.assert_allclose(similarities, -np.sort(-cosines, axis=1)[:, :30], atol=1e-5)


def test_a_search_may_enter_anywhere_in_what_came(
    graph: GrowingGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing_graph, "entries_of", lambda count: 10)
    extend(graph, clustered(205, 2))
    assert graph._since._graph is not None
    entries = np.arange(205)[graph._since._graph._entries]
    assert len(entries) in range(9, 12)
    assert entries.max() > 180


@pytest.mark.parametrize("batch", [1, 7, 50])
def test_it_does_not_matter_how_many_come_at_a_time(graph: GrowingGraph, batch: int) -> None:
    new = clustered(50, 4)
    extend(graph, new, batch)
    require_all_found(graph, new)


def test_takes_and_points_that_are_the_same_are_all_found(graph: GrowingGraph) -> None:
    noise = 0.001 * np.random.default_rng(6).normal(size=(100, DIMENSION))
    takes = normalised(clustered(1, 5) + noise)
    same = np.repeat(clustered(1, 6, first=8), 100, axis=0)
    extend(graph, np.concatenate([takes, same]))
    _, similarities = graph.nearest(takes[:5], 100)
    assert similarities.min() > 0.99
    _, similarities = graph.nearest(same[:1], 100)
    np.testing.assert_allclose(similarities, 1, atol=1e-5)


def test_no_point_has_more_links_than_there_is_room_for(graph: GrowingGraph) -> None:
    hub = normalised(np.ones((1, DIMENSION), np.float32))
    graph.extend(hub)
    around = np.random.default_rng(7).normal(size=(100, DIMENSION))
    rim = normalised(hub + 0.3 * normalised(around))
    extend(graph, rim)
    require_all_found(graph, rim)


def test_of_neighbours_only_those_behind_no_other_are_kept() -> None:
    angles = np.radians([5, 10, 20, -30])
    others = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    kept = growing_graph._in_front(others[:, 0][np.newaxis], (others @ others.T)[np.newaxis])
    assert kept.tolist() == [[True, False, False, True]]
