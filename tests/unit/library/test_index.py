"""An index is built from vectors, survives on disk, takes in new rows and notices damage."""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from photofind.errors import DamagedError, LibraryError, NewerFormatError, WorkerError
from photofind.indexing.index_building import build_index
from photofind.indexing.index_maintenance.fit import Need, need_of
from photofind.library.embedded import nearest
from photofind.library.embedded.index import Index
from photofind.library.embedded.index_files import remove_index
from photofind.library.embedded.store import EmbeddedStore
from photofind.library.embedded.vectors import Vectors
from photofind.library.embedded.wanted import Wanted
from photofind.model.records import Photo
from photofind.paths import Home
from photofind.ranking.exact import nearest_exactly
from photofind.ranking.projection import normalised

DIMENSION = 48


def clustered(count: int, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(8, DIMENSION))
    noise = generator.normal(size=(count, DIMENSION))
    return normalised((centres[np.arange(count) % 8] * 2 + noise + 1).astype(np.float32))


def build(space: Path, embeddings: np.ndarray) -> Vectors:
    """Commit embeddings, so that those at the same place are the same, and build the index."""
    extractor, version = space.name.split("@")
    photos = [Photo(f"/{place}", content=f"{place:032x}") for place in range(len(embeddings))]
    vectors = {photo.content: one for photo, one in zip(photos, embeddings, strict=True)}
    with EmbeddedStore(Home(space.parents[1]), writable=True) as store:
        store.open_space(extractor, version, DIMENSION)
        store.commit(photos, space.name, vectors)
        build_index(store, space.name, graph=False)
    return Vectors(space / "vectors-1", DIMENSION, len(embeddings))


@pytest.fixture
def space(tmp_path: Path) -> Path:
    return tmp_path / "spaces" / "mobilenet@1"


def test_the_nearest_are_of_the_same_cluster(space: Path) -> None:
    vectors = build(space, clustered(320))
    index = Index(space)
    query = index.projection.project(vectors.rows([0]))
    rows = index.rows[np.argsort(-index.similarities(query)[0])[:20]]
    assert (rows % 8 == 0).all()
    assert len(index) == index.facts.photos == 320


def test_fresh_rows_are_found_and_kept(space: Path) -> None:
    build(space, clustered(320))
    index = Index(space)
    fresh = clustered(16, seed=5)
    index.extend(np.arange(320, 336), fresh, np.arange(16, dtype=np.uint32))
    index.save_fresh()
    index.extend(np.arange(336, 340), clustered(4, seed=6), np.arange(4, dtype=np.uint32))
    index.save_fresh()

    again = Index(space)
    assert again.fresh == 20
    assert np.array_equal(again.rows[-20:], np.arange(320, 340))
    similarities = again.similarities(again.projection.project(fresh[3:4]))[0]
    assert (again.rows[np.argsort(-similarities)[:20]] % 8 == 3).all()
    assert np.array_equal(again.points(np.arange(340)), index.points(np.arange(340)))


def test_a_torn_fresh_record_is_dropped_and_written_over(space: Path) -> None:
    build(space, clustered(64))
    index = Index(space)
    index.extend(np.arange(64, 66), clustered(2), np.ones(2, np.uint32))
    index.save_fresh()
    (path,) = space.glob("index-*/fresh")
    path.write_bytes(path.read_bytes()[:-3])
    index = Index(space)
    assert index.fresh == 1
    index.extend(np.array([65]), clustered(1), np.ones(1, np.uint32))
    index.save_fresh()
    assert np.array_equal(Index(space).rows[-2:], [64, 65])


@pytest.mark.parametrize("name", ["points", "mean", "neighbours"])
def test_a_flipped_byte_is_noticed(space: Path, name: str) -> None:
    build(space, clustered(64))
    (path,) = space.glob(f"index-*/{name}.npy")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedError, match=name):
        Index(space, check=True)


def test_damage_of_the_points_is_found_before_a_library_that_stays_open_answers(
    space: Path,
) -> None:
    build(space, clustered(64))
    (path,) = space.glob("index-*/points.npy")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with EmbeddedStore(Home(space.parents[1]), writable=True, resident=True) as store:
        assert store.index(space.name) is not None  # That does not wait for the check.
        with pytest.raises(LibraryError, match="there is no index"):
            store.nearest(space.name, clustered(1), 5)
        assert store.index(space.name) is None
        assert any("points.npy is damaged" in problem for problem in store.problems)


