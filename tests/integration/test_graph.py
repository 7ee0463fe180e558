"""A real graph: built in its own process, loaded in another, queried, outlived."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from waiting import patience, wait_until

from photofind.indexing.index_building import build_index
from photofind.indexing.index_maintenance.builder import builder
from photofind.indexing.index_maintenance.maintenance import (
    build_graph,
    keep_index,
    space_wants_graph,
)
from photofind.library.embedded.index import Index
from photofind.library.embedded.store import EmbeddedStore
from photofind.model import Query
from photofind.model.records import Photo
from photofind.paths import Home
from photofind.ranking.projection import normalised
from photofind.search.searcher import Searcher

PHOTOS = 700
DIMENSION = 64
SPACE = "mobilenet@1"

# Building competes with whatever else runs, and gives way to it.
pytestmark = pytest.mark.timeout(1200)


def embeddings(count: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(7).normal(size=(10, DIMENSION))
    noise = generator.normal(size=(count, DIMENSION))
    return normalised((centres[np.arange(count) % 10] + noise + 1).astype(np.float32))


def commit(library: EmbeddedStore, first: int, vectors: np.ndarray) -> list[Photo]:
    photos = [
        Photo(f"/photos/{first + i}.jpg", content=f"{first + i:032x}") for i in range(len(vectors))
    ]
    by_content = {photo.content: vector for photo, vector in zip(photos, vectors, strict=True)}
    return library.commit(photos, SPACE, by_content)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A library with a graph; compiling it takes most of this module's time."""
    home = Home(tmp_path_factory.mktemp("built") / "photofind")
    with EmbeddedStore(home, writable=True) as library, builder(home) as worker:
        library.open_space("mobilenet", "1", DIMENSION)
        commit(library, 0, embeddings(PHOTOS, 0))
        assert keep_index(library, SPACE, worker) == []
        assert space_wants_graph(library, SPACE)
        assert build_graph(library, SPACE, worker) == []
        assert not space_wants_graph(library, SPACE)
    return home


@pytest.fixture
def library(built: Home, home: Home) -> Iterator[EmbeddedStore]:
    shutil.copytree(built.root, home.root)
    with EmbeddedStore(home, writable=True, resident=True) as library:
        yield library


@pytest.fixture
def resident(library: EmbeddedStore, home: Home) -> Searcher:
    """Answers by the graph, which is loaded."""
    library.warm_up(SPACE)
    wait_for_graph(library)
    return Searcher(library, home, "mobilenet", _no_extraction)


@pytest.fixture
def once(home: Home, library: EmbeddedStore) -> Iterator[Searcher]:
    """Answers as a process does that ends after one answer."""
    with EmbeddedStore(home) as reader:
        yield Searcher(reader, home, "mobilenet", _no_extraction)


def wait_for_graph(library: EmbeddedStore) -> None:
    wait_until(lambda: library.index(SPACE).ready, "graph", 240, pause=0.1)


def kill_graph(library: EmbeddedStore) -> None:
    process = library.processes["graph"]
    os.kill(process, signal.SIGKILL)
    wait_until(lambda: library.processes.get("graph") != process, "its end")


def at(library: EmbeddedStore, *paths: str) -> list[Photo]:
    found = library.by_path(paths)
    return [found[path] for path in paths]


def space_folder(home: Home) -> Path:
    return home.spaces / SPACE


def _no_extraction(name: str) -> None:
    raise AssertionError("no photo needs to be read")


def paths(searcher: Searcher, query: str, limit: int = 20, **options: object) -> list[str]:
    answer = searcher.similar(Query((query,), limit=limit, min_score=0.0, every=True, **options))
    return [hit.path for hit in answer.hits]


def test_the_graph_is_measured_against_exact_search(library: EmbeddedStore, home: Home) -> None:
    facts = Index(space_folder(home)).facts
    assert facts.graph_points == facts.photos == PHOTOS
    assert facts.recall is not None
    assert facts.recall > 0.98


def test_the_graph_answers_as_exact_search_does(once: Searcher, resident: Searcher) -> None:
    for number in range(0, PHOTOS, 35):
        query = Query((f"/photos/{number}.jpg",), limit=20, min_score=0.0, every=True)
        by_graph, exactly = resident.similar(query), once.similar(query)
        assert (by_graph.searched_by, exactly.searched_by) == ("graph", "exact")
        assert [hit.path for hit in by_graph.hits] == [hit.path for hit in exactly.hits]
        assert by_graph.photos == PHOTOS


def test_photos_come_and_go_between_builds(library: EmbeddedStore, resident: Searcher) -> None:
    before = paths(resident, "/photos/3.jpg")
    library.remove(at(library, *before[:10]))
    fresh = commit(library, PHOTOS, embeddings(20, 1))
    moved = f"/elsewhere/{Path(before[10]).name}"
    library.commit([replace(*at(library, before[10]), path=moved)])

    after = paths(resident, "/photos/3.jpg", limit=PHOTOS)
    assert not set(before[:11]) & set(after)
    assert moved in after
    assert {photo.path for photo in fresh} <= set(after)
    assert {int(Path(path).stem) % 10 for path in paths(resident, fresh[3].path)} == {3}


