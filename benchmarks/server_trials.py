"""Cut the network between a daemon and the server of its store, and fill the server's disk.

    sudo python benchmarks/server_trials.py cut --store postgres --seconds 60
    sudo python benchmarks/server_trials.py full --store milvus

Both need root, for a network namespace or a small file system. ``cut`` has a writer and a daemon
that watches a folder in a namespace, and another writer beside the server; the cable between them
is pulled while photos come. ``full`` has the server in a file system of its own that is filled.
Afterwards all has to go on by itself, with nothing lost, doubled or half there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from common import print_figures
from PIL import Image
from trial_servers import OUTSIDE, STORES, Far, Server, Writer, opened

from photofind.errors import LibraryError
from photofind.library.store import Store

from committing import SPACE, embedding, batch, faults  # isort: skip

FIRST, LATER = 8, 4
MOST_SECONDS = 300


class Machine:
    """A home with a folder of photos, whose commands run somewhere."""

    def __init__(self, folder: Path, store: str, before: Sequence[str] = ()) -> None:
        self._folder = folder
        self._before = before
        self._environment = os.environ | {"PHOTOFIND_HOME": str(folder / "home")}
        (folder / "photos").mkdir(parents=True)
        self._made = 0
        self.run("config", "set", "store", store)

    def run(self, *words: str) -> tuple[int, str, str, float]:
        """Run a command of photofind; return its exit code, what it said, and its seconds."""
        began = time.monotonic()
        done = subprocess.run(
            [*self._before, sys.executable, "-m", "photofind", *words],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=MOST_SECONDS,
        )
        return done.returncode, done.stdout, done.stderr, time.monotonic() - began

    def add_photos(self, count: int) -> None:
        """Put photos into the folder."""
        for number in range(self._made, self._made + count):
            pixels = np.random.default_rng(number).integers(0, 255, (6, 8, 3), np.uint8)
            Image.fromarray(pixels).resize((400, 300)).save(
                self._folder / "photos" / f"{number}.jpg"
            )
        self._made += count

    def start(self) -> None:
        """Start the daemon, and have it watch the folder."""
        for words in (("daemon", "start"), ("folders", "add", str(self._folder / "photos"))):
            for _ in range(5):  # On a busy machine a daemon may need longer than one waits for it.
                code, _, error, _ = self.run(*words)
                if not code:
                    break
            else:
                raise SystemExit(f"photofind {' '.join(words)}: {error}")

    def stop(self) -> None:
        self.run("daemon", "stop")

    def wait_for_all(self) -> float:
        """Wait until the daemon has indexed all photos; return how many seconds that took."""
        began = time.monotonic()
        while time.monotonic() - began < MOST_SECONDS:
            code, out, _, _ = self.run("status", "--json")
            status = json.loads(out) if not code else {}
            if status.get("photos") == self._made and not status.get("pending"):
                return time.monotonic() - began
            time.sleep(0.5)
        raise SystemExit(f"the daemon does not go on: {out}")

    def show(self, what: str, *words: str) -> None:
        """Print what a person sees."""
        code, out, error, seconds = self.run(*words)
        print(f"{what}: photofind {' '.join(words)} ends with {code} after {seconds:.1f} s")
        for line in [*out.splitlines()[:12], *error.splitlines()]:
            print(f"    {line}")


def cut(server: Server, folder: Path, seconds: float) -> tuple[dict[str, object], list[str]]:
    """Return what a cut of so many seconds did, and what was wrong."""
    server.start()
    with Far() as far:
        near = Writer(server.address("trials", "near"), "near", folder / "near")
        while not near.said:
            time.sleep(0.1)
        address = server.address("trials", "far", OUTSIDE)
        away = Writer(address, "far", folder / "far", far.command)
        machine = Machine(folder / "daemon", server.address("daemon", "far", OUTSIDE), far.command)
        try:
            machine.add_photos(FIRST)
            machine.start()
            machine.wait_for_all()
            time.sleep(5)
            far.cut()
            began = time.monotonic()
            machine.add_photos(LATER)
            time.sleep(min(10.0, seconds / 4))
            machine.show("cut", "status")
            machine.show("cut", "count")
            time.sleep(max(0.0, began + seconds - time.monotonic()))
            far.mend()
            mended = time.monotonic()
            said = len(away.said)
            while len(away.said) <= said and time.monotonic() - mended < MOST_SECONDS:
                time.sleep(0.05)
            writer_after = time.monotonic() - mended
            machine.wait_for_all()
            daemon_after = time.monotonic() - mended
            machine.show("mended", "status")
        finally:
            far.mend()
            machine.stop()
            for one in (near, away):
                one.kill()
    times = [one for one in near.times if began - 5 < one < mended + 30]
    gaps = [after - before for before, after in pairwise(times)]
    problems = look(server, folder, [near, away])
    with opened(server.address("daemon", "far"), folder / "daemon/home") as store:
        problems += doubled(store, FIRST + LATER)
    return {
        "seconds cut": seconds,
        "the writer beside the server waits, s, at most": round(max(gaps, default=0), 1),
        "the writer goes on after, s": round(writer_after, 1),
        "the daemon has all after, s": round(daemon_after, 1),
    }, problems


def full(server: Server, folder: Path, disk: Path) -> tuple[dict[str, object], list[str]]:
    """Return what a full disk did, and what was wrong."""
    server.start()
    writer = folder / "writer"
    machine = Machine(folder / "daemon", server.address("daemon", "far"))
    committed, number, refusals = 0, 0, []
    try:
        machine.add_photos(FIRST)
        machine.start()
        machine.wait_for_all()
        with opened(server.address("trials", "near"), writer, writable=True) as store:
            store.open_space("mobilenet", "1", 16)
            commit(store, 0)
            ballast(disk, leave=4)
            began = time.monotonic()
            while time.monotonic() - began < MOST_SECONDS:
                number += 1
                try:
                    commit(store, number)
                except LibraryError as error:
                    refusals.append(str(error))
                    break
                committed = number
            refused_after = time.monotonic() - began
            machine.add_photos(LATER)
            time.sleep(15)
            machine.show("full", "status")
            machine.show("full", "count")
            (disk / "ballast").unlink()
            if died := not server.is_alive:
                server.start()
            began = time.monotonic()
            while True:
                try:
                    commit(store, number)
                    break
                except LibraryError as error:
                    if time.monotonic() - began > MOST_SECONDS:
                        raise SystemExit(f"it does not go on: {error}") from error
                    time.sleep(0.2)
            writer_after = time.monotonic() - began
            store.refresh()
            problems = faults(store)
            paths = [photo.path for one in range(number + 1) for photo in several(one)]
            if lost := len(paths) - len(store.by_path(paths)):
                problems.append(f"{lost} photos are lost")
        machine.wait_for_all()
        daemon_after = time.monotonic() - began
        machine.show("free", "status")
    finally:
        machine.stop()
    with opened(server.address("daemon", "far"), folder / "daemon/home") as store:
        problems += doubled(store, FIRST + LATER)
    for refusal in refusals:
        print(f"refused: {refusal}")
        problems += ["a refusal has several lines"] if "\n" in refusal else []
    return {
        "commits before": committed,
        "refused after, s": round(refused_after, 1),
        "the server died of it": died,
        "the writer goes on after, s": round(writer_after, 1),
        "the daemon has all after, s": round(daemon_after, 1),
    }, problems


def several(number: int) -> list:
    return [photo for part in range(100) for photo in batch("near", 1000 * number + part)]


def commit(store: Store, number: int) -> None:
    photos = several(number)
    store.commit(photos, SPACE, {photo.content: embedding(photo.content) for photo in photos})


def ballast(disk: Path, leave: int) -> None:
    """Fill a disk but for some megabytes."""
    state = os.statvfs(disk)
    free = state.f_bavail * state.f_frsize - leave * 1_000_000
    with (disk / "ballast").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, free))


def look(server: Server, folder: Path, writers: list[Writer]) -> list[str]:
    """Return what is wrong with a library that writers made."""
    with opened(server.address("trials", "near"), folder / "near", writable=True) as store:
        problems = faults(store)
        problems += [f"{one.name}: {one.message}" for one in store.check() if one.state != "ok"]
        for one in writers:
            above = "" if one.name == "near" else f"/@{one.name}"
            paths = [f"{above}/photos/{one.name}/{number}/0.jpg" for number in one.said]
            if lost := len(paths) - len(store.by_path(paths)):
                problems.append(f"{lost} commits of {one.name} are lost")
    return problems


def doubled(store: Store, count: int) -> list[str]:
    paths = [photo.path for photo in store.select()]
    if len(paths) == len(set(paths)) == count:
        return []
    return [f"{len(paths)} photos at {len(set(paths))} paths, and not {count}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["cut", "full"])
    parser.add_argument("--store", choices=STORES, default="postgres")
    parser.add_argument("--seconds", type=float, default=60.0, help="of a cut")
    parser.add_argument("--megabytes", type=int, default=900, help="of the disk that is filled")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="photofind-trials-") as temporary:
        folder = Path(temporary)
        disk = folder / "server"
        disk.mkdir()
        if options.what == "full":
            size = f"size={options.megabytes}m"
            subprocess.run(["mount", "-t", "tmpfs", "-o", size, "trials", disk], check=True)
        server = Server(options.store, disk)
        try:
            if options.what == "cut":
                figures, problems = cut(server, folder, options.seconds)
            else:
                figures, problems = full(server, folder, disk)
        finally:
            server.kill()
            if options.what == "full":
                subprocess.run(["umount", "--lazy", disk], check=True)
    for problem in problems:
        print(problem, file=sys.stderr)
    told = {"store": options.store, **figures, "problems": len(problems)}
    print_figures(f"server trials: {options.what}", told)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
