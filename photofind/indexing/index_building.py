"""Building the index of a space through the store: projection, smoothing, backgrounds.

It works the same for every engine, so a library on a server ranks as well as a local one.
"""

from __future__ import annotations

from itertools import compress

import numpy as np

from photofind.library.store import IndexInfo, IndexWriter, Store
from photofind.ranking.calibration import Background, blend, measure_background
from photofind.ranking.exact import Similarities
from photofind.ranking.projection import (
    SAMPLE,
    Projection,
    Vectors32,
    fit_projection,
    normalised,
)
from photofind.ranking.smoothing import expand, smooth, smoothing_neighbours

__all__ = ["build_index"]

PROBES = 256
OTHERS = 2048


def build_index(store: Store, space: str, *, graph: bool) -> IndexInfo:
    """Build the index of a space and publish it.

    Takes minutes where there are many photos; the library may be read and written in the meantime.

    Parameters
    ----------
    store
        Open for reading or writing, with at least four contents in the space.
    graph
        Whether to build a graph too.

    Raises
    ------
    LockedError
        Another process is building a graph.
    LibraryError
        The disk or the server refused; the index that was there stands.
    """
    projection = fit_projection(store.sample(space, SAMPLE)[1])
    contents: list[str] = []
    with store.new_index(space, graph=graph) as writer:
        for batch, embeddings in store.scan(space):
            writer.put(batch, projection.project(embeddings))
            contents += batch
        for near in writer.neighbours(smoothing_neighbours(len(contents))):
            smoothed = smooth(near.points, near.neighbours, near.similarities)
            writer.replace(near.contents, smoothed)
        writer.finish()
        ranked, plain = _measure_backgrounds(store, space, writer, projection, contents)
        return writer.publish(projection, ranked, plain)


def _measure_backgrounds(
    store: Store, space: str, writer: IndexWriter, projection: Projection, contents: list[str]
) -> tuple[Background, Background]:
    """Measure what random pairs of photos look like to the ranking, and to the plain cosine."""
    probes, queries = _drawn(store, space, contents, PROBES, seed=2)
    others, gallery = _drawn(store, space, contents, OTHERS, seed=1)
    pairs = np.array(probes, object)[:, np.newaxis] != np.array(others, object)

    def nearest(points: Vectors32, count: int) -> tuple[Vectors32, Similarities]:
        return writer.nearest(points, count, exclude=probes)

    expanded = expand(projection.project(queries), nearest, len(contents))
    full = projection.centre(queries) @ projection.centre(gallery).T
    ranked = blend(expanded @ writer.points(others).T, full)
    plain = normalised(queries) @ normalised(gallery).T
    return measure_background(ranked[pairs]), measure_background(plain[pairs])


def _drawn(
    store: Store, space: str, contents: list[str], count: int, *, seed: int
) -> tuple[list[str], Vectors32]:
    """Draw contents at random; return them with their embeddings."""
    places = np.sort(np.random.default_rng(seed).permutation(len(contents))[:count])
    drawn = [contents[place] for place in places]
    known, embeddings = store.embeddings(space, drawn)  # Some may have been removed since.
    return [*compress(drawn, known)], embeddings[known]