def test_what_came_since_the_build_is_taken_into_the_graph(
    library: EmbeddedStore, home: Home, resident: Searcher
) -> None:
    commit(library, PHOTOS, embeddings(200, 1))
    assert library.extend_index(SPACE) == []
    views = library._views
    view = views.view(SPACE)
    graph = views.graph(view)

    def answers_as_exact_search_does() -> None:
        with EmbeddedStore(home) as reader:
            once = Searcher(reader, home, "mobilenet", _no_extraction)
            for number in range(0, PHOTOS + 200, 45):
                query = Query((f"/photos/{number}.jpg",), limit=20, min_score=0.0, every=True)
                by_graph, exactly = resident.similar(query), once.similar(query)
                assert (by_graph.searched_by, exactly.searched_by) == ("graph", "exact")
                assert [hit.path for hit in by_graph.hits] == [hit.path for hit in exactly.hits]

    wait_until(lambda: graph.taken_in == 200, "fresh photos in the graph", patience(60))
    everything = np.arange(PHOTOS + 200)
    numbers, _, held = graph.nearest(view.index.points(everything), 50)
    assert held == PHOTOS + 200
    assert np.mean((numbers == everything[:, np.newaxis]).any(axis=1)) > 0.99
    answers_as_exact_search_does()

    kill_graph(library)
    wait_until(lambda: not graph.wake() or graph.taken_in == 0, "the end of it", 60)

    def has_all_again() -> bool:
        return graph.wake() and views.graph(view) is graph and graph.taken_in == 200

    wait_until(has_all_again, "all in it again", 240, pause=0.1)
    answers_as_exact_search_does()


def test_filters_are_searched_exactly(library: EmbeddedStore, resident: Searcher) -> None:
    library.commit(
        [replace(*at(library, f"/photos/{n}.jpg"), path=f"/few/{n}.jpg") for n in range(9)]
    )
    answer = resident.similar(
        Query(("/photos/100.jpg",), limit=5, min_score=0.0, every=True, folder="/few")
    )
    assert answer.searched_by == "exact"
    assert answer.hits[0].path == "/few/0.jpg"
    assert answer.photos == 9


def test_a_killed_graph_process_costs_no_answer(
    library: EmbeddedStore, once: Searcher, resident: Searcher
) -> None:
    expected = paths(once, "/photos/5.jpg")
    kill_graph(library)
    assert paths(resident, "/photos/5.jpg") == expected
    query = Query(("/photos/5.jpg",), limit=20, min_score=0.0)
    wait_until(lambda: resident.similar(query).searched_by == "graph", "graph", 240, pause=0.2)
    assert paths(resident, "/photos/5.jpg") == expected


@pytest.mark.skipif(sys.platform != "linux", reason="what is told of priorities is Linux's")
def test_what_answers_is_compiled_at_low_priority_before_it_is_loaded(
    library: EmbeddedStore, home: Home
) -> None:
    note = home.numba_cache / "compiled"
    note.unlink(missing_ok=True)
    library.warm_up(SPACE)
    low: dict[int, bool] = {}

    def is_ready() -> bool:
        with suppress(psutil.Error, KeyError):
            process = psutil.Process(library.processes["graph"])
            level = process.ionice()
            low[process.pid] = low.get(process.pid, False) or (int(level[0]), level[1]) == (2, 7)
        return library.index(SPACE).ready

    wait_until(is_ready, "graph", 240, pause=0.02)
    assert [*low.values()] == [True, False]
    assert note.exists()


def test_an_index_of_another_generation_is_not_used(library: EmbeddedStore, once: Searcher) -> None:
    library.remove(at(library, *(f"/photos/{number}.jpg" for number in range(300))))
    assert library.reclaim()
    answer = once.similar(Query(("/photos/305.jpg",), limit=10, min_score=0.0, every=True))
    assert answer.searched_by == "plain"
    assert {int(Path(hit.path).stem) % 10 for hit in answer.hits} == {5}


def test_a_bad_graph_is_not_used(
    library: EmbeddedStore, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    class BadGraph:
        def nearest(self, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
            return np.zeros((len(queries), count), int), np.ones((len(queries), count))

    monkeypatch.setattr(
        "photofind.library.embedded.graph.Graph", lambda points, arrays, values: BadGraph()
    )
    built = build_index(library, SPACE, graph=True)
    index = Index(space_folder(home))
    assert built.recall == index.facts.recall
    assert index.facts.recall < 0.5
    assert index.facts.graph_points == 0
    assert not space_wants_graph(library, SPACE)
    answer = Searcher(library, home, "mobilenet", _no_extraction).similar(
        Query(("/photos/4.jpg",), limit=10, min_score=0.0, every=True)
    )
    assert answer.searched_by == "exact"
    assert {int(Path(hit.path).stem) % 10 for hit in answer.hits} == {4}


def test_a_damaged_graph_costs_no_answer_and_is_built_again(
    library: EmbeddedStore, home: Home, once: Searcher, resident: Searcher
) -> None:
    expected = paths(once, "/photos/5.jpg")
    (array,) = space_folder(home).glob("index-*/graph_indices.npy")
    with array.open("r+b") as file:
        file.seek(1000)
        file.write(b"garbage")
    kill_graph(library)
    assert paths(resident, "/photos/5.jpg") == expected
    views = library._views
    assert not views.graph(views.view(SPACE)).wait(patience(240))
    assert (
        resident.similar(Query(("/photos/5.jpg",), limit=20, min_score=0.0)).searched_by == "exact"
    )
    assert space_wants_graph(library, SPACE)
    with builder(home) as worker:
        (problem,) = keep_index(library, SPACE, worker)
    assert "graph_indices.npy is damaged" in problem
    assert space_wants_graph(library, SPACE)
