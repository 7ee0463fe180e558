"""Crash and failure tests on real processes; exits with 1 after any failure.

    python benchmarks/trials.py kills DIR --times 100
    sudo python benchmarks/trials.py disks DIR
    python benchmarks/trials.py orientations EXAMPLES OTHERS

"kills" indexes the photos in DIR repeatedly and kills photofind with SIGKILL at random moments:
while it reads photos, fits the index and builds the graph; the command or the builder in the
background; the process alone or with its group. Afterwards, all committed photos must be present
once, each with its own embedding, and no process may be left over.

"disks" indexes DIR on a disk that is too small, then a little larger, and so on, so that it fills
up during every kind of write; then searches a read-only library. It mounts disks, so it needs Linux
and root.

"orientations" indexes pictures in all EXIF orientations among others, and compares the answers for
each with those for the same picture turned upright and saved without EXIF.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from common import print_figures
from PIL import Image, ImageOps

from photofind.app.photofind import PhotoFind
from photofind.images.formats import is_photo
from photofind.indexing.index_maintenance.fit import GRAPH_PAYS
from photofind.library.stores import open_store
from photofind.model import Query
from photofind.model.filters import Filter
from photofind.model.records import Photo
from photofind.paths import Home

# Time for a worker to notice that its parent has ended.
PATIENCE = 20.0
ENDLESS = 1800.0


class Life:
    """A home from its creation until its library is complete, across any number of kills."""

    def __init__(self, home: Home, folder: Path, cache: Path) -> None:
        self.home = home
        home.root.mkdir()
        home.cache.symlink_to(cache)
        own = {"PHOTOFIND_HOME": str(home.root), "PHOTOFIND_NO_DAEMON": "1"}
        self.environment = {**os.environ, **own}
        self.seen: set[str] = set()
        with PhotoFind(home) as photofind:
            photofind.add_folder(str(folder))

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run ``photofind`` and return its exit code and its messages."""
        command = [sys.executable, "-m", "photofind", *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=ENDLESS
        )
        return done.returncode, done.stderr

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start ``photofind index`` in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "photofind", "index", *arguments],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def processes(self) -> list[psutil.Process]:
        """Return all processes that use this home."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def builder(self) -> psutil.Process | None:
        """Return the process that builds the graph in the background; None without one."""
        return next(filter(_is_builder, self.processes()), None)

    def watch(self, command: subprocess.Popen[bytes], seconds: float) -> psutil.Process | None:
        """Read the output for ``seconds``; return what runs then: the command or the builder."""
        end = time.monotonic() + seconds
        with open_store(self.home) as store:
            while time.monotonic() < end:
                store.refresh()
                self.seen = {photo.path for photo in store.select()}
                if command.poll() is not None and self.builder() is None:
                    return None
                time.sleep(0.05)
        return psutil.Process(command.pid) if command.poll() is None else self.builder()

    def leftovers(self) -> tuple[list[str], float]:
        """Wait until all processes except the builder's have ended; return the rest."""
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
        """Finish indexing, with the graph."""
        code, told = self.run("index", "--wait")
        if code:
            raise RuntimeError(told)
        self.wait_for_builder()

    def wait_for_builder(self) -> None:
        if builder := self.builder():
            psutil.wait_procs([builder], timeout=ENDLESS)

    def photos(self) -> list[Photo]:
        with open_store(self.home) as store:
            return list(store.select())

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
    """The results of the kills."""

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
        with open_store(life.home) as store:
            self.opened += 1
            self.problems += store.problems
            photos = list(store.select())
            paths = Counter(photo.path for photo in photos)
            self.lost += len(life.seen - paths.keys())
            self.doubled += sum(count - 1 for count in paths.values())
            self.mistaken += sum(check.state == "broken" for check in store.check())
            for space in store.spaces():
                embedded = {photo.content for photo in store.select(Filter(embedded=space.id))}
                self.doubled += store.space_counts(space.id).contents - len(embedded)
                for contents, vectors in store.scan(space.id):
                    for content, vector in zip(contents, vectors, strict=True):
                        self.mistaken += float(vector @ right[content]) < 0.999


def embeddings(life: Life) -> dict[str, np.ndarray]:
    """Return the embeddings of a library by content."""
    with open_store(life.home) as store:
        (space,) = store.spaces()
        return {
            content: vector
            for contents, vectors in store.scan(space.id)
            for content, vector in zip(contents, vectors, strict=True)
        }


def kills(folder: Path, times: int, seed: int, top: Path) -> dict[str, Any]:
    """Kill photofind ``times`` times, and return the results."""
    dice = random.Random(seed)
    cache = top / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    lives = (Life(Home(top / f"life-{number}"), folder, cache) for number in count())

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
            # Where there is no graph to be built, most of the time goes into reading.
            if dice.random() < (0.08 if photos >= GRAPH_PAYS else 0.4):
                break
        life.wait_for_builder()
        life.finish()
        tally.check(life, right)
        tally.finished += len(life.photos()) == photos
        tally.problems += unfinished(life, photos)
    for what in ("lost", "doubled", "mistaken", "orphans"):
        if number := getattr(tally, what):
            tally.problems.append(f"{number} {what}")
    return {"kills": tally.kills, **vars(tally)}


