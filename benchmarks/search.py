"""The speed and accuracy of searches, on a library of generated photos.

Fills a library with vectors distributed like embeddings of photos, builds its index, and measures
the answers: the first one of a new process, and those of a resident process with the graph.
hnswlib, faiss and usearch then index the same points and are tuned to the graph's recall.

    python benchmarks/search.py --photos 100000

With ``--extended`` it measures instead, in memory, a graph built on two thirds of the photos that
took in the others, beside one that was built on all of the same points. With ``--parts`` it tells
what the parts of a graph's answer cost: its entries, epsilon, the process in between.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from common import (
    in_fresh_process,
    megabytes,
    megabytes_of_children,
    milliseconds,
    print_figures,
    print_table,
)

from photofind.app.photofind import PhotoFind
from photofind.indexing.index_maintenance.builder import builder
from photofind.indexing.index_maintenance.maintenance import (
    build_graph,
    keep_index,
    space_wants_graph,
)
from photofind.library.embedded.index import Index
from photofind.library.embedded.store import EmbeddedStore
from photofind.library.store import Store
from photofind.model import Query
from photofind.model.records import Folder, Photo
from photofind.paths import Home
from photofind.ranking.exact import best, nearest_exactly
from photofind.ranking.neighbours import nearest_others
from photofind.ranking.projection import SAMPLE, fit_projection, normalised
from photofind.ranking.smoothing import SMOOTHING, smooth_new, smooth_rounds
from photofind.search.comparison import CANDIDATES, compare, rank
from photofind.search.embedding import Embedded

EXTRACTOR, DIMENSION = "generated", 1280
BATCH = 10_000
HITS = 10
SPACE = f"{EXTRACTOR}@1"
NOTHING = np.empty((0, DIMENSION), np.float32)

FIRST_ANSWER = """
import json, sys, time
started = time.perf_counter()
from photofind.paths import Home
from photofind.app.photofind import PhotoFind
from photofind.model import Query
from photofind.search.searcher import Searcher
imported = time.perf_counter()
with PhotoFind(Home.default()) as photofind:
    answer = photofind.similar(Query((sys.argv[1],), extractor=sys.argv[2]))
    seconds = time.perf_counter() - imported
assert answer.hits, answer
print(json.dumps({"imports": imported - started, "answer": seconds, "by": answer.searched_by}))
"""

Vectors32 = npt.NDArray[np.float32]
Nearest = Callable[[Vectors32, int], npt.NDArray[np.integer[Any]]]


class Mixture:
    """Vectors distributed like MobileNetV2 embeddings of photos.

    Clusters of very different sizes and spreads around centres; each spreads in its own 40
    directions, with noise in all. Chosen after Corel-1K: random pairs have a cosine of 0.33
    (there 0.33) and the nearest photo has 0.74 (there 0.74), relative to the mean 0.62 (there
    0.61), and 128 principal components hold 73 % of the variance (there 76 %).
    """

    clusters = 2000
    rank = 40
    within, noise, mean = 0.7, 0.1, 0.75

    def __init__(self) -> None:
        generator = np.random.default_rng(0)
        scales = (np.arange(DIMENSION) + 4.0) ** -0.5
        scales = (scales / np.linalg.norm(scales)).astype(np.float32)
        self._mean = self.mean * normalised(generator.standard_normal(DIMENSION, np.float32))
        centres = generator.standard_normal((self.clusters, DIMENSION), np.float32)
        self._centres = centres * scales * np.float32(0.5**0.5)
        shape = (self.clusters, self.rank, DIMENSION)
        self._bases = generator.standard_normal(shape, np.float32) * scales
        spreads = generator.uniform(0.6, 1.4, self.clusters) * (self.within / self.rank) ** 0.5
        self._spreads = spreads.astype(np.float32)
        sizes = generator.lognormal(size=self.clusters)
        self._shares = sizes / sizes.sum()

    def draw(self, count: int, seed: int) -> Vectors32:
        """Return ``count`` vectors of unit length, (count, 1280)."""
        generator = np.random.default_rng(seed)
        clusters = generator.choice(self.clusters, count, p=self._shares)
        vectors = generator.standard_normal((count, DIMENSION), np.float32)
        vectors *= np.float32((self.noise / DIMENSION) ** 0.5)
        vectors += self._centres[clusters] + self._mean
        weights = generator.standard_normal((count, self.rank), np.float32)
        weights *= self._spreads[clusters, None]
        order = np.argsort(clusters, kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(clusters[order])) + 1):
            vectors[members] += weights[members] @ self._bases[clusters[members[0]]]
        return normalised(vectors)


def path_of(number: int) -> str:
    return f"/photos/{2000 + number % 25}/{number:08}.jpg"


def photo(number: int) -> Photo:
    """Return the catalog's record of a photo."""
    return Photo(
        path_of(number),
        size=2_000_000 + number,
        modified=1_600_000_000_000_000_000 + number,
        inode=number,
        content=f"{number * 0x9E3779B97F4A7C15 % 2**128:032x}",
        width=4000,
        height=3000,
        format="JPEG",
        captured=f"{2000 + number % 25}-06-15T12:00:00",
        camera="Generated",
    )


