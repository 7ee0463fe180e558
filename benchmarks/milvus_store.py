"""The store on Milvus: what it costs and finds, and whether it outlives being killed.

    python benchmarks/milvus_store.py measure --photos 20000
    python benchmarks/milvus_store.py kill --times 50

Both start the server of the wheel ``milvus`` in a temporary folder, on this machine alone. In each
round of ``kill`` two machines commit photos while the server or one of them is killed; afterwards
all that was said to be committed has to be there, once, and nothing else but whole commits.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "plugins" / "photofind-milvus"
sys.path[:0] = [str(PLUGIN / "src"), str(PLUGIN / "tests")]

import indexing_machine  # noqa: E402
from milvus_server import MilvusServer  # noqa: E402
from photofind_milvus.store import MilvusStore  # noqa: E402

from photofind.indexing.index_building import build_index  # noqa: E402
from photofind.model.filters import EVERYTHING, Filter  # noqa: E402
from photofind.model.records import Photo  # noqa: E402
from photofind.paths import Home  # noqa: E402
from photofind.ranking.exact import nearest_exactly  # noqa: E402

DIMENSION = 1280
SPACE = "mobilenet@1"
BATCH = 64
QUERIES = 50
FILTERS = {
    "none": EVERYTHING,
    "50 %": Filter("/photos/half"),
    "4 %": Filter(until="2001"),
    "0.1 %": Filter(since="1990", until="1990"),
}


def measure(server: MilvusServer, folder: Path, photos: int) -> None:
    address = f"milvus://127.0.0.1:{server.port}/measured?timeout=120"
    with MilvusStore(Home(folder / "home"), address, writable=True) as store:
        store.open_space("mobilenet", "1", DIMENSION)
        seconds = fill(store, photos)
        print(f"commits: {photos / seconds:.0f} photos a second, {BATCH} in each")
        begun = time.monotonic()
        info = build_index(store, SPACE, graph=True)
        print(f"index: {time.monotonic() - begun:.0f} s, recall {info.recall:.3f}")
        contents, parts = [], []
        for some, _ in store.scan(SPACE):
            contents += some
            has, points = store.points(SPACE, some)
            assert has.all()
            parts.append(points)
        points = np.concatenate(parts)
        places = {content: place for place, content in enumerate(contents)}
        queries = points[np.random.default_rng(1).permutation(len(points))[:QUERIES]]
        for name, where in FILTERS.items():
            passing = np.array([places[photo.content] for photo in store.select(where)])
            compared = points[passing]
            truth, _ = nearest_exactly(compared, queries, 10)
            times, recalls = [], []
            for query, best in zip(queries, truth, strict=True):
                begun = time.perf_counter()
                found = store.nearest(SPACE, query[np.newaxis], 200, where=where)
                times.append(time.perf_counter() - begun)
                hits = [places[one] for one in found.contents[0, :10] if one]
                recalls.append(np.isin(passing[best], hits).mean())
            middle, last = np.percentile(times, [50, 99]) * 1000
            print(
                f"filter {name} ({len(passing)} photos): p50 {middle:.1f} ms, p99 {last:.1f} ms,"
                f" recall@10 {np.mean(recalls):.3f}"
            )
    memory = psutil.Process(server.pid).memory_info().rss
    files = (file for file in (folder / "server" / "data").rglob("*") if file.is_file())
    disk = sum(file.stat().st_size for file in files)
    print(f"server: {memory / 1e6:.0f} MB of memory, {disk / 1e6:.0f} MB on disk")


def fill(store: MilvusStore, photos: int) -> float:
    """Commit photos of clusters; return how many seconds that took."""
    random_numbers = np.random.default_rng(0)
    centres = random_numbers.normal(size=(max(1, photos // 100), DIMENSION)).astype(np.float32)
    seconds = 0.0
    for start in range(0, photos, BATCH):
        batch, embeddings = [], {}
        for place in range(start, min(photos, start + BATCH)):
            content = f"{place:032x}"
            # By chance, so that no cluster passes as a whole.
            half = "half" if random_numbers.random() < 0.5 else "other"
            share = random_numbers.random()
            year = 1990 if share < 0.001 else 2001 if share < 0.04 else 2020
            batch.append(
                Photo(f"/photos/{half}/{place}.jpg", content=content, captured=f"{year}-05-01")
            )
            noise = random_numbers.normal(size=DIMENSION).astype(np.float32)
            embeddings[content] = centres[place % len(centres)] + noise
        begun = time.monotonic()
        store.commit(batch, SPACE, embeddings)
        seconds += time.monotonic() - begun
    return seconds


def kill(server: MilvusServer, folder: Path, times: int) -> None:
    address = f"milvus://127.0.0.1:{server.port}/killed"
    chance = random.Random(0)
    said: Counter[str] = Counter()
    for number in range(times):
        machines = [start_machine(folder, address, name, number) for name in ("one", "two")]
        for machine in machines:
            assert machine.stdin is not None
            machine.stdin.write("\n")
            machine.stdin.flush()
        victim = chance.choice(["server", "one", "two"])
        time.sleep(chance.uniform(0.1, 2.0))
        if victim == "server":
            server.kill()
            server.start()
            server.wait()
        else:
            machines[("one", "two").index(victim)].kill()
        for name, machine in zip(("one", "two"), machines, strict=True):
            out, _ = machine.communicate()
            said[name] += len([line for line in out.splitlines() if line.isdecimal()])
        check(folder, address, said)
        print(
            f"round {number + 1}: {victim} killed, {sum(said.values())} commits whole", flush=True
        )


def start_machine(folder: Path, address: str, name: str, number: int) -> subprocess.Popen[str]:
    told = [folder / name, f"{address}?machine={name}", f"/photos/{number}", "20"]
    machine = subprocess.Popen(
        [sys.executable, indexing_machine.__file__, *told],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert machine.stdout is not None
    if machine.stdout.readline() != "ready\n":
        raise SystemExit(f"the machine {name} could not open the library")
    return machine


def check(folder: Path, address: str, said: Counter[str]) -> None:
    for name in ("one", "two"):
        with MilvusStore(Home(folder / name), f"{address}?machine={name}", writable=True) as store:
            photos = [*store.select(Filter("/photos"))]
            count = len({photo.path for photo in photos})
            assert len(photos) == count, f"{len(photos) - count} photos are there twice"
            assert count % indexing_machine.TOGETHER == 0, "a commit is not whole"
            least = said[name] * indexing_machine.TOGETHER
            assert count >= least, f"{least - count} photos are lost"
            assert all(photo.spaces for photo in photos), "a photo lacks its embedding"
            states = {one.state for one in store.check()}
            assert states == {"ok"}, states


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["measure", "kill"])
    parser.add_argument("--photos", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=50)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        server = MilvusServer(folder / "server", folder / "program", tick=200)
        server.start()
        try:
            server.wait()
            if arguments.what == "measure":
                measure(server, folder, arguments.photos)
            else:
                kill(server, folder, arguments.times)
        finally:
            server.kill()


if __name__ == "__main__":
    main()
