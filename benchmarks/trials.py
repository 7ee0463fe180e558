"""What photofind has to survive, tried on real processes; exits with 1 where it does not.

    python benchmarks/trials.py kills DIR --times 100

"kills" indexes the photos in DIR again and again and kills photofind with SIGKILL at random
moments: while it reads photos, fits the index and builds the graph; the command or the builder in
the background; the process alone or with its group. After each, all photos that were committed
must be there once, each with its own vector, and no process may be left over.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from common import print_figures

from photofind.library.catalog import Photo
from photofind.library.library import Library
from photofind.paths import Home
from photofind.photofind import PhotoFind

# How long a worker may take to notice that its parent is gone.
PATIENCE = 20.0
ENDLESS = 1800.0


class Life:
    """A home from its beginning until its library is complete, through any number of deaths."""

    def __init__(self, home: Home, folder: Path, cache: Path) -> None:
        self.home = home
        home.root.mkdir()
        home.cache.symlink_to(cache)
        self.environment = {**os.environ, "PHOTOFIND_HOME": str(home.root)}
        self.seen: set[str] = set()
        with PhotoFind(home) as photofind:
            photofind.add_folder(str(folder))

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start ``photofind index`` in a process group of its own."""
        command = "from photofind.cli import main; main()"
        return subprocess.Popen(
            [sys.executable, "-c", command, "index", *arguments],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def processes(self) -> list[psutil.Process]:
        """Return all processes that work on this home."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def builder(self) -> psutil.Process | None:
        """Return the process that builds the graph in the background, where there is one."""
        return next(filter(_is_builder, self.processes()), None)

    def watch(self, command: subprocess.Popen[bytes], seconds: float) -> psutil.Process | None:
        """Read along for so long; return what is running then: the command or the builder."""
        end = time.monotonic() + seconds
        with Library(self.home) as library:
            while time.monotonic() < end:
                library.refresh()
                self.seen = {photo.path for photo in library.photos()}
                if command.poll() is not None and self.builder() is None:
                    return None
                time.sleep(0.05)
        return psutil.Process(command.pid) if command.poll() is None else self.builder()

    def leftovers(self) -> tuple[list[str], float]:
        """Wait until all but the builder's processes have ended; return those that do not."""
        began = time.monotonic()
        while True:
            builder = self.builder()
            allowed = {builder, *builder.children(recursive=True)} if builder else set()
            left = [process for process in self.processes() if process not in allowed]
            took = time.monotonic() - began
            if not left or took > PATIENCE:
                return [" ".join(process.cmdline()) for process in left], took
            time.sleep(0.05)

    def finish(self) -> None:
        """Index to the end, with the graph."""
        command = self.start("--wait")
        _, errors = command.communicate(timeout=ENDLESS)
        if command.returncode:
            raise RuntimeError(errors.decode())
        self.wait_for_builder()

    def wait_for_builder(self) -> None:
        if builder := self.builder():
            psutil.wait_procs([builder], timeout=ENDLESS)

    def photos(self) -> list[Photo]:
        with Library(self.home) as library:
            return list(library.photos())

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return (
                process.pid != os.getpid()
                and process.environ().get("PHOTOFIND_HOME") == str(self.home.root)
                and process.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.Error:
            return False


def _is_builder(process: psutil.Process) -> bool:
    try:
        return "photofind.indexing.background" in process.cmdline()
    except psutil.Error:
        return False


@dataclass
class Tally:
    """What came of the kills."""

    killed: Counter[str] = field(default_factory=Counter)
    opened: int = 0
    finished: int = 0
    lost: int = 0
    doubled: int = 0
    mistaken: int = 0
    orphans: int = 0
    seconds_until_workers_ended: float = 0.0
    problems: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return sum(self.killed.values())

    def check(self, life: Life, right: dict[str, np.ndarray]) -> None:
        """Open the library and compare it with what was seen and what is right."""
        with Library(life.home) as library:
            self.opened += 1
            self.problems += library.warnings
            photos = list(library.photos())
            paths = Counter(photo.path for photo in photos)
            self.lost += len(life.seen - paths.keys())
            self.doubled += sum(count - 1 for count in paths.values())
            contents = {(row, photo.content) for photo in photos for row in photo.rows.values()}
            self.doubled += len(contents) - len({content for _, content in contents})
            for space in library.spaces():
                vectors = library.vectors(space.id)
                self.mistaken += len(np.intersect1d(vectors.damaged(), library.live_rows(space.id)))
                for photo in photos:
                    if space.id in photo.rows:
                        (vector,) = vectors.rows([photo.rows[space.id]])
                        self.mistaken += float(vector @ right[photo.content]) < 0.999


def embeddings(life: Life) -> dict[str, np.ndarray]:
    """Return the vectors of a library by content."""
    with Library(life.home) as library:
        (space,) = library.spaces()
        vectors = library.vectors(space.id)
        return {
            photo.content: vectors.rows([photo.rows[space.id]])[0]
            for photo in library.photos()
            if photo.rows
        }


def kills(folder: Path, times: int, seed: int, top: Path) -> Tally:
    """Kill photofind so many times, and return what came of it."""
    dice = random.Random(seed)
    cache = top / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    lives = (Life(Home(top / f"life-{number}"), folder, cache) for number in range(times + 1))

    undisturbed = next(lives)
    began = time.monotonic()
    undisturbed.start().communicate(timeout=ENDLESS)
    reading = time.monotonic() - began
    undisturbed.wait_for_builder()
    whole = time.monotonic() - began
    right, photos = embeddings(undisturbed), len(undisturbed.photos())
    print(f"{photos} photos are read in {reading:.1f} s; with the graph it is {whole:.1f} s")

    tally = Tally()
    while tally.kills < times:
        life = next(lives)
        while tally.kills < times:
            wait = dice.random() < 0.5
            moment = dice.uniform(0, reading if dice.random() < 0.75 else whole)
            whole_group = dice.random() < 0.5
            command = life.start(*["--wait"] * wait)
            victim = life.watch(command, moment)
            if victim is None:
                break
            what = "builder" if _is_builder(victim) else "index --wait" if wait else "index"
            kill(victim, whole_group)
            tally.killed[f"{what}, {'its group' if whole_group else 'alone'}"] += 1
            if what != "builder":
                command.communicate()
            left, took = life.leftovers()
            tally.orphans += len(left)
            tally.problems += left
            tally.seconds_until_workers_ended = max(took, tally.seconds_until_workers_ended)
            tally.check(life, right)
            print(f"{tally.kills:4} {life.home.root.name}: killed {what} after {moment:.1f} s, "
                  f"{len(life.photos())} photos there", flush=True)  # fmt: skip
            if dice.random() < 0.08:
                break
        life.wait_for_builder()
        life.finish()
        tally.check(life, right)
        tally.finished += len(life.photos()) == photos
        tally.problems += unfinished(life, photos)
    return tally


def kill(victim: psutil.Process, whole_group: bool) -> None:
    try:
        if whole_group:
            os.killpg(victim.pid, signal.SIGKILL)
        else:
            os.kill(victim.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # It has just ended by itself.


def unfinished(life: Life, photos: int) -> Iterator[str]:
    """Yield what a library lacks that should be complete."""
    with PhotoFind(life.home) as photofind:
        status = photofind.status()
        if status.photos + status.failed != photos or status.pending or status.problems:
            yield f"{life.home.root.name}: {status}"
    yield from life.leftovers()[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True)
    killing = commands.add_parser("kills", help="kill -9 at random moments")
    killing.add_argument("folder", type=Path)
    killing.add_argument("--times", type=int, default=100)
    killing.add_argument("--seed", type=int, default=1)
    killing.add_argument("--homes", type=Path, help="an empty folder for the homes; kept")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        homes = arguments.homes or Path(temporary)
        tally = kills(arguments.folder.resolve(), arguments.times, arguments.seed, homes)
    print_figures("kills", {"kills": tally.kills, **vars(tally)})
    if tally.lost or tally.doubled or tally.mistaken or tally.orphans or tally.problems:
        sys.exit(1)


if __name__ == "__main__":
    main()