def fill(root: Path, start: int, count: int) -> dict[str, float]:
    """Commit photos with their vectors, like the indexer."""
    mixture = Mixture()
    seconds = 0.0
    with EmbeddedStore(Home(root), writable=True) as store:
        store.open_space(EXTRACTOR, "1", DIMENSION)
        store.put_folder(Folder("/photos", added=time.time()))
        for first in range(start, start + count, BATCH):
            photos = [photo(number) for number in range(first, min(first + BATCH, start + count))]
            vectors = mixture.draw(len(photos), seed=1 + first)
            started = time.perf_counter()
            contents = (one.content for one in photos)
            store.commit(photos, SPACE, dict(zip(contents, vectors, strict=True)))
            seconds += time.perf_counter() - started
    return {"seconds": round(seconds, 1), "photos a second": round(count / seconds)}


@contextmanager
def peak_memory(measure: Callable[[], float]) -> Iterator[Callable[[], float]]:
    """Sample a process's memory during the block; yields a function that returns the peak in MB."""
    peak = 0.0
    done = threading.Event()

    def sample() -> None:
        nonlocal peak
        while not done.wait(0.2):
            peak = max(peak, measure())

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield lambda: peak
    finally:
        done.set()
        sampler.join()


def keep(root: Path) -> dict[str, Any]:
    """Update the index, like the indexer."""
    figures: dict[str, Any] = {}
    home = Home(root)
    with EmbeddedStore(home, writable=True) as store, builder(home) as worker:
        started = time.perf_counter()
        with peak_memory(megabytes_of_children) as peak:
            problems = keep_index(store, SPACE, worker)
            figures["index s"] = round(time.perf_counter() - started, 2)
            if space_wants_graph(store, SPACE):
                problems += build_graph(store, SPACE, worker)
                figures["graph s"] = round(time.perf_counter() - started - figures["index s"], 1)
    assert not problems, problems
    return {**figures, "peak MB": round(peak())}


def sizes(root: Path) -> dict[str, float]:
    """Return the size on disk, in MB."""
    folder = next(Home(root).spaces.iterdir())

    def size(*patterns: str) -> float:
        files = [file for pattern in patterns for file in folder.glob(pattern)]
        return round(sum(file.stat().st_size for file in files) / 1e6, 1)

    return {
        "catalog": round(Home(root).catalog.stat().st_size / 1e6, 1),
        "vectors": size("vectors-*"),
        "points": size("index-*/points.npy", "index-*/fresh"),
        "graph": size("index-*/graph_*"),
        "rest of the index": size("index-*/[!gpf]*"),
    }