def kill(victim: psutil.Process, whole_group: bool) -> None:
    try:
        if whole_group:
            os.killpg(victim.pid, signal.SIGKILL)
        else:
            os.kill(victim.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # It has just ended.


def unfinished(life: Life, photos: int) -> Iterator[str]:
    """Yield what is missing in a library that should be complete."""
    with PhotoFind(life.home) as photofind:
        status = photofind.status()
        if status.photos + status.failed != photos or status.pending or status.problems:
            yield f"{life.home.root.name}: {status}"
    yield from life.leftovers()[0]


def disks(folder: Path, top: Path) -> dict[str, Any]:
    """Fill disks up at every stage, then remove write permission; return the results."""
    (top / "cache").mkdir()
    disk = top / "disk"
    disk.mkdir()
    kilobytes, seen, problems, stages = 128, 0, [], Counter[str]()
    mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", disk)
    try:
        life = Life(Home(disk / "home"), folder, top / "cache")
        while True:
            code, told = life.run("index", "--wait")
            photos = len(life.photos())
            if photos < seen:
                problems.append(f"{seen - photos} photos were lost on {kilobytes} kB")
            seen = photos
            if code == 0:
                break
            full = re.match(
                r"photofind: the disk that holds (\S+) is full\n  free some space", told
            )
            if not full:
                problems.append(told)
                break
            stages[Path(full[1]).relative_to(life.home.root).parts[-1].split("-")[0]] += 1
            problems += refusals(life, "is full", fill=disk / "filler")
            kilobytes = int(1.1 * kilobytes)
            mount("-o", f"remount,size={kilobytes}k", disk)
        mount("-o", "remount,ro", disk)
        for arguments in (["status"], ["failures"], ["similar", str(life.photos()[0].path)]):
            code, told = life.run(*arguments)
            if code:
                problems.append(f"{arguments} in a library that can only be read: {told}")
        problems += refusals(life, "Read-only file system")
    finally:
        subprocess.run(["umount", disk], check=True)
    return {"photos": seen, "full_at": dict(stages), "problems": problems}


def refusals(life: Life, reason: str, fill: Path | None = None) -> Iterator[str]:
    """Yield messages that do not state the reason why nothing can be written."""
    if fill:
        with suppress(OSError), fill.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
    code, told = life.run("config", "set", "hits", "7")
    if code != 1 or reason not in told or life.home.settings.exists():
        yield f"settings where nothing can be written: {told}"
    if fill:
        fill.unlink()
    else:
        code, told = life.run("index")
        if code != 1 or reason not in told:
            yield f"indexing where nothing can be written: {told}"


def mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *arguments], check=True)


def orientations(examples: Path, others: Path, top: Path) -> dict[str, Any]:
    """Return how the answers for all orientations differ from those for upright pictures."""
    (top / "cache").mkdir()
    life = Life(Home(top / "life"), others, top / "cache")
    life.run("folders", "add", str(examples))
    life.run("index")
    first = same = 0
    farthest, worst = 0, 1.0
    pictures = sorted(path for path in examples.iterdir() if is_photo(path.name))
    with PhotoFind(life.home) as photofind:
        for picture in pictures:
            upright = top / f"{picture.stem}.png"
            ImageOps.exif_transpose(Image.open(picture)).save(upright, exif=b"")
            stored = photofind.similar(Query((str(picture),), limit=500, every=True)).hits
            answer = photofind.similar(Query((str(upright),), limit=500, every=True)).hits
            first += answer[0].path == str(picture)
            worst = min(worst, answer[0].score)
            places = [hit.path for hit in answer if hit.path != str(picture)]
            moves = [abs(places.index(hit.path) - place) for place, hit in enumerate(stored[:20])]
            same += not any(moves)
            farthest = max(farthest, *moves)
    return {
        "pictures": len(pictures),
        "first_for_its_upright_version": first,
        "lowest_score_of_those": worst,
        "first_20_hits_the_same": same,
        "farthest_move_among_those": farthest,
        "problems": [] if first == len(pictures) else ["not all are first"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True)
    killing = commands.add_parser("kills", help="kill -9 at random moments")
    killing.add_argument("folder", type=Path)
    killing.add_argument("--times", type=int, default=100)
    killing.add_argument("--seed", type=int, default=1)
    killing.add_argument("--homes", type=Path, help="an empty folder for the homes; kept")
    killing.set_defaults(
        trial=lambda its, top: kills(its.folder.resolve(), its.times, its.seed, its.homes or top)
    )
    filling = commands.add_parser("disks", help="disks that are full or read-only (root)")
    filling.add_argument("folder", type=Path)
    filling.set_defaults(trial=lambda its, top: disks(its.folder.resolve(), top))
    turning = commands.add_parser("orientations", help="EXIF orientations")
    turning.add_argument("examples", type=Path)
    turning.add_argument("others", type=Path)
    turning.set_defaults(
        trial=lambda its, top: orientations(its.examples.resolve(), its.others.resolve(), top)
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        figures = arguments.trial(arguments, Path(temporary))
    print_figures("trials", figures)
    if figures["problems"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
