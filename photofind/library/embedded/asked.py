"""What a graph found for the last queries: one answer asks for the neighbours of a query twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from photofind.ranking.exact import Positions, Similarities
from photofind.ranking.projection import Vectors32

__all__ = ["Asked", "GraphNearest"]

# So many queries, those of a few answers at a time.
_MOST = 16

GraphNearest = Callable[[Vectors32, int], tuple[Positions, Similarities, int]]
"""Gives the nearest points of queries: their numbers in the graph, their similarities, both (m, k),
and how many points the graph holds."""


class _Found(NamedTuple):
    query: bytes
    numbers: Positions
    similarities: Similarities
    held: int


class Asked:
    """The last queries that the graph of one index was asked, with what it found.

    Threads may share it.
    """

    def __init__(self) -> None:
        self._found: deque[_Found] = deque(maxlen=_MOST)

    def remembering(self, graph: GraphNearest) -> GraphNearest:
        """Return what asks a graph only for what it was not asked before."""

        def nearest(queries: Vectors32, count: int) -> tuple[Positions, Similarities, int]:
            keys = [query.tobytes() for query in queries]
            known = {
                one.query: one
                for one in [*self._found]
                if one.query in keys and len(one.numbers) >= count
            }
            left = [place for place, key in enumerate(keys) if key not in known]
            if left:
                all_numbers, all_similarities, held = graph(queries[left], count)
                for place, numbers, similarities in zip(
                    left, all_numbers, all_similarities, strict=True
                ):
                    found = _Found(keys[place], numbers, similarities, held)
                    self._found.append(found)
                    known[found.query] = found
            answers = [known[key] for key in keys]
            # What the graph has taken in between two of them is scanned for both.
            return (
                np.stack([one.numbers[:count] for one in answers]),
                np.stack([one.similarities[:count] for one in answers]),
                min(one.held for one in answers),
            )

        return nearest