def first_answer(root: Path) -> dict[str, Any]:
    """Search for similar photos in new processes; return the median of five."""
    environment = {**os.environ, "PHOTOFIND_HOME": str(root)}
    runs = []
    for number in range(5):
        command = [sys.executable, "-c", FIRST_ANSWER, path_of(number), EXTRACTOR]
        started = time.perf_counter()
        done = subprocess.run(command, env=environment, check=True, capture_output=True)
        runs.append({"whole": time.perf_counter() - started, **json.loads(done.stdout)})
    by = {run.pop("by") for run in runs}
    names = ("whole", "imports", "answer")
    medians = {name: round(float(np.median([run[name] for run in runs])), 3) for name in names}
    return {**medians, "by": ", ".join(sorted(by))}


def answers(root: Path, queries: Vectors32) -> dict[str, Any]:
    """Rank by the graph in a resident process, and compare with ranking by exact search."""
    home = Home(root)
    started = time.perf_counter()
    store = EmbeddedStore(home)
    figures: dict[str, Any] = {"library opens": round(time.perf_counter() - started, 3)}
    started = time.perf_counter()
    store.warm_up(SPACE)
    figures["index opens"] = round(time.perf_counter() - started, 3)
    figures["MB, opened"] = megabytes()

    _with_graph(home).close()  # What numba has not compiled yet, it compiles now.
    started = time.perf_counter()
    resident = _with_graph(home)
    figures["graph opens"] = round(time.perf_counter() - started, 3)

    def ask(one: Store) -> tuple[list[list[str]], dict[str, float]]:
        contents, seconds = [], []
        for query in queries:
            started = time.perf_counter()
            comparison = compare(one, SPACE, Embedded(query[None], NOTHING, frozenset()))
            ranked = rank(comparison, HITS)
            seconds.append(time.perf_counter() - started)
            contents.append([*ranked.contents[:HITS]])
        return contents, milliseconds(seconds)

    ask(resident)
    found, figures["rank by graph, ms"] = ask(resident)
    figures["MB, answering"] = megabytes()
    figures["MB, graph process"] = megabytes_of_children()
    index = store.index(SPACE)
    assert index is not None
    seconds = []
    points = index.projection.project(queries)
    for point in points:
        started = time.perf_counter()
        resident.nearest(SPACE, point[None], CANDIDATES, vectors=False)
        seconds.append(time.perf_counter() - started)
    figures["candidates by graph, ms"] = milliseconds(seconds)
    resident.close()

    truth, figures["rank by exact search, ms"] = ask(store)
    figures["recall@10 of the hits"] = recall(truth, found)
    figures["recall the index states"] = index.recall
    figures["local dimension"] = local_dimension(store, points)
    store.close()
    return figures


def whole_answers(root: Path) -> dict[str, Any]:
    """Search in a resident process with photos of the library, up to the filtered hits."""
    with PhotoFind(Home(root), resident=True) as photofind:

        def ask(number: int) -> str:
            return photofind.similar(Query((path_of(number),), extractor=EXTRACTOR)).searched_by

        while ask(0) != "graph":
            time.sleep(0.1)
        seconds = []
        for number in range(200):
            started = time.perf_counter()
            ask(number)
            seconds.append(time.perf_counter() - started)
        return milliseconds(seconds)


def _with_graph(home: Home) -> EmbeddedStore:
    """Open a library whose graph is loaded."""
    store = EmbeddedStore(home, resident=True)
    store.warm_up(SPACE)
    deadline = time.monotonic() + 600
    while not ((index := store.index(SPACE)) and index.ready):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return store


def local_dimension(store: Store, points: Vectors32) -> float:
    """Return the median intrinsic dimension around some points.

    The maximum likelihood estimate over 20 neighbours: Levina and Bickel, NIPS 2004.
    """
    similarities = store.nearest(SPACE, points[:200], 20, vectors=False).similarities
    distances = np.sqrt(2 - 2 * similarities.astype(np.float64))
    ratios = np.log(distances[:, -1:] / distances[:, :-1])
    return round(float(np.median(1 / ratios.mean(axis=1))), 1)


def recall(truth: Any, found: Any) -> float:
    """Return the share of the true ones, each (k,), that was found."""
    shares = [np.isin(true, some).mean() for true, some in zip(truth, found, strict=True)]
    return round(float(np.mean(shares)), 4)


