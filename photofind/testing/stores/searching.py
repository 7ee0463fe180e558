"""Checks of nearest neighbours, and of the index of a space."""

from __future__ import annotations

import unittest
from collections.abc import Collection, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from photofind.errors import LibraryError
from photofind.library.store import IndexInfo, Over, Store
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import Photo
from photofind.ranking.calibration import Background
from photofind.ranking.exact import nearest_exactly, neighbours_exactly
from photofind.ranking.projection import fit_projection, normalised
from photofind.ranking.smoothing import smooth, smooth_new, smoothing_neighbours
from photofind.testing.stores.subject import (
    DIMENSION,
    SPACE,
    StoreCheck,
    StoreSubject,
    require,
    require_close,
    require_equal,
    require_raises,
)

__all__ = ["SEARCH_CHECKS"]

Array32 = npt.NDArray[np.float32]

RANKED, PLAIN = Background(0.1, 0.05), Background(0.3, 0.06)


def _fill(store: Store, count: int, *, start: int = 0) -> list[Photo]:
    """Commit photos of 24 clusters; half of them lie in /half, each 25th was taken in 2001."""
    random = np.random.default_rng(start)
    centres = np.random.default_rng(99).normal(size=(24, DIMENSION))
    photos, embeddings = [], {}
    for place in range(start, start + count):
        folder = "half" if place % 2 else "other"
        year = 2001 if place % 25 == 0 else 2020
        content = f"{place:08x}"
        photos.append(
            Photo(f"/{folder}/{place}.jpg", content=content, captured=f"{year}-05-01T00:00:00")
        )
        vector = 0.5 + centres[place % 24] + 0.3 * random.normal(size=DIMENSION)
        embeddings[content] = vector.astype(np.float16).astype(np.float32)
    return store.commit(photos, SPACE, embeddings)


def _embeddings(store: Store) -> tuple[list[str], Array32]:
    contents: list[str] = []
    parts = [np.empty((0, DIMENSION), np.float32)]
    for batch, embeddings in store.scan(SPACE):
        contents += batch
        parts.append(embeddings)
    return contents, np.concatenate(parts)


def _build(store: Store, *, graph: bool = False) -> tuple[IndexInfo, dict[str, Array32]]:
    """Build an index as an indexer does; return it, and the points that it should have."""
    contents, embeddings = _embeddings(store)
    projection = fit_projection(embeddings)
    projected = projection.project(embeddings)
    count = smoothing_neighbours(len(contents))
    with store.new_index(SPACE, graph=graph) as writer:
        for start in range(0, len(contents), 64):
            writer.put(contents[start : start + 64], projected[start : start + 64])
        came = np.concatenate([near.points for near in writer.neighbours(1)])
        for near in writer.neighbours(count):
            smoothed = smooth(near.points, came[near.others], near.similarities)
            writer.replace(near.contents, smoothed)
        writer.finish()
        info = writer.publish(projection, RANKED, PLAIN)
    positions, similarities = neighbours_exactly(projected, count)
    points = smooth(projected, projected[positions], similarities)
    return info, dict(zip(contents, points, strict=True))


def _stacked(vectors: dict[str, Array32], contents: Sequence[str]) -> Array32:
    places = {content: place for place, content in enumerate(vectors)}
    return np.stack([*vectors.values()])[[places[content] for content in contents]]


