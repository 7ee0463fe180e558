"""The graph of an open index, answering from a child process.

PyNNDescent is slow to import, large in memory, and not safe to query from two threads: one
process that loads it once and answers one query at a time has it right.
"""

from __future__ import annotations

from pathlib import Path

from photofind.library.embedded.graph import restore_graph
from photofind.library.embedded.index import read_graph
from photofind.ranking.exact import Positions, Similarities
from photofind.ranking.projection import Vectors32

__all__ = ["GraphService"]


class GraphService:
    """Answers nearest-neighbour queries from the graph of the index of one space."""

    def __init__(self, *, space: str, folder: str) -> None:
        self._graph = restore_graph(*read_graph(Path(space), folder))

    def nearest(
        self, queries: Vectors32, *, count: int
    ) -> tuple[None, list[Positions | Similarities]]:
        """Find the nearest points of queries (m, d): positions and similarities, (m, count)."""
        return None, list(self._graph.nearest(queries.copy(), count))
