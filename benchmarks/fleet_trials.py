"""Kill the workers of a fleet while they read: nothing may be lost, doubled or wrong.

    python benchmarks/fleet_trials.py FOLDER [--times 50]

A scheduler and two workers, started as their README says, read the photos of FOLDER, copies of some
of them and a damaged one into a new library, again and again, while somebody asks for the copies.
One worker or the other is killed by SIGKILL at random moments. Each library has to be as one
machine makes it: the same photos, the same embeddings, the damaged one with its reason.

It needs photofind-dask, and openssl.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
from common import photos_below, print_figures
from fleet import certificates

from photofind.app.photofind import PhotoFind
from photofind.errors import PhotofindError
from photofind.library.stores import open_store
from photofind.model import Query
from photofind.paths import Home
from photofind.settings import Settings

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from free_ports import free_ports  # isort: skip

WORKERS = 2
SPACE = "mobilenet@1"
COPIES = 50
# A worker computes on its own as that of one machine does, but in batches of other sizes.
TOLERANCE = 0.01

Library = dict[str, tuple[str, np.ndarray | None]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--times", type=int, default=50, help="so many kills")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    problems: list[str] = []
    with tempfile.TemporaryDirectory(prefix="photofind-fleet-", ignore_cleanup_errors=True) as root:
        folder = Path(root)
        photos = folder / "photos"
        copies = prepare(options.folder, photos)
        with PhotoFind(Home(folder / "alone")) as photofind:
            photofind.add_folder(str(photos))
            photofind.index()
        expected = library(Home(folder / "alone"))
        certificates(folder / "certificates")
        with fleet(folder) as (address, workers):
            chance = random.Random(options.seed)
            while counts["kills"] < options.times:
                counts["libraries"] += 1
                home = Home(folder / f"home{counts['libraries']}")
                problems += round_(home, folder, copies, address, workers, chance, counts)
                problems += differences(expected, library(home))
                shutil.rmtree(home.root)
                print(dict(counts), len(problems), "problems", file=sys.stderr, flush=True)
    for problem in problems:
        print(problem, file=sys.stderr)
    print_figures("fleet trials", {**counts, "photos": len(expected), "problems": len(problems)})
    sys.exit(bool(problems))


def prepare(origin: Path, photos: Path) -> dict[str, str]:
    """Lay photos, copies and a damaged one in a folder; return the copies by their photos."""
    files = photos_below(origin)
    copies = {}
    (photos / "copies").mkdir(parents=True)
    for number, file in enumerate(files):
        path = photos / f"{number:06}{file.suffix}"
        shutil.copy(file, path)
        if number % max(1, len(files) // COPIES) == 0:
            copies[str(path)] = str(photos / "copies" / path.name)
            shutil.copy(file, copies[str(path)])
    (photos / "damaged.jpg").write_bytes(files[0].read_bytes()[:300])
    return copies


@contextmanager
def fleet(folder: Path) -> Iterator[tuple[str, list[psutil.Process]]]:
    """Run a scheduler and workers; yield the address and the workers."""
    place = f"127.0.0.1:{free_ports(1)[0]}"
    address = f"tls://{place}"
    machine = Home(folder / "machine")
    use_certificates(machine, folder)
    own = {
        **os.environ,
        "PHOTOFIND_HOME": str(machine.root),
        "DASK_TEMPORARY_DIRECTORY": str(folder),
    }
    command = [sys.executable, "-m", "photofind_dask"]
    processes = []
    with (folder / "fleet.log").open("wb") as log:
        try:
            for arguments in (["scheduler", place], *[["worker", address]] * WORKERS):
                processes.append(subprocess.Popen([*command, *arguments], env=own, stderr=log))
            while (folder / "fleet.log").read_bytes().count(b"Registered to") < WORKERS:
                assert all(process.poll() is None for process in processes)
                time.sleep(0.1)
            yield address, [psutil.Process(one.pid) for one in processes[1:]]
        finally:
            for process in processes:
                process.terminate()
                process.wait(60)


def use_certificates(home: Home, folder: Path) -> None:
    """Put the certificates where a home has them."""
    shutil.copytree(folder / "certificates", home.root / "fleet")
    home.root.chmod(0o700)


def round_(
    home: Home, folder: Path, copies: dict[str, str], address: str,
    workers: list[psutil.Process], chance: random.Random, counts: Counter[str],
) -> list[str]:  # fmt: skip
    """Index the photos into a new library while workers are killed; return what was wrong."""
    problems: list[str] = []
    photos = folder / "photos"
    reading, done = threading.Event(), threading.Event()

    def kill() -> None:
        while not done.is_set():
            reading.wait()  # Each kill is of a fleet that reads again.
            if done.wait(chance.uniform(0.1, 3)):
                return
            running = [
                child
                for worker in workers
                for child in worker.children()
                if "spawn_main" in " ".join(child.cmdline())
            ]
            if running:
                os.kill(chance.choice(running).pid, signal.SIGKILL)
                counts["kills"] += 1
                reading.clear()

    def ask() -> None:
        with PhotoFind(home) as reader:
            while not done.wait(0.05):
                photo, copy = chance.choice([*copies.items()])
                try:
                    hits = reader.similar(Query((photo,), limit=5)).hits
                except PhotofindError as error:
                    if "nothing is indexed" not in str(error):
                        problems.append(f"{photo}: {error}")
                    continue
                counts["answers"] += 1
                counts["answers with the copy"] += any(copy in (h.path, *h.copies) for h in hits)

    threads = [threading.Thread(target=one) for one in (kill, ask)]
    use_certificates(home, folder)
    with PhotoFind(home) as photofind:
        photofind.add_folder(str(photos))
        for thread in threads:
            thread.start()
        try:
            photofind.index(fleet=address, progress=lambda progress: reading.set())
        finally:
            done.set()
            reading.set()
            for thread in threads:
                thread.join()
        for photo, copy in copies.items():
            hit = photofind.similar(Query((photo,), limit=5)).hits[0]
            if copy not in (hit.path, *hit.copies):
                problems.append(f"{home.root}: {photo} does not find its copy, but {hit.path}")
    return problems


def library(home: Home) -> Library:
    """Return the failure and the embedding of each photo, by its path."""
    with open_store(home, Settings()) as store:
        photos = [*store.select()]
        known, vectors = store.embeddings(SPACE, [photo.content for photo in photos])
        assert len({photo.path for photo in photos}) == len(photos), "a photo is there twice"
        return {
            photo.path: (photo.failure or "", vectors[row] if known[row] else None)
            for row, photo in enumerate(photos)
        }


def differences(expected: Library, found: Library) -> list[str]:
    """Return how a library differs from the expected one."""
    problems = [f"{path} is lost" for path in expected.keys() - found.keys()]
    problems += [f"{path} is new" for path in found.keys() - expected.keys()]
    for path in expected.keys() & found.keys():
        (failure, vector), (other_failure, other) = expected[path], found[path]
        if failure != other_failure:
            problems.append(f"{path}: {failure!r} became {other_failure!r}")
        elif (vector is None) != (other is None):
            problems.append(f"{path} has no embedding any more, or has one")
        elif vector is not None and other is not None:
            apart = np.linalg.norm(vector - other) / np.linalg.norm(vector)
            if apart > TOLERANCE:
                problems.append(f"{path} has another embedding, {apart:.3f} apart")
    return problems


if __name__ == "__main__":
    main()
