"""A graph is asked for each query once, and what it takes in meanwhile is not lost."""

from __future__ import annotations

import numpy as np

from photofind.library.embedded.asked import Asked


class Graph:
    """Finds the numbers from each query's own on, and notes what it is asked."""

    held = 100

    def __init__(self) -> None:
        self.asked: list[tuple[list[float], int]] = []

    def nearest(self, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, int]:
        self.asked.append((queries[:, 0].tolist(), count))
        numbers = queries[:, :1].astype(np.int64) + np.arange(count)
        return numbers, -numbers.astype(np.float32), self.held


def queries(*firsts: int) -> np.ndarray:
    return np.array([[first, 0] for first in firsts], np.float32)


def test_what_was_asked_is_not_asked_again():
    graph, asked = Graph(), Asked()
    asked.remembering(graph.nearest)(queries(5), 30)
    graph.held = 120
    numbers, similarities, held = asked.remembering(graph.nearest)(queries(5, 7), 20)
    assert graph.asked == [([5], 30), ([7], 20)]
    assert numbers.tolist() == [[*range(5, 25)], [*range(7, 27)]]
    assert similarities.tolist() == (-numbers).tolist()
    assert held == 100


def test_more_is_asked_for_where_more_is_wanted():
    graph, asked = Graph(), Asked()
    nearest = asked.remembering(graph.nearest)
    nearest(queries(5), 10)
    numbers, _, _ = nearest(queries(5), 20)
    assert numbers.tolist() == [[*range(5, 25)]]
    assert nearest(queries(5), 20)[0].tolist() == numbers.tolist()
    assert graph.asked == [([5], 10), ([5], 20)]


def test_only_the_last_queries_are_remembered():
    graph, asked = Graph(), Asked()
    nearest = asked.remembering(graph.nearest)
    for first in range(40):
        nearest(queries(first), 10)
    nearest(queries(39), 10)
    nearest(queries(0), 10)
    assert graph.asked[-2:] == [([39], 10), ([0], 10)]
    assert len(graph.asked) == 41
