"""A long life of the daemon, compressed; exits with 1 where something grows.

    python benchmarks/soak.py --photos 100000 --minutes 30

Six hours of everyday life with a large library, each in a sixth of the time given: photos come,
move and go while clients ask; a burst comes while the machine runs on battery; it is asked little,
then nothing, so that the workers end and memory is returned; the machine sleeps; the daemon is
restarted. At the end of each hour, once everything is indexed, memory, descriptors, threads, the
size of the home and the time of answers are measured. They must be the same in the last hours as
in the second and third; the first one warms up. The files of the library are real; all but those
that come later have generated embeddings, so that filling it takes a minute.
"""

from __future__ import annotations

import argparse
import base64
import io
import math
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import psutil
from common import milliseconds, print_figures, print_table
from PIL import Image
from search import BATCH, Mixture

from photofind.daemon.client import connect
from photofind.daemon.lifecycle import start, stop
from photofind.daemon.runtime import read_runtime
from photofind.errors import PhotofindError
from photofind.images.reading import content_id
from photofind.library.stores import open_store
from photofind.model import Query
from photofind.model.records import Folder, Photo
from photofind.paths import Home

HOURS = 6
CLIENTS = 3
ANSWERS = 200
PATIENCE = 600.0
LONGEST_BUILD = 120.0
# By how much a figure of the last hours may exceed that of the second and third: a share of it, and
# so much more, for what is small.
MAY_GROW = {
    "megabytes": (0.1, 20.0),
    "idle_megabytes": (0.1, 20.0),
    "descriptors": (0.0, 10.0),
    "threads": (0.0, 4.0),
    "home_megabytes": (0.1, 20.0),
    "answer_p50": (0.25, 2.0),
}

# The daemon's processes are on battery while a file exists.
BATTERY = """
import os
from collections import namedtuple
import psutil
Battery = namedtuple("Battery", "percent secsleft power_plugged")
def sensors_battery(path=os.environ["SOAK_BATTERY"]):
    return Battery(50, 3600, not os.path.exists(path))
psutil.sensors_battery = sensors_battery
"""


@dataclass(frozen=True)
class Measured:
    """What was measured at the end of an hour; memory without mapped files, of all processes.

    The answers are in milliseconds.
    """

    megabytes: float
    idle_megabytes: float
    descriptors: float
    threads: float
    home_megabytes: float
    answer_p50: float
    answer_p99: float


