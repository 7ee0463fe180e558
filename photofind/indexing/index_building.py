"""Building the index of a space through the store: projection, smoothing, backgrounds.

All of it is measured on different pictures: many takes of one count once
(:mod:`photofind.ranking.pictures`). It works the same for every engine, so a library on a server
ranks as well as a local one.
"""

from __future__ import annotations

from itertools import compress

import numpy as np

from photofind.indexing.other_pictures import Places, replace_repeats
from photofind.indexing.repeats import Repeats, find_repeats
from photofind.library.store import IndexInfo, IndexWriter, Store
from photofind.ranking.calibration import (
    Background,
    blend,
    measure_background,
    measure_ranked,
)
from photofind.ranking.exact import Similarities
from photofind.ranking.pictures import find_pictures
from photofind.ranking.projection import (
    SAMPLE,
    Projection,
    Vectors32,
    fit_projection,
    normalised,
)
from photofind.ranking.smoothing import (
    SMOOTHING,
    expand,
    smooth_rounds,
    smoothing_neighbours,
)

__all__ = ["build_index"]

PROBES = 256
BATCH = 8192
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
    sampled, embeddings = store.sample(space, SAMPLE)
    places, least = find_pictures(normalised(embeddings))
    projection = fit_projection(embeddings[places])
    contents: list[str] = []
    with store.new_index(space, graph=graph) as writer:
        for batch, embeddings in store.scan(space):
            writer.put(batch, projection.project(embeddings))
            contents += batch
        there = set(contents)  # Some may have been removed since they were drawn.
        pictures = [sampled[place] for place in places if sampled[place] in there]
        photos = len(contents)
        del contents, there  # They are large, and the graph takes all the memory that is meant.
        repeats = find_repeats(store, space, writer, least)
        writer.repeats([*repeats])
        count = photos - len(repeats)
        _smooth(writer, repeats, smoothing_neighbours(count))
        writer.finish()
        ranked, plain = _measure_backgrounds(
            store, space, writer, projection, pictures, repeats, count
        )
        return writer.publish(projection, ranked, plain)


def _smooth(writer: IndexWriter, repeats: Repeats, count: int) -> None:
    """Smooth each point by its ``count`` nearest other pictures."""
    if not count:
        return
    contents: list[str] = []
    points, others, cosines = list[Vectors32](), list[Places](), list[Similarities]()
    for near in writer.neighbours(SMOOTHING):
        contents += near.contents
        points.append(near.points)
        others.append(near.others[:, :count].astype(np.int32))
        cosines.append(near.similarities[:, :count])
    neighbours, similarities = np.concatenate(others), np.concatenate(cosines)
    del others, cosines
    if repeats:
        replace_repeats(contents, repeats, np.concatenate(points), neighbours, similarities)
    # Nothing here holds the points meanwhile: there are three of them at once as it is.
    smoothed = smooth_rounds(np.concatenate(points), neighbours, similarities)
    for start in range(0, len(contents), BATCH):
        part = slice(start, start + BATCH)
        writer.replace(contents[part], smoothed[part])


def _measure_backgrounds(
    store: Store,
    space: str,
    writer: IndexWriter,
    projection: Projection,
    contents: list[str],
    repeats: Repeats,
    count: int,
) -> tuple[Background, Background]:
    """Measure what random pairs of pictures look like to the ranking, and to the plain cosine."""
    probes, queries = _drawn(store, space, contents, PROBES, seed=2)
    others, gallery = _drawn(store, space, contents, OTHERS, seed=1)
    pairs = np.array(probes, object)[:, np.newaxis] != np.array(others, object)
    own = [repeats.get(probe, probe) for probe in probes]

    def nearest(points: Vectors32, count: int) -> tuple[Vectors32, Similarities]:
        return writer.nearest(points, count, exclude=own)

    expanded = expand(projection.project(queries), nearest, count)
    full = projection.centre(queries) @ projection.centre(gallery).T
    ranked = blend(expanded @ writer.points(others).T, full)
    plain = normalised(queries) @ normalised(gallery).T
    background = measure_background(plain[pairs])
    return measure_ranked(ranked[pairs], plain[pairs], background), background


def _drawn(
    store: Store, space: str, contents: list[str], count: int, *, seed: int
) -> tuple[list[str], Vectors32]:
    """Draw contents at random; return them with their embeddings."""
    places = np.sort(np.random.default_rng(seed).permutation(len(contents))[:count])
    drawn = [contents[place] for place in places]
    known, embeddings = store.embeddings(space, drawn)  # Some may have been removed since.
    return [*compress(drawn, known)], embeddings[known]