def field(root: Path, queries: Vectors32) -> list[dict[str, Any]]:
    """Measure the graph, hnswlib, faiss and usearch with the same points, queries and processors.

    Building uses all processors; queries use one, one at a time. Each is queried for ten neighbours
    and for as many as the ranking needs; the others use the lowest ``ef`` that reaches the graph's
    recall.
    """
    from photofind.library.embedded.graph import Graph
    from photofind.library.embedded.index_files import read_graph

    space = Home(root).spaces / SPACE
    points, arrays, values = read_graph(space, Index(space).facts.folder)
    queries = Index(space).projection.project(queries)
    graph = Graph(points, arrays, values)
    truth = {count: _truth(points, queries, count) for count in (HITS, CANDIDATES)}
    size = (points.nbytes + sum(array.nbytes for array in arrays.values())) / 1e6
    rows = []
    target = {}
    for count in truth:
        row = _measure(lambda q, k: graph.nearest(q, k)[0], queries, truth[count], count)
        target[count] = row["recall"]
        rows.append({"by": "photofind (PyNNDescent)", "neighbours": count, "MB": size, **row})
    for name, build in _FIELD.items():
        started = time.perf_counter()
        nearest, set_ef, size = build(points)
        seconds = time.perf_counter() - started
        for count in truth:
            for ef in (c * count // 10 for c in (10, 12, 15, 20, 25, 30, 40, 60, 80, 120, 200)):
                set_ef(ef)
                row = _measure(nearest, queries, truth[count], count)
                if row["recall"] >= target[count]:
                    break
            more = {"build s": seconds, "MB": size, "ef": ef}
            rows.append({"by": name, "neighbours": count, **more, **row})
    return rows


def _truth(points: Vectors32, queries: Vectors32, count: int) -> npt.NDArray[np.int64]:
    return np.concatenate([nearest_exactly(points, q[None], count)[0] for q in queries])


def _measure(
    nearest: Nearest, queries: Vectors32, truth: npt.NDArray[np.int64], count: int
) -> dict[str, Any]:
    """Ask for so many neighbours; return the recall of the true ones and the time of a query."""
    nearest(queries[:1], count)
    found, seconds = [], []
    for query in queries:
        started = time.perf_counter()
        found.append(nearest(query[None], count)[0])
        seconds.append(time.perf_counter() - started)
    return {"recall": recall(truth, found), **milliseconds(seconds)}


def parts(root: Path, queries: Vectors32) -> list[dict[str, Any]]:
    """Measure what every search looks at, the graph by epsilon, and the graph in its process.

    Recall is of the ten nearest, whether ten or as many as the ranking needs are asked for.
    """
    from photofind.library.embedded import graph as of_graph
    from photofind.library.embedded.graph_process import GraphProcess
    from photofind.library.embedded.index_files import read_graph

    home = Home(root)
    space = home.spaces / SPACE
    index = Index(space)
    points, arrays, values = read_graph(space, index.facts.folder)
    queries = index.projection.project(queries)
    truth = _truth(points, queries, HITS)
    rows = []

    def measure(nearest: Nearest, asked: str) -> None:
        for count in (HITS, CANDIDATES):
            figures = _measure(nearest, queries, truth, count)
            rows.append({"asked": asked, "neighbours": count, **figures})

    usual = of_graph.EPSILON
    graph = of_graph.Graph(points, arrays, values)
    scanned = points[: values["entries"]]
    measure(lambda q, k: best(q @ scanned.T, k)[0], asked="the entries alone, by BLAS")
    for epsilon in (0.0, 0.1, usual, 2 * usual):
        of_graph.EPSILON = epsilon
        measure(lambda q, k: graph.nearest(q, k)[0], asked=f"the graph, epsilon {epsilon}")
    process = GraphProcess(space, index, home.numba_cache, home.logs / "graph.log")
    try:
        assert process.wait(600)
        measure(lambda q, k: process.nearest(q, k)[0], asked=f"its process, epsilon {usual}")
    finally:
        process.stop()
    return rows


def extended(count: int, queries: Vectors32) -> list[dict[str, Any]]:
    """Measure a graph that took in a third of its points, beside one built whole."""
    from photofind.library.embedded.graph import Graph, build_graph
    from photofind.library.embedded.graph_process import BATCH as AT_A_TIME
    from photofind.library.embedded.growing_graph import GrowingGraph

    mixture, first = Mixture(), count * 2 // 3
    parts = [mixture.draw(min(BATCH, count - at), seed=1 + at) for at in range(0, count, BATCH)]
    embeddings = np.concatenate(parts)
    projection = fit_projection(embeddings[:SAMPLE])
    projected, queries = projection.project(embeddings), projection.project(queries)
    neighbours, similarities = nearest_others(projected[:first], SMOOTHING)
    built = smooth_rounds(projected[:first], neighbours.astype(np.int32), similarities)

    def nearest(points: Vectors32, count: int) -> tuple[Vectors32, Vectors32]:
        positions, cosines = nearest_exactly(built, points, count)
        return built[positions], cosines

    order, arrays, values = build_graph(built)
    started = time.process_time()
    fresh = smooth_new(projected[first:], nearest, first)
    smoothed = time.process_time() - started
    points = np.concatenate([built[order], fresh])
    growing, batches = GrowingGraph(points[:first], arrays, values), []
    for start in range(first, count, AT_A_TIME):
        started = time.process_time()
        growing.extend(points[start : start + AT_A_TIME])
        batches.append(time.process_time() - started)
    shuffled = points[np.random.default_rng(0).permutation(count)]
    order, arrays, values = build_graph(shuffled)
    whole = Graph(shuffled[order], arrays, values)

    def measure(graph: Any, places: npt.NDArray[np.integer[Any]]) -> dict[str, Any]:
        """Measure by positions in ``points``."""
        truth, _ = nearest_exactly(points, queries, HITS)
        found = [places[graph.nearest(query[None], CANDIDATES)[0][0]] for query in queries]
        hits = np.array([np.isin(t, some) for t, some in zip(truth, found, strict=True)])
        ten, many = (_milliseconds_of_processor(graph, queries, k) for k in (HITS, CANDIDATES))
        return {
            "recall": round(float(hits.mean()), 4),
            "of the old": round(float(hits[truth < first].mean()), 4),
            "of the fresh": round(float(hits[truth >= first].mean()), 4),
            f"{HITS} neighbours, ms": ten,
            f"{CANDIDATES} neighbours, ms": many,
        }

    back = np.random.default_rng(0).permutation(count)[order]
    rows = [
        {"graph": "extended", **measure(growing, np.arange(count))},
        {"graph": "built whole", **measure(whole, back)},
    ]
    rows[0] |= {
        "smoothing one, ms": round(1000 * smoothed / len(fresh), 2),
        "taking in one, ms": round(1000 * sum(batches) / len(fresh), 2),
        f"taking in {AT_A_TIME}, ms": milliseconds(batches),
    }
    return rows


def _milliseconds_of_processor(graph: Any, queries: Vectors32, count: int) -> dict[str, float]:
    seconds = []
    for query in queries:
        started = time.process_time()
        graph.nearest(query[None], count)
        seconds.append(time.process_time() - started)
    return milliseconds(seconds)


Built = tuple[Nearest, Callable[[int], None], float]


def _build_hnswlib(points: Vectors32) -> Built:
    import hnswlib

    index = hnswlib.Index("ip", points.shape[1])
    index.init_index(len(points), M=16, ef_construction=200)
    index.add_items(points, num_threads=os.cpu_count())
    index.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "index")
        index.save_index(str(path))
        size = path.stat().st_size
    return lambda q, k: index.knn_query(q, k)[0], index.set_ef, size / 1e6