class Album:
    """A folder with as many photos all the time, though not the same ones."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.photos: deque[Path] = deque()
        self.done: Counter[str] = Counter()
        self._dice = np.random.default_rng(seed)
        self._number = 0

    def write(self, count: int, side: int) -> list[Path]:
        """Write photos of random blocks, in folders of a thousand."""
        written = []
        for _ in range(count):
            path = self.folder / f"{self._number // 1000:04}" / f"{self._number:07}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            blocks = Image.fromarray(self._dice.integers(0, 256, (6, 8, 3), np.uint8))
            data = io.BytesIO()
            blocks.resize((side, side * 3 // 4), Image.Resampling.BICUBIC).save(data, "JPEG")
            path.write_bytes(data.getvalue())
            self._number += 1
            self.photos.append(path)
            written.append(path)
        return written

    def stir(self, count: int) -> None:
        """Have photos come, the oldest go, and some move."""
        self.write(count, 640)
        for _ in range(count):
            self.photos.popleft().unlink()
            path = self.photos.popleft()
            moved = path.with_name(f"{path.stem}m.jpg")
            path.rename(moved)
            self.photos.append(moved)
        self.done.update({"came": count, "went": count, "moved": count})


def fill(home: Home, album: Album, count: int) -> None:
    """Write files and commit them with generated embeddings, as the indexer would."""
    mixture, dice = Mixture(), random.Random(0)
    with open_store(home, writable=True) as store:
        (space,) = [space for space in store.spaces() if space.extractor == "mobilenet"]
        (folder,) = store.folders()
        for first in range(0, count, BATCH):
            photos = []
            for path in album.write(min(BATCH, count - first), 96):
                status, taken = path.stat(), time.gmtime(1e9 + dice.random() * 7e8)
                photos.append(
                    Photo(
                        str(path),
                        size=status.st_size,
                        modified=status.st_mtime_ns,
                        inode=status.st_ino,
                        changed=status.st_ctime_ns,
                        content=content_id(path.read_bytes()),
                        fingerprint="1" + base64.b64encode(dice.randbytes(33)).decode(),
                        captured=time.strftime("%Y-%m-%dT%H:%M:%S", taken),
                        width=96,
                        height=72,
                        format="JPEG",
                    )
                )
            vectors = mixture.draw(len(photos), seed=first)
            contents = (one.content for one in photos)
            store.commit(photos, space.id, dict(zip(contents, vectors, strict=True)))
        store.put_folder(Folder(folder.path, folder.added, id=folder.id))


class Asking(threading.Thread):
    """A client that asks all the time while it is ``free`` to."""

    def __init__(self, home: Home, album: Album, seed: int) -> None:
        super().__init__(daemon=True)
        self.done, self.free = threading.Event(), threading.Event()
        self.pause = 0.2
        self.answered = 0
        self.unexplained: list[str] = []
        self._home, self._album, self._random = home, album, random.Random(seed)

    def run(self) -> None:
        while not self.done.wait(self._random.uniform(0.0, 2 * self.pause)):
            if not self.free.is_set():
                continue
            path = self._random.choice(tuple(self._album.photos))
            try:
                with connect(self._home) as client:
                    if self._random.random() < 0.7:
                        client.similar(Query((str(path),), limit=20))
                    else:
                        client.photos(limit=60, offset=self._random.randrange(1000))
                self.answered += 1
            except (PhotofindError, OSError) as error:
                if self.free.is_set() and path.exists():
                    self.unexplained.append(repr(error))


def processes_of(home: Home) -> list[psutil.Process]:
    runtime = read_runtime(home)
    if runtime is None:
        return []
    daemon = psutil.Process(runtime.pid)
    return [daemon, *daemon.children(recursive=True)]


def megabytes_of(processes: list[psutil.Process]) -> float:
    total = 0
    for process in processes:
        with suppress(psutil.Error):
            memory = process.memory_info()
            total += memory.rss - memory.shared
    return round(total / 1e6, 1)


def wait_until_indexed(home: Home, album: Album) -> None:
    """Wait until the library has the photos of the album, and no more is to be done."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(PhotofindError, OSError), connect(home) as client:
            status = client.status()
            if status.photos == len(album.photos) and not status.pending:
                return
        time.sleep(0.5)
    raise RuntimeError(f"the library did not become equal to {album.folder}")


