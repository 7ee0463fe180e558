"""Killing the daemon and its child processes at random; exits with 1 after any failure.

    python benchmarks/daemon_trials.py --times 50

A watched folder is filled with photos, some of them copies of others, moved around and partly
deleted, while queries run all the time. Each of the daemon's processes, and the daemon itself, is
killed with SIGKILL ``--times`` times, at random. No answer may be wrong, nothing may be lost, no
process may be left over, and everything must recover by itself.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
from common import print_figures
from PIL import Image

from photofind.daemon.client import Client, connect
from photofind.daemon.lifecycle import is_running, start, stop
from photofind.daemon.runtime import read_runtime
from photofind.errors import PhotofindError
from photofind.indexing.excludes import Rules
from photofind.indexing.scan import Found, scan
from photofind.library.stores import open_store
from photofind.model import Query
from photofind.paths import Home

KINDS = ("daemon", "indexing", "queries", "graph", "index builder")
PATIENCE = 180.0
# The maximum number of photos, so that the index stays usable.
MOST = 450


class Album:
    """A folder in which photos appear, move and disappear; every third photo has a copy."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self._random = random.Random(seed)
        self._dice = np.random.default_rng(seed)
        self._number = 0
        folder.mkdir()

    def add(self) -> Path:
        blocks = Image.fromarray(self._dice.integers(0, 256, (6, 8, 3), np.uint8))
        path = self.folder / f"{self._number % 7}" / f"{self._number:05}.jpg"
        path.parent.mkdir(exist_ok=True)
        blocks.resize((640, 480), Image.Resampling.BICUBIC).save(path)
        if self._number % 3 == 0:
            shutil.copyfile(path, path.with_name(f"{self._number:05}-copy.jpg"))
        self._number += 1
        return path

    def stir(self) -> None:
        """Make one random change."""
        photos = [path for path in self.folder.rglob("*.jpg") if "copy" not in path.name]
        path = self._random.choice(photos)
        match self._random.random():
            case dice if dice < 0.4:
                self._number += 1
                path.rename(path.with_name(f"{self._number:05}-moved.jpg"))
            case dice if dice < 0.7 and len(photos) > MOST:
                path.unlink()
            case _:
                self.add()


class Building(threading.Thread):
    """Rebuilds the index and its graph repeatedly, since the daemon is never idle here."""

    def __init__(self, home: Home) -> None:
        super().__init__(daemon=True)
        self.done = threading.Event()
        self._home = home

    def run(self) -> None:
        while not self.done.is_set():
            try:
                with connect(self._home) as client:
                    client.doctor(repair=True)  # Marks everything as unmaintained.
                    client.index(wait=True)
            except (PhotofindError, OSError):
                pass  # Killed during the call.
            self.done.wait(1.0)


class Asking(threading.Thread):
    """Searches with photos that have known copies, all the time, and checks the answers."""

    def __init__(self, home: Home, pairs: list[tuple[Path, Path]], outside: Path) -> None:
        super().__init__(daemon=True)
        self.wrong: list[str] = []
        self.counts: Counter[str] = Counter()
        self.done = threading.Event()
        self._home, self._pairs, self._outside = home, pairs, outside

    def run(self) -> None:
        turn = 0
        while not self.done.is_set():
            turn += 1
            original, copy = self._pairs[turn % len(self._pairs)]
            query = self._outside if turn % 10 == 0 else original
            try:
                with connect(self._home) as client:
                    answer = client.similar(Query((str(query),), limit=20, every=True))
            except (PhotofindError, OSError):
                self.counts["refused"] += 1  # Killed during the call.
                time.sleep(0.05)
                continue
            self.counts["answered"] += 1
            best = [hit.path for hit in answer.hits if hit.score > 0.999]
            if query == original and str(copy) not in best:
                self.wrong.append(f"{copy} is not among {best[:3]} for {original}")
            time.sleep(0.02)


def victims(client: Client) -> dict[str, int]:
    """Return the current processes, by kind."""
    daemon = client.status().daemon
    assert daemon is not None
    return {
        kind: process.pid
        for kind in KINDS
        for process in daemon.processes
        if process.name.startswith(kind)
    }


def kill(pid: int) -> list[psutil.Process]:
    """Kill a process; return its children."""
    try:
        process = psutil.Process(pid)
        children = process.children(recursive=True)
        process.kill()
        # Its parent may not have reaped it yet.
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
    except psutil.NoSuchProcess:
        return []
    return children