def _require_nearest(
    store: Store,
    vectors: dict[str, Array32],
    *,
    over: Over,
    where: Filter = EVERYTHING,
    exclude: Collection[str] = (),
    count: int = 10,
) -> None:
    """Compare the nearest of three contents with an exact search over ``vectors``."""
    passing = {p.content for p in store.select(where) if SPACE in p.spaces}
    contents = [one for one in vectors if one in passing and one not in exclude]
    queries = np.stack([*vectors.values()])[[0, len(vectors) // 2, -1]]
    compared = _stacked(vectors, contents)
    found = store.nearest(SPACE, queries, count, over=over, where=where, exclude=exclude)
    what = f"over {over} with {where}, {len(exclude)} left out"
    width = queries.shape[1]
    require_equal(found.contents.shape, (3, count), f"the shape of contents {what}")
    require_equal(found.vectors.shape, (3, count, width), f"the shape of vectors {what}")
    expected = -np.sort(-(queries @ compared.T), axis=1)[:, :count]
    full = expected.shape[1]
    require_close(found.similarities[:, :full], expected, f"similarities {what}")
    require(
        np.isneginf(found.similarities[:, full:]).all(), f"there is a similarity of none {what}"
    )
    require_equal(set(found.contents[:, full:].ravel()) - {""}, set(), f"contents of none {what}")
    for query, names, cosines, given in zip(
        queries, found.contents, found.similarities, found.vectors, strict=True
    ):
        names = names[:full].tolist()
        require_equal(len(set(names)), full, f"different contents {what}")
        require(set(names) <= set(contents), f"a content came that may not {what}")
        own = _stacked(vectors, names)
        require_close(given[:full], own, f"vectors {what}")
        require_close(cosines[:full], own @ query, f"similarities of the contents named {what}")


def check_nearest_embeddings(subject: StoreSubject) -> None:
    """Without an index, embeddings are compared exactly, whatever a filter leaves."""
    with subject.writing() as store:
        photos = _fill(store, 100)
        contents, embeddings = _embeddings(store)
        vectors = dict(zip(contents, normalised(embeddings), strict=True))
        _require_all_filters(store, vectors, "embeddings")
        queries = normalised(embeddings[:2])
        found = store.nearest(SPACE, queries, 5, over="embeddings", vectors=False)
        require_equal(found.vectors.shape, (2, 5, 0), "vectors that were not asked for")
        require_equal(found.contents[:, 0].tolist(), contents[:2], "the nearest of a photo itself")
        require_equal(found.searched_by, "plain", "how it searched")
        store.remove(photos[:1])
        found = store.nearest(SPACE, queries[:1], 100, over="embeddings")
        require(photos[0].content not in found.contents, "a removed content was found")
        require_equal(store.index(SPACE), None, "the index")
        require_equal([*store.neighbours(SPACE)], [], "neighbours without an index")
        require_equal([*store.indexed(SPACE)], [], "what is indexed without an index")
        with require_raises(LibraryError, "comparing points that are not there"):
            store.nearest(SPACE, queries, 5)


def _require_all_filters(store: Store, vectors: dict[str, Array32], over: Over) -> None:
    nearest = partial(_require_nearest, store, vectors, over=over)
    nearest()
    nearest(count=1)
    nearest(count=0)
    nearest(count=len(vectors) + 7)
    nearest(where=Filter("/half"))
    nearest(where=Filter(until="2001"))
    nearest(where=Filter("/half", until="2001"))
    nearest(where=Filter("/nowhere"))
    nearest(exclude=list(vectors)[:20])
    nearest(where=Filter("/half"), exclude=[*list(vectors)[:3], "unknown"])
    nearest(exclude=list(vectors))


def check_index(subject: StoreSubject) -> None:
    """An index answers with smoothed points, and says what it was built on."""
    with subject.writing() as store:
        _fill(store, 240)
        info, points = _build(store)
        require_equal((info.photos, info.fresh, info.graph), (240, 0, False), "what was published")
        require_equal((info.ranked, info.plain, info.recall), (RANKED, PLAIN, None), "backgrounds")
        with subject.reading() as reader:
            for one in (store, reader):
                known = one.index(SPACE)
                require(known is not None, "there is no index")
                assert known is not None
                require_equal((known.photos, known.fresh), (240, 0), "what the index holds")
                require_equal((known.ranked, known.plain), (RANKED, PLAIN), "its backgrounds")
                require_close(known.projection.mean, info.projection.mean, "the mean")
                require_close(
                    known.projection.components, info.projection.components, "the components"
                )
                _require_all_filters(one, points, "points")
        queries = np.stack([*points.values()])[:2]
        require_equal(store.nearest(SPACE, queries, 3).searched_by, "exact", "how it searched")
        _, embeddings = _embeddings(store)
        _require_nearest(
            store,
            dict(zip(points, normalised(embeddings), strict=True)),
            over="embeddings",
        )


def check_points(subject: StoreSubject) -> None:
    """Points come back by content, in the order asked for."""
    with subject.writing() as store:
        _fill(store, 80)
        _, points = _build(store)
        names = list(points)
        asked = [names[7], "none", names[3]]
        has, found = store.points(SPACE, asked)
        require_equal(has.tolist(), [True, False, True], "which have a point")
        require_close(found[[0, 2]], [points[names[7]], points[names[3]]], "points")
        require(not found[1].any(), "there are numbers where there is no point")
        store.remove_index(SPACE)
        with require_raises(LibraryError, "points without an index"):
            store.points(SPACE, asked)


def check_writer(subject: StoreSubject) -> None:
    """While an index is built its points can be asked for, before and after smoothing."""
    with subject.writing() as store:
        _fill(store, 240)
        contents, embeddings = _embeddings(store)
        projected = fit_projection(embeddings).project(embeddings)
        with store.new_index(SPACE, graph=False) as writer:
            writer.put(contents, projected)
            seen: dict[str, Array32] = {}
            _, similarities = neighbours_exactly(projected, 5)
            place = {content: place for place, content in enumerate(contents)}
            batches = [*writer.neighbours(1)]
            came = [content for near in batches for content in near.contents]
            came_points = np.concatenate([near.points for near in batches])
            for near in writer.neighbours(5):
                order = [place[content] for content in near.contents]
                require_close(near.points, projected[order], "points before smoothing")
                require_close(near.similarities, similarities[order], "similarities of neighbours")
                neighbours = came_points[near.others]
                require_close(
                    np.einsum("bd,bkd->bk", near.points, neighbours),
                    near.similarities,
                    "cosines of the neighbours given",
                )
                named = [[place[came[other]] for other in others] for others in near.others]
                require_close(projected[named], neighbours, "points of the neighbours named")
                smoothed = smooth(near.points, neighbours, near.similarities)
                seen.update(zip(near.contents, smoothed, strict=True))
                writer.replace(near.contents, smoothed)
            require_equal(sorted(seen), sorted(contents), "all contents")
            writer.finish()
            smoothed = np.stack([seen[content] for content in contents])
            require_close(writer.points(contents[4:9]), smoothed[4:9], "smoothed points")
            queries, own = projected[:6], np.arange(6)
            for exclude in ([], contents[:6]):
                _, cosines = nearest_exactly(smoothed, queries, 10, own if exclude else None)
                points, found = writer.nearest(queries, 10, exclude=exclude)
                require_close(found, cosines, "similarities of smoothed points")
                require_close(
                    np.einsum("md,mkd->mk", queries, points), found, "cosines of the points given"
                )


def check_repeats(subject: StoreSubject) -> None:
    """What repeats another picture is no picture of its own, and is a point all the same."""
    with subject.writing() as store:
        photos = _fill(store, 240)
        contents, embeddings = _embeddings(store)
        projection = fit_projection(embeddings)
        points = dict(zip(contents, projection.project(embeddings), strict=True))
        repeats = contents[1::3]
        pictures = {one: point for one, point in points.items() if one not in repeats}
        compared = np.stack([*pictures.values()])
        with store.new_index(SPACE, graph=False) as writer:
            writer.put(contents, np.stack([*points.values()]))
            writer.repeats(repeats)
            for near in writer.neighbours(1):
                writer.replace(near.contents, near.points)
            writer.finish()
            own = np.arange(6)
            for without in (None, own):
                exclude = [] if without is None else [*pictures][:6]
                _, cosines = nearest_exactly(compared, compared[:6], 10, without)
                _, found = writer.nearest(compared[:6], 10, exclude=exclude)
                require_close(found, cosines, "similarities of pictures")
            info = writer.publish(projection, RANKED, PLAIN)
        require_equal(info.repeats, len(repeats), "how many repeat others")
        with subject.reading() as reader:
            for one in (store, reader):
                index = one.index(SPACE)
                require_equal(index and index.repeats, len(repeats), "how many repeat others")
                _require_nearest(one, points, over="points")
                _require_nearest(one, pictures, over="pictures")
                _require_nearest(one, pictures, over="pictures", where=Filter("/half"))
        fresh = _fill(store, 10, start=1000)
        late = [photo.content for photo in fresh]

        def nearest(queries: Array32, count: int) -> tuple[Array32, Array32]:
            positions, similarities = nearest_exactly(compared, queries, count)
            return compared[positions], similarities

        _, embeddings = store.embeddings(SPACE, late)
        smoothed = smooth_new(projection.project(embeddings), nearest, len(compared))
        pictures.update(zip(late, smoothed, strict=True))
        _require_nearest(store, pictures, over="pictures")
        _require_indexed(store, contents, repeats)
        store.remove(photos[:1])
        pictures.pop(photos[0].content, None)
        _require_nearest(store, pictures, over="pictures")
        gone = {photos[0].content}
        _require_indexed(store, set(contents) - gone, set(repeats) - gone)


def _require_indexed(store: Store, contents: Collection[str], repeats: Collection[str]) -> None:
    found = [
        (content, bool(is_repeat))
        for batch, are_repeats in store.indexed(SPACE)
        for content, is_repeat in zip(batch, are_repeats, strict=True)
    ]
    expected = [(content, content in repeats) for content in sorted(contents)]
    require_equal(sorted(found), expected, "what the index was built on, and its repeats")


def check_discard(subject: StoreSubject) -> None:
    """An index that is not published leaves the old one as it is."""
    with subject.writing() as store:
        photos = _fill(store, 80)
        _, points = _build(store)
        with store.new_index(SPACE, graph=False) as writer:
            contents = [photo.content for photo in photos[:40]]
            writer.put(contents, np.ones((40, len(points[contents[0]])), np.float32))
        _require_nearest(store, points, over="points")
        try:
            with store.new_index(SPACE, graph=False) as writer:
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            pass
        index = store.index(SPACE)
        require_equal(index and index.photos, 80, "what the index was built on")


def check_fresh(subject: StoreSubject) -> None:
    """What comes after the build is found at once, smoothed; what goes is found no more."""
    with subject.writing() as store:
        photos = _fill(store, 240)
        info, points = _build(store)
        fresh = _fill(store, 10, start=1000)
        built = np.stack([*points.values()])

        def nearest(queries: Array32, count: int) -> tuple[Array32, Array32]:
            positions, similarities = nearest_exactly(built, queries, count)
            return built[positions], similarities

        contents = [photo.content for photo in fresh]
        _, embeddings = store.embeddings(SPACE, contents)
        late = smooth_new(info.projection.project(embeddings), nearest, len(built))
        points.update(zip(contents, late, strict=True))
        index = store.index(SPACE)
        require_equal(index and (index.photos, index.fresh), (240, 10), "what the index holds")
        require_equal(index and index.gone, 0, "what is gone of it")
        _require_nearest(store, points, over="points")
        store.remove([photos[0], fresh[0]])
        gone = {photos[0].content, fresh[0].content}
        left = {content: point for content, point in points.items() if content not in gone}
        index = store.index(SPACE)
        require_equal(index and (index.fresh, index.gone), (9, 1), "what is fresh, and gone")
        for extended in (False, True):
            if extended:
                require_equal(store.extend_index(SPACE), [], "problems")
            _require_all_filters(store, left, "points")
            with subject.reading() as reader:
                _require_nearest(reader, left, over="points")
        has, _ = store.points(SPACE, [photos[0].content, fresh[1].content])
        require_equal(has.tolist(), [False, True], "which have a point")


def check_neighbours(subject: StoreSubject) -> None:
    """Neighbours of what an index was built on are the nearest others by unsmoothed points."""
    with subject.writing() as store:
        photos = _fill(store, 120)
        contents, embeddings = _embeddings(store)
        _build(store)
        projected = fit_projection(embeddings).project(embeddings)
        nearest, _ = neighbours_exactly(projected, 3)
        gone = photos[0].content
        store.remove(photos[:1])
        found: dict[str, Sequence[str]] = {}
        for names, others in store.neighbours(SPACE):
            found.update(zip(names, others, strict=True))
        for content, places in zip(contents, nearest, strict=True):
            if content != gone:
                require(content in found, f"{content} was left out")
                missing = {contents[place] for place in places} - {gone, *found[content]}
                require(not missing, f"of the 3 nearest of {content} {missing} were left out")
                require(content not in found[content], "a content is its own neighbour")
                require(gone not in found[content], "a removed content is a neighbour")


def check_same_points(subject: StoreSubject) -> None:
    """Contents with the same embedding are all indexed and found."""
    with subject.writing() as store:
        _fill(store, 60)
        twins = [Photo(f"/twins/{place}", content=f"twin{place}") for place in range(12)]
        vector = np.linspace(-1, 1, DIMENSION).astype(np.float16).astype(np.float32)
        store.commit(twins, SPACE, {photo.content: vector for photo in twins})
        info, points = _build(store)
        require_equal(info.photos, 72, "what the index was built on")
        found = store.nearest(SPACE, points["twin0"][np.newaxis], 12)
        require_equal(set(found.contents[0]), {photo.content for photo in twins}, "the nearest")


def check_remove_index(subject: StoreSubject) -> None:
    """Without its index a space compares embeddings, until there is another."""
    with subject.writing() as store:
        _fill(store, 60)
        _build(store)
        store.remove_index(SPACE)
        store.remove_index(SPACE)
        require_equal(store.index(SPACE), None, "the index")
        _, points = _build(store)
        _require_nearest(store, points, over="points")
        store.warm_up(SPACE)
        store.release_memory()
        _require_nearest(store, points, over="points")


def check_reader_builds(subject: StoreSubject) -> None:
    """An index is built by a reader too, as a child process does; the writer sees it."""
    with subject.writing() as store:
        _fill(store, 60)
        with subject.reading() as reader:
            _, points = _build(reader)
        store.refresh()
        _require_nearest(store, points, over="points")


def check_reclaimed_index(subject: StoreSubject) -> None:
    """After reclaiming, an index still answers, or is one to be built again."""
    with subject.writing() as store:
        photos = _fill(store, 120)
        _build(store)
        store.remove(photos[:60])
        store.reclaim()
        contents, embeddings = _embeddings(store)
        require_equal(sorted(contents), sorted(p.content for p in photos[60:]), "contents")
        vectors = dict(zip(contents, normalised(embeddings), strict=True))
        _require_nearest(store, vectors, over="embeddings")
        _, points = _build(store)
        _require_nearest(store, points, over="points")


def check_graph(subject: StoreSubject) -> None:
    """A graph finds nearly all of the nearest, and what came since, whatever a filter leaves."""
    if not subject.graphs:
        raise unittest.SkipTest("it builds no graphs")
    with subject.writing() as store:
        photos = _fill(store, 1200)
        info, points = _build(store, graph=True)
        require(info.graph and info.recall is not None, "it built no graph")
        assert info.recall is not None
        require(info.recall >= 0.9, f"its recall is {info.recall:.2f}")
        store.warm_up(SPACE)
        store.remove(photos[:5])
        for where in (EVERYTHING, Filter("/half"), Filter(until="2001")):
            passing = {photo.content for photo in store.select(where)}
            contents = [content for content in points if content in passing]
            compared = np.stack([points[content] for content in contents])
            queries = compared[:20]
            truth, _ = nearest_exactly(compared, queries, 10)
            found = store.nearest(SPACE, queries, 10, where=where)
            hits = [
                np.isin(np.array(contents)[places], names).mean()
                for places, names in zip(truth, found.contents.astype(str), strict=True)
            ]
            require(np.mean(hits) >= 0.9, f"the recall with {where} is {np.mean(hits):.2f}")


SEARCH_CHECKS: tuple[StoreCheck, ...] = (
    check_nearest_embeddings,
    check_index,
    check_points,
    check_writer,
    check_repeats,
    check_discard,
    check_fresh,
    check_neighbours,
    check_same_points,
    check_remove_index,
    check_reader_builds,
    check_reclaimed_index,
    check_graph,
)