class Life:
    """A daemon and what happens to it."""

    def __init__(self, home: Home, album: Album, clients: list[Asking], battery: Path) -> None:
        self._home, self._album, self._clients, self._battery = home, album, clients, battery
        self._random = random.Random(7)

    def hour(self, seconds: float) -> Measured:
        """Live through an hour, in so many seconds, and measure at its end."""
        began = time.monotonic()

        def until(share: float) -> float:
            return began + share * seconds

        self._busy(until(0.45), pause=0.2, burst=20)
        self._battery.touch()
        self._album.stir(60)
        self._busy(until(0.6), pause=1.0, burst=2)
        self._battery.unlink()
        wait_until_indexed(self._home, self._album)
        self._sleep(min(10.0, seconds * 0.05))
        self._busy(until(0.75), pause=0.5, burst=5)
        wait_until_indexed(self._home, self._album)
        busy = self._quiet(until(1.0))
        self._restart()
        return busy

    def _busy(self, end: float, *, pause: float, burst: int) -> None:
        for client in self._clients:
            client.pause = pause
        while time.monotonic() < end:
            self._album.stir(self._random.randint(1, burst))
            time.sleep(self._random.uniform(1.0, 5.0))

    def _sleep(self, seconds: float) -> None:
        """Let the machine sleep: nothing of photofind runs, and the clock goes on."""
        with self._undisturbed():
            sleeping = processes_of(self._home)
            for process in sleeping:
                process.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            for process in sleeping:
                process.send_signal(signal.SIGCONT)

    def _quiet(self, end: float) -> Measured:
        with self._undisturbed():
            seconds = []
            with connect(self._home) as client:
                for path in self._random.sample(tuple(self._album.photos), ANSWERS):
                    began = time.perf_counter()
                    client.similar(Query((str(path),), limit=20))
                    seconds.append(time.perf_counter() - began)
            processes = processes_of(self._home)
            answers, busy = milliseconds(seconds), megabytes_of(processes)
            descriptors = sum(process.num_fds() for process in processes)
            threads = sum(process.num_threads() for process in processes)
            idle = self._idle_megabytes(max(20.0, end - time.monotonic()))
            size = sum(path.stat().st_size for path in self._home.root.rglob("*") if path.is_file())
            return Measured(
                busy,
                idle,
                descriptors,
                threads,
                round(size / 1e6, 1),
                answers["p50"],
                answers["p99"],
            )

    def _idle_megabytes(self, seconds: float) -> float:
        """Return the least memory in some seconds without a question, in which what is idle ends.

        Where an index is built meanwhile, it is waited for a little longer. It is not asked whether
        one is: an answer takes memory too.
        """
        end, least = time.monotonic() + seconds, math.inf
        while time.monotonic() < end or (
            len(processes_of(self._home)) > 1 and time.monotonic() < end + LONGEST_BUILD
        ):
            time.sleep(1.0)
            least = min(least, megabytes_of(processes_of(self._home)))
        return least

    def _restart(self) -> None:
        with self._undisturbed():
            stop(self._home)
            start(self._home, wait_seconds=120)

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Have clients ask nothing meanwhile; what they asked before may fail."""
        for client in self._clients:
            client.free.clear()
        yield
        for client in self._clients:
            client.free.set()


def grown(hours: list[Measured]) -> list[str]:
    """Return what is larger in the last two hours than in the second and third, a line each."""
    lines = []
    for name, (share, more) in MAY_GROW.items():
        values = [getattr(hour, name) for hour in hours]
        before, after = statistics.mean(values[1:3]), statistics.mean(values[-2:])
        if after > before * (1 + share) + more:
            lines.append(f"{name} grew from {before:.1f} to {after:.1f}")
    return lines


def soak(root: Path, photos: int, minutes: float) -> int:
    battery = root / "on battery"
    (root / "patched").mkdir()
    (root / "patched" / "sitecustomize.py").write_text(BATTERY)
    os.environ |= {"SOAK_BATTERY": str(battery), "PYTHONPATH": str(root / "patched")}
    home, album = Home(root / "home"), Album(root / "photos", 0)
    album.write(5, 640)
    try:
        start(home)
        with connect(home) as asked:
            asked.set_setting("idle_minutes", "0.2")
            asked.add_folder(str(album.folder))
            asked.index(wait=True)
        stop(home)
        fill(home, album, photos)
        start(home, wait_seconds=120)
        with connect(home) as asked:
            asked.index(wait=True)
        clients = [Asking(home, album, seed) for seed in range(CLIENTS)]
        for client in clients:
            client.free.set()
            client.start()
        life, hours = Life(home, album, clients, battery), []
        for _ in range(HOURS):
            hours.append(life.hour(60 * minutes / HOURS))
            print(asdict(hours[-1]), file=sys.stderr, flush=True)
        for client in clients:
            client.done.set()
        wait_until_indexed(home, album)
        with connect(home) as asked:
            problems = [*asked.status().problems]
    finally:
        stop(home)
    names = [field.name for field in fields(Measured)]
    rows = [[name.replace("_", " "), *(getattr(hour, name) for hour in hours)] for name in names]
    print_table(["", *(f"hour {number + 1}" for number in range(HOURS))], rows)
    unexplained = [line for client in clients for line in client.unexplained]
    faults = [*grown(hours), *unexplained[:10], *problems]
    for line in faults:
        print(line)
    answered = sum(client.answered for client in clients)
    print_figures(
        "soak", {"photos": photos, "minutes": minutes, "answers": answered, **album.done,
                 "unexplained": len(unexplained), "faults": len(faults)},
    )  # fmt: skip
    return int(bool(faults))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--minutes", type=float, default=30.0)
    arguments = parser.parse_args()
    os.environ.pop("PHOTOFIND_NO_DAEMON", None)
    with tempfile.TemporaryDirectory() as temporary:
        return soak(Path(temporary), arguments.photos, arguments.minutes)


if __name__ == "__main__":
    sys.exit(main())
