"""The graph of an open index, answering from a child process.

PyNNDescent is slow to import, large in memory, and not safe to query from two threads: one
process that loads it once and answers one query at a time has it right.
"""

from __future__ import annotations

from pathlib import Path

from photofind.library.embedded.growing_graph import GrowingGraph
from photofind.library.embedded.index_files import read_graph
from photofind.ranking.exact import Positions, Similarities
from photofind.ranking.projection import Vectors32

__all__ = ["GraphService"]


class GraphService:
    """Answers nearest-neighbour queries from the graph of the index of one space."""

    def __init__(self, *, space: str, folder: str) -> None:
        self._graph = GrowingGraph(*read_graph(Path(space), folder))

    def nearest(
        self, queries: Vectors32, *, count: int
    ) -> tuple[int, list[Positions | Similarities]]:
        """Find the nearest points of queries (m, d): numbers and similarities, (m, count).

        Returned is also how many points the graph holds.
        """
        return len(self._graph), list(self._graph.nearest(queries.copy(), count))

    def extend(self, points: Vectors32, *, first: int) -> int:
        """Take in points (n, d) from number ``first`` on; return how many points the graph holds.

        Where ``first`` is not the next one, nothing is taken in.
        """
        if first == len(self._graph):
            self._graph.extend(points)
        return len(self._graph)
