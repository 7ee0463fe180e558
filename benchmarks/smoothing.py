"""What smoothing a library and expanding a query cost, beside fewer rounds and neighbours.

Made points of 128 numbers, their neighbours at random places: what is read is spread as in a real
library. Expansion is by exact search. Prints seconds of processor time for all points, and
milliseconds for a query, and how many times those of one round of five neighbours that is.

    python benchmarks/smoothing.py [--photos 100000]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from unittest import mock

import numpy as np
from common import print_figures, print_table

from photofind.ranking import smoothing
from photofind.ranking.exact import nearest_exactly
from photofind.ranking.projection import Vectors32, normalised

DIMENSIONS = 128
TIMES = 5
LIBRARIES = ((1, 5), (3, 10), (smoothing.ROUNDS, smoothing.SMOOTHING))
QUERIES = ((5,), (5, 10), (smoothing.EXPANSION,))


def median_time(function: Callable[[], object]) -> float:
    """Return the median of several processor times, in seconds."""
    times = []
    for _ in range(TIMES):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return float(np.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=int, default=100_000)
    count = parser.parse_args().photos
    random = np.random.default_rng(0)
    points = normalised(random.normal(size=(count, DIMENSIONS)))
    neighbours = random.integers(0, count, (count, smoothing.SMOOTHING)).astype(np.int32)
    similarities = np.full(neighbours.shape, 0.6, np.float32)

    def smooth(rounds: int, near: int) -> float:
        with mock.patch.object(smoothing, "ROUNDS", rounds):
            return median_time(
                lambda: smoothing.smooth_rounds(
                    points, neighbours[:, :near], similarities[:, :near]
                )
            )

    def nearest(queries: Vectors32, near: int) -> tuple[Vectors32, Vectors32]:
        positions, cosines = nearest_exactly(points, queries, near)
        return points[positions], cosines

    def expand(expansions: tuple[int, ...]) -> float:
        def once() -> None:
            query = points[:1]
            for near in expansions:
                query = smoothing.smooth(query, *nearest(query, near))

        return median_time(lambda: [once() for _ in range(20)]) / 20

    library = [smooth(*one) for one in LIBRARIES]
    query = [expand(one) for one in QUERIES]
    rows = [
        [
            f"library, rounds and neighbours: {rounds}, {near}",
            round(took, 2),
            round(took / library[0], 1),
        ]
        for (rounds, near), took in zip(LIBRARIES, library, strict=True)
    ]
    rows += [
        [
            f"query, by {' and '.join(map(str, one))}",
            round(1000 * took, 2),
            round(took / query[0], 1),
        ]
        for one, took in zip(QUERIES, query, strict=True)
    ]
    columns = ["what", "s, or ms for a query", "times the first"]
    print_table(columns, rows)
    print_figures("smoothing", {"rows": [dict(zip(columns, row, strict=True)) for row in rows]})


if __name__ == "__main__":
    main()