def test_a_few_points_are_read_without_the_others(space: Path) -> None:
    build(space, clustered(64))
    (path,) = space.glob("index-*/points.npy")
    points, places = np.load(path), np.array([[40, 3], [7, 40]])
    index, other = Index(space), Index(space)
    assert np.array_equal(index.points(places), points[places])
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert np.array_equal(index.points(places), points[places])
    with pytest.raises(DamagedError):
        other.points(np.arange(64))


@pytest.mark.parametrize("manifest", [b"", b"{", b"[]", b'{"format": 1}'])
def test_a_damaged_manifest_is_noticed(space: Path, manifest: bytes) -> None:
    build(space, clustered(64))
    (space / "index.json").write_bytes(manifest)
    with pytest.raises(DamagedError, match=r"index\.json"):
        Index(space)


def test_a_changed_figure_in_the_manifest_is_noticed(space: Path) -> None:
    build(space, clustered(64))
    text = (space / "index.json").read_text()
    (space / "index.json").write_text(text.replace('"generation": 1', '"generation": 3'))
    with pytest.raises(DamagedError, match="checksum does not match"):
        Index(space)


def test_a_newer_index_is_refused(space: Path) -> None:
    build(space, clustered(64))
    manifest = json.loads((space / "index.json").read_bytes())
    (space / "index.json").write_text(json.dumps(manifest | {"format": 99}))
    with pytest.raises(NewerFormatError, match="newer photofind"):
        Index(space)


def test_an_index_of_the_older_format_answers_until_it_is_built_again(space: Path) -> None:
    build(space, clustered(64))
    manifest = json.loads((space / "index.json").read_bytes()) | {"format": 1}
    for background in ("ranked", "plain"):
        del manifest["facts"][background]["significant"]
    checked = [manifest["facts"], manifest["checksums"]]
    manifest["checksum"] = zlib.crc32(json.dumps(checked, sort_keys=True).encode())
    (space / "index.json").write_text(json.dumps(manifest))
    with EmbeddedStore(Home(space.parents[1]), writable=True) as store:
        older = store.index(space.name)
        assert older is not None
        assert older.ranked.significant is None
        assert need_of(older, 64) is Need.BUILD
        assert store.nearest(space.name, older.projection.project(clustered(1)), 5).contents.size
        build_index(store, space.name, graph=False)
        newer = store.index(space.name)
        assert newer is not None
        assert newer.ranked.significant is not None
        assert need_of(newer, 64) is Need.EXTEND


def test_a_new_build_replaces_the_old(space: Path) -> None:
    build(space, clustered(64))
    (old,) = space.glob("index-*")
    build(space, clustered(80))
    (new,) = space.glob("index-*")
    assert new != old
    assert len(Index(space)) == 80
    remove_index(space)
    assert not Index.exists(space)
    assert not list(space.glob("index-*"))


def test_identical_vectors_do_not_hide_each_other(space: Path) -> None:
    embeddings = clustered(100)
    embeddings[50:60] = embeddings[7]
    vectors = build(space, embeddings)
    index = Index(space)
    similarities = index.similarities(index.projection.project(vectors.rows([7])))[0]
    same = similarities[index.positions(np.array([7, *range(50, 60)]))]
    assert np.ptp(same) < 1e-5
    assert same.min() > np.partition(similarities, -30)[-30]