def expected(folder: Path, home: Home) -> set[str]:
    found = scan(str(folder), Rules(), apart=[str(home.root)])
    return {entry.path for entry in found if isinstance(entry, Found)}


def trial(root: Path, times: int, seed: int, cache: Path) -> int:
    home = Home(root / "home")
    home.root.mkdir(mode=0o700)
    home.cache.symlink_to(cache)  # Shares numba's compiled code.
    album = Album(root / "photos", seed)
    stable = root / "stable"
    stable.mkdir()
    pairs = []
    keep = Album(root / "source", seed + 1)
    for number in range(30):
        made = keep.add()
        original, copy = stable / f"{number}.jpg", stable / f"{number}-twin.jpg"
        shutil.copyfile(made, original)
        shutil.copyfile(made, copy)
        pairs.append((original, copy))
    outside = keep.add()
    for _ in range(600):
        album.add()
    start(home)
    with connect(home) as client:
        client.add_folder(str(stable))
        client.index()
        client.add_folder(str(album.folder))
        client.index(wait=True)
    asking = Asking(home, pairs, outside)
    asking.start()
    building = Building(home)
    building.start()
    dice = random.Random(seed)
    killed: Counter[str] = Counter()
    leftovers: list[str] = []
    began = time.monotonic()
    while min(killed[kind] for kind in KINDS) < times:
        for _ in range(dice.randrange(1, 12)):
            album.stir()
        time.sleep(dice.uniform(0.05, 1.0))
        try:
            if not is_running(home):
                start(home)
            with connect(home) as client:
                there = victims(client)
        except (PhotofindError, OSError):
            continue
        wanted = [kind for kind in there if killed[kind] < times]
        if not wanted:
            continue
        kind = dice.choice(wanted)
        children = kill(there[kind])
        killed[kind] += 1
        if kind == "daemon":
            _, alive = psutil.wait_procs(children, timeout=20)
            leftovers += [" ".join(process.cmdline()) for process in alive]
        if sum(killed.values()) % 10 == 0:
            print(
                dict(killed), dict(asking.counts), f"{time.monotonic() - began:.0f} s", flush=True
            )
    for thread in (asking, building):
        thread.done.set()
        thread.join()
    if not is_running(home):
        start(home)
    wanted_paths = expected(album.folder, home) | expected(stable, home)
    deadline = time.monotonic() + PATIENCE
    with connect(home) as client:
        while time.monotonic() < deadline:
            status = client.status()
            if status.photos == len(wanted_paths) and not status.preliminary:
                break
            time.sleep(0.5)
        failures = client.failures()
    runtime = read_runtime(home)
    assert runtime is not None
    family = psutil.Process(runtime.pid).children(recursive=True)
    stop(home)
    _, alive = psutil.wait_procs(family, timeout=20)
    leftovers += [" ".join(process.cmdline()) for process in alive]
    with open_store(home) as store:
        held = [photo.path for photo in store.select()]
        warnings = store.problems
    lost, doubled = wanted_paths - set(held), len(held) - len(set(held))
    stale = set(held) - wanted_paths
    figures = {
        "killed": dict(killed), "answers": dict(asking.counts), "wrong": len(asking.wrong),
        "photos": len(held), "lost": len(lost), "doubled": doubled, "stale": len(stale),
        "failures": len(failures), "left over": len(leftovers), "warnings": len(warnings),
        "seconds": round(time.monotonic() - began),
    }  # fmt: skip
    for line in [*asking.wrong[:5], *map(str, [*lost, *stale][:5]), *map(str, failures[:5]),
                 *leftovers[:5], *warnings[:5]]:  # fmt: skip
        print(line)
    print_figures("daemon trials", figures)
    bad = (asking.wrong, lost, doubled, stale, leftovers, failures)
    return int(any(bad) or not asking.counts["answered"])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=50, help="number of kills of each process")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, help="folder for numba's compiled code")
    arguments = parser.parse_args()
    os.environ.pop("PHOTOFIND_NO_DAEMON", None)
    with tempfile.TemporaryDirectory() as temporary:
        cache = arguments.cache or Path(temporary, "cache")
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        return trial(Path(temporary), arguments.times, arguments.seed, cache.resolve())


if __name__ == "__main__":
    sys.exit(main())