def _build_faiss(points: Vectors32) -> Built:
    import faiss

    index = faiss.IndexHNSWFlat(points.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 200
    index.add(points)
    faiss.omp_set_num_threads(1)
    size = faiss.serialize_index(index).nbytes

    def set_ef(ef: int) -> None:
        index.hnsw.efSearch = ef

    return lambda q, k: index.search(q, k)[1], set_ef, size / 1e6


def _build_usearch(points: Vectors32) -> Built:
    from usearch.index import Index as Usearch

    index = Usearch(
        ndim=points.shape[1], metric="ip", dtype="f32", connectivity=16, expansion_add=200
    )
    index.add(np.arange(len(points)), points, threads=os.cpu_count())

    def set_ef(ef: int) -> None:
        index.expansion_search = ef

    def nearest(query: Vectors32, count: int) -> npt.NDArray[np.integer[Any]]:
        return np.atleast_2d(index.search(query, count, threads=1).keys).astype(np.int64)

    return nearest, set_ef, index.serialized_length / 1e6


_FIELD = {"hnswlib": _build_hnswlib, "faiss HNSW": _build_faiss, "usearch": _build_usearch}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=1000, help="queries, held out")
    parser.add_argument("--fresh", type=int, default=1000, help="photos added after the build")
    parser.add_argument("--alone", action="store_true", help="without hnswlib, faiss and usearch")
    parser.add_argument("--extended", action="store_true", help="a graph that took in a third")
    parser.add_argument("--parts", type=Path, metavar="HOME", help="of the graph of a library")
    arguments = parser.parse_args()
    if arguments.extended:
        _measure_extended(arguments.photos, arguments.queries)
        return
    if arguments.parts:
        rows = in_fresh_process(
            parts, arguments.parts, in_fresh_process(draw_queries, arguments.queries)
        )
        print_table([*rows[0]], [[*row.values()] for row in rows])
        print_figures("search-parts", {"rows": rows})
        return

    def say(text: str) -> None:
        print(f"{time.strftime('%X')} {text}", file=sys.stderr, flush=True)

    figures: dict[str, Any] = {"photos": arguments.photos}
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary, "home")
        os.environ["NUMBA_CACHE_DIR"] = str(Home(root).cache / "numba")
        say(f"filling the library with {arguments.photos} photos")
        figures["commit"] = in_fresh_process(fill, root, 0, arguments.photos)
        say("building the index")
        figures["build"] = in_fresh_process(keep, root)
        figures["disk MB"] = sizes(root)
        say("asking fresh processes")
        figures["first answer, s"] = first_answer(root)
        queries = in_fresh_process(draw_queries, arguments.queries)
        say("asking a resident process")
        figures["resident"] = in_fresh_process(answers, root, queries)
        figures["whole answer, ms"] = in_fresh_process(whole_answers, root)
        say("measuring the neighbours of the field")
        rows = [] if arguments.alone else in_fresh_process(field, root, queries)
        for row in rows:
            row.setdefault("build s", figures["build"]["graph s"])
        say(f"adding {arguments.fresh} photos")
        figures["fresh photos"] = {
            "commit": in_fresh_process(fill, root, arguments.photos, arguments.fresh),
            "keep": in_fresh_process(keep, root),
            "resident": in_fresh_process(answers, root, queries),
        }
    _print(figures, rows)


def _measure_extended(photos: int, queries: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["NUMBA_CACHE_DIR"] = temporary
        rows = in_fresh_process(extended, photos, in_fresh_process(draw_queries, queries))
    for row in rows:
        print_table(["measured", "figure"], list(_flat(row)))
    print_figures("search-extended", {"photos": photos, "rows": rows})


def draw_queries(count: int) -> Vectors32:
    return Mixture().draw(count, seed=0)


def _print(figures: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    print_table(["measured", "figure"], list(_flat(figures)))
    columns = ["by", "neighbours", "build s", "MB", "ef", "recall", "p50", "p99"]
    for row in rows:
        row |= {name: round(row[name], 1) for name in ("build s", "MB") if name in row}
    if rows:
        print_table(columns, [[row.get(column) for column in columns] for row in rows])
    print_figures("search", {**figures, "field": rows})


def _flat(figures: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}: ")
        else:
            yield prefix + name, value


if __name__ == "__main__":
    main()