@pytest.mark.parametrize("kept", [0, 1 << 25])
@pytest.mark.parametrize("share", [2, 3, 40])
def test_the_nearest_of_some_are_found_as_among_all(
    space: Path, share: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photofind.library.embedded.wanted._MOST_KEPT", kept)
    build(space, clustered(2000))
    index = Index(space)
    queries = index.projection.project(clustered(3, seed=1))
    mask = np.arange(2000) % share == 0
    wanted, without = Wanted(mask.copy(), index), np.array([share, 5 * share])
    mask[without] = False
    expected = np.where(mask[index.rows], index.similarities(queries), -np.inf)
    expected = -np.sort(-expected, axis=1)[:, :20]

    asked = []

    def graph(queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, int]:
        asked.append(count)
        return *nearest_exactly(index.points(np.arange(2000)), queries, count), 2000

    monkeypatch.setattr(nearest, "MANY", 500)
    graph_pays = nearest.graph_pays_for(index, wanted)
    assert graph_pays == (share < 40)
    # As if all of its points were in a graph.
    monkeypatch.setattr(index, "facts", replace(index.facts, graph_points=2000))
    found = nearest.nearest_points(
        index, graph if graph_pays else None, queries, 20, wanted, without, vectors=False
    )
    assert found.searched_by == ("graph" if graph_pays else "exact")
    assert mask[found.rows].all()
    np.testing.assert_allclose(found.similarities, expected, atol=1e-6)
    assert all(200 * share < count < 2000 for count in asked)
    exactly = nearest.nearest_points(index, None, queries, 20, wanted, without, vectors=False)
    np.testing.assert_allclose(exactly.similarities, expected, atol=1e-6)
    assert not np.isin(exactly.rows, without).any()


def test_what_is_written_is_private(space: Path) -> None:
    build(space, clustered(64))
    assert {path.stat().st_mode & 0o077 for path in space.rglob("*")} == {0}


def photos_with(store: EmbeddedStore, name: str, count: int) -> None:
    photos = [Photo(f"/{name}{place}", content=f"{name}{place:x}") for place in range(count)]
    embeddings = clustered(count, seed=ord(name))
    store.commit(
        photos,
        "mobilenet@1",
        {photo.content: one for photo, one in zip(photos, embeddings, strict=True)},
    )


def test_an_index_of_other_contents_is_not_used_and_built_again(space: Path) -> None:
    home = Home(space.parents[1])
    build(space, clustered(64))
    older, vectors = home.catalog.read_bytes(), (space / "vectors-1").read_bytes()
    with EmbeddedStore(home, writable=True) as store:
        photos_with(store, "a", 40)
        build_index(store, space.name, graph=False)
    # The catalog and the vectors of a backup beside the newer index; other photos come.
    home.catalog.write_bytes(older)
    (space / "vectors-1").write_bytes(vectors)
    with EmbeddedStore(home, writable=True) as store:
        photos_with(store, "b", 40)
        assert store.index(space.name) is None
        broken = [check for check in store.check() if check.state == "broken"]
        assert [check.name for check in broken] == ["index of mobilenet@1"]
        assert "is of other photos" in broken[0].message
        (problem,) = store.extend_index(space.name)
        assert "is of other photos; it is built again" in problem
        build_index(store, space.name, graph=False)
        index = store.index(space.name)
        assert index is not None
        assert index.photos == 104
        assert all(check.state == "ok" for check in store.check())


def test_fresh_points_of_other_contents_are_not_used(space: Path) -> None:
    home = Home(space.parents[1])
    build(space, clustered(64))
    older, vectors = home.catalog.read_bytes(), (space / "vectors-1").read_bytes()
    with EmbeddedStore(home, writable=True) as store:
        photos_with(store, "a", 4)
        assert store.extend_index(space.name) == []
        assert store.index(space.name) is not None
    home.catalog.write_bytes(older)
    (space / "vectors-1").write_bytes(vectors)
    with EmbeddedStore(home, writable=True) as store:
        photos_with(store, "b", 4)
        assert store.index(space.name) is None


def test_no_file_is_mapped(space: Path) -> None:
    build(space, clustered(64))
    with EmbeddedStore(Home(space.parents[1])) as store:
        contents = [f"{place:032x}" for place in range(64)]
        before = store.points(space.name, contents)[1]
        for path in (*space.glob("*/*.npy"), *space.glob("vectors-*")):
            os.truncate(path, 0)
        # A process that has mapped a file that is cut ends by a signal.
        assert np.array_equal(store.points(space.name, contents)[1], before)
        with pytest.raises(DamagedError, match="holds only 0 of 64 vectors"):
            store.embeddings(space.name, contents)


def test_a_graph_that_took_in_fresh_points_numbers_them_after_its_own(space: Path) -> None:
    embeddings = clustered(320)
    embeddings[300:] = embeddings[:20]  # Of points that are the same, one is in the graph.
    build(space, embeddings)
    opened = Index(space)
    opened.extend(np.arange(320, 350), clustered(30, seed=5), np.ones(30, np.uint32))
    opened.save_fresh()
    index = Index(space)
    index.extend(np.arange(350, 360), clustered(10, seed=6), np.ones(10, np.uint32))
    index.facts = replace(index.facts, graph_points=300)
    assert (index.fresh, index.saved) == (40, 30)
    for held, taken_in in [(300, 0), (312, 12), (330, 30), (340, 30)]:
        numbers = np.arange(held)[np.newaxis]
        inside = index.positions_in_graph(numbers, held)[0]
        assert np.array_equal(inside[:300], np.arange(300))
        assert np.array_equal(inside[300 : 300 + taken_in], 320 + np.arange(taken_in))
        # What is not on disk may have another place there.
        assert (inside[300 + taken_in :] == -1).all()
        outside = index.positions_outside_graph(held)
        everything = np.concatenate([inside[inside >= 0], outside])
        assert np.array_equal(np.sort(everything), np.arange(360))
        queries = index.points(np.array([0, 355]))
        np.testing.assert_allclose(
            index.similarities_outside_graph(queries, held),
            index.similarities(queries)[:, outside],
            atol=1e-6,
        )


def test_a_graph_with_fresh_points_and_the_others_are_searched_together(space: Path) -> None:
    build(space, clustered(320))
    opened = Index(space)
    opened.extend(np.arange(320, 400), clustered(80, seed=5), np.ones(80, np.uint32))
    opened.save_fresh()
    index = Index(space)
    index.facts = replace(index.facts, graph_points=320)
    mask = np.ones(400, np.bool_)
    mask[390] = False
    wanted, without = Wanted(mask.copy(), index), np.array([330])
    mask[without] = False
    queries = index.projection.project(clustered(3, seed=1))
    allowed = np.where(mask[index.rows], index.similarities(queries), -np.inf)
    expected = -np.sort(-allowed, axis=1)[:, :20]

    def graph(queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, int]:
        return *nearest_exactly(index.points(np.arange(360)), queries, count), 360

    found = nearest.nearest_points(index, graph, queries, 20, wanted, without, vectors=True)
    assert found.searched_by == "graph"
    np.testing.assert_allclose(found.similarities, expected, atol=1e-6)
    np.testing.assert_allclose(
        np.vecdot(found.vectors, queries[:, np.newaxis]), expected, atol=1e-6
    )


def test_an_open_index_reads_what_others_saved(space: Path) -> None:
    build(space, clustered(320))
    index, writer = Index(space), Index(space)
    assert not index.is_saved_further()
    index.extend(np.arange(320, 322), clustered(2, seed=5), np.ones(2, np.uint32))
    writer.extend(np.arange(320, 330), clustered(10, seed=5), np.ones(10, np.uint32))
    writer.save_fresh()
    assert index.is_saved_further()
    assert not writer.is_saved_further()
    again, opened = index.read_again(), Index(space)
    assert not again.is_saved_further()
    assert (index.fresh, again.fresh, again.saved) == (2, 10, 10)
    for one in (writer, opened):
        assert np.array_equal(again.rows, one.rows)
        assert np.array_equal(again.points(np.arange(330)), one.points(np.arange(330)))
        assert np.array_equal(again.positions(one.rows), np.arange(330))


def test_a_view_takes_the_points_that_were_saved(space: Path) -> None:
    build(space, clustered(320))
    with EmbeddedStore(Home(space.parents[1]), writable=True) as store:
        for first in "abcdef":
            photos_with(store, first, 20)
            assert store.index(space.name) is not None  # They are taken in one after the other.
        contents = [f"{first}{place:x}" for first in "abcdef" for place in range(20)]
        before = store.points(space.name, contents)[1]
        assert store.extend_index(space.name) == []
        after = store.points(space.name, contents)[1]
        assert not np.allclose(before, after, atol=1e-3)
        with EmbeddedStore(Home(space.parents[1])) as reader:
            assert np.array_equal(reader.points(space.name, contents)[1], after)


def test_a_graph_finds_what_smooths_fresh_rows(space: Path) -> None:
    embeddings = clustered(320)
    embeddings[40] = embeddings[0]  # One repeats the other.
    build(space, embeddings)
    index = Index(space)
    index.facts = replace(index.facts, graph_points=320)
    assert len(index.repeats)
    asked: list[int] = []

    def graph(queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, int]:
        asked.append(len(queries))
        points = index.points(np.arange(320))
        return *nearest_exactly(points, queries, count), 320

    fresh, digests = clustered(100, seed=5), np.arange(100, dtype=np.uint32)
    exactly = index.extended(np.arange(320, 420), fresh, digests)
    by_graph = index.extended(
        np.arange(320, 420), fresh, digests, partial(nearest.pictures_by_graph, index, graph)
    )
    assert asked == [64, 36]
    np.testing.assert_allclose(
        by_graph.points(np.arange(320, 420)), exactly.points(np.arange(320, 420)), atol=1e-5
    )


@pytest.mark.parametrize("is_broken", [False, True])
def test_all_pictures_are_compared_where_a_graph_does_not_find_enough(
    space: Path, is_broken: bool
) -> None:
    build(space, clustered(320))
    index = Index(space)
    index.facts = replace(index.facts, graph_points=320)
    points = index.points(np.arange(3))

    def graph(queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, int]:
        if is_broken:
            raise WorkerError("the graph worker failed")
        nothing = np.zeros((len(queries), count), np.int64)
        return nothing, np.full(nothing.shape, -np.inf, np.float32), 320

    found, similarities = nearest.pictures_by_graph(index, graph, points, 5)
    expected, cosines = index.nearest_pictures(points, 5)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(similarities, cosines)
