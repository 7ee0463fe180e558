"""The cost of the daemon and the speed of its answers, measured on whole processes.

    python benchmarks/daemon.py answers [--photos 100000]   # commands against a running daemon
    python benchmarks/daemon.py idle [--photos 100000] [--minutes 5]
    python benchmarks/daemon.py burst DIR [--photos 5000]   # photos copied into a watched folder
    python benchmarks/daemon.py first-pass [--photos 2000]  # 12-megapixel photos with thumbnails

``answers`` and ``idle`` use a library of generated embeddings with a real catalog; ``--home`` keeps
it for the next run. DIR is a folder of photos, of which ``--photos`` copies are made.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil
import search
from common import in_fresh_process, milliseconds, photos_below, print_figures, print_table
from first_pass import make_backlog
from indexing import decoding
from PIL import Image, ImageEnhance
from search import path_of

from photofind.app.photofind import PhotoFind
from photofind.daemon.client import Client, connect
from photofind.daemon.lifecycle import start, stop
from photofind.daemon.runtime import read_runtime
from photofind.model import Query
from photofind.paths import Home

PHOTOFIND = Path(sysconfig.get_path("scripts"), "photofind")


@contextmanager
def running(home: Home) -> Iterator[Client]:
    """Run a daemon during the block, and yield its client."""
    start(home)
    try:
        with connect(home) as client:
            assert isinstance(client, Client), "the daemon did not start"
            yield client
    finally:
        stop(home)


def seconds_of(command: list[str], home: Home) -> float:
    environment = {**os.environ, "PHOTOFIND_HOME": str(home.root)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def wait_for(true: Callable[[], object], seconds: float = 3600.0) -> float:
    """Wait until a condition is true; return how long it took."""
    started = time.perf_counter()
    while not true():
        if time.perf_counter() - started > seconds:
            raise TimeoutError(f"it did not become true within {seconds} s")
        time.sleep(0.05)
    return time.perf_counter() - started


def generated(root: Path, photos: int) -> Home:
    """Return a home with a library of generated photos, created if it does not exist."""
    home = Home(root)
    if not home.catalog.exists():
        search.EXTRACTOR, search.SPACE = "mobilenet", "mobilenet@1"
        search.fill(root, 0, photos)
        search.keep(root)
    return home


def a_photo(folder: Path) -> Path:
    """Return a photo outside the library."""
    from skimage import data

    path = folder / "outside.jpg"
    Image.fromarray(data.coffee()).save(path)
    return path


def answers(home: Home, turns: int) -> dict[str, Any]:
    """Measure whole ``photofind similar`` processes against a running daemon."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        outside = str(a_photo(Path(temporary)))
        stop(home)
        began = time.perf_counter()
        start(home)
        figures["daemon started, s"] = round(time.perf_counter() - began, 2)
        first = [str(PHOTOFIND), "similar", path_of(1)]
        figures["first answer after the start, s"] = round(seconds_of(first, home), 2)
        figures["first answer for another photo (a worker starts), s"] = round(
            seconds_of([str(PHOTOFIND), "similar", outside], home), 2
        )
        time.sleep(10)  # For the graph to be loaded.
        runs: dict[str, list[float]] = {}
        for turn in range(turns):
            for name, command in {
                'python -c "import click"': [sys.executable, "-c", "import click"],
                "photofind similar, a photo of the library": [
                    str(PHOTOFIND), "similar", path_of(turn * 997),
                ],
                "photofind similar, another photo": [str(PHOTOFIND), "similar", outside],
            }.items():  # fmt: skip
                runs.setdefault(name, []).append(seconds_of(command, home))
        medians = {name: statistics.median(taken) for name, taken in runs.items()}
        click = medians['python -c "import click"']
        for name, taken in medians.items():
            figures[f"{name}, ms"] = round(1e3 * taken)
            figures[f"{name}, times click's import"] = round(taken / click, 2)
        with connect(home) as client:
            taken = []
            for turn in range(200):
                began = time.perf_counter()
                answer = client.similar(Query((path_of(turn * 331),), limit=20))
                taken.append(time.perf_counter() - began)
            figures["answer over the API, ms"] = milliseconds(taken)
            figures["answered by"] = answer.searched_by
        each = [str(PHOTOFIND), "similar", "--each", *(path_of(turn * 313) for turn in range(1000))]
        figures["similar --each of 1,000 photos, s"] = round(seconds_of(each, home), 1)
        figures["the same, times as many answers over the API one by one"] = round(
            seconds_of(each, home) / (1000 * statistics.mean(taken)), 2
        )
        stop(home)
    return figures


def memory(home: Home) -> dict[str, float]:
    """Return the memory of all daemon processes in MB: resident, and without mapped files."""
    runtime = read_runtime(home)
    assert runtime is not None
    daemon = psutil.Process(runtime.pid)
    every = [daemon, *daemon.children(recursive=True)]
    whole = [process.memory_info() for process in every]
    return {
        "processes": len(every),
        "resident MB": round(sum(m.rss for m in whole) / 1e6, 1),
        "without mapped files MB": round(
            sum(m.rss - getattr(m, "shared", 0) for m in whole) / 1e6, 1
        ),
    }


def processor(home: Home) -> float:
    """Return the CPU time of the daemon and its ended children, in seconds."""
    runtime = read_runtime(home)
    assert runtime is not None
    times = psutil.Process(runtime.pid).cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def idle(home: Home, minutes: float) -> dict[str, Any]:
    """Measure the idle daemon, before any query and after use."""
    figures: dict[str, Any] = {}
    with running(home) as client:
        client.set_setting("idle_minutes", "0.5")
        wait_for(lambda: client.status().daemon and not _busy(client))
        time.sleep(60)
        figures["fresh"] = memory(home)
        before = processor(home)
        time.sleep(60 * minutes)
        figures[f"processor seconds in {minutes:g} idle minutes"] = round(
            processor(home) - before, 2
        )
        with tempfile.TemporaryDirectory() as temporary:
            outside = str(a_photo(Path(temporary)))
            for turn in range(100):
                client.similar(Query((path_of(turn * 331),), limit=20))
            client.similar(Query((outside,)))
        figures["in use"] = memory(home)
        time.sleep(90)
        figures["after use"] = memory(home)
        client.reset_setting("idle_minutes")
    return figures


def _busy(client: Client) -> bool:
    daemon = client.status().daemon
    return daemon is None or daemon.activity is not None


def copies(folder: Path, target: Path, count: int) -> None:
    """Write photos into ``target``, each different from all others."""
    photos = photos_below(folder)
    target.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        photo = photos[number % len(photos)]
        path = target / f"{number:05}.jpg"
        if number < len(photos):
            shutil.copyfile(photo, path)
        else:  # Another picture, so that it must be embedded.
            with Image.open(photo) as image:
                bright = ImageEnhance.Brightness(image.convert("RGB"))
                bright.enhance(0.8 + 0.05 * (number // len(photos))).save(path, quality=90)


def burst(folder: Path, count: int) -> dict[str, Any]:
    """Copy photos into a watched folder during searches; compare with `photofind index`."""
    with tempfile.TemporaryDirectory() as temporary:
        source, watched = Path(temporary, "source"), Path(temporary, "watched")
        copies(folder, source, count)
        watched.mkdir()
        shutil.copyfile(photos_below(folder)[0], watched / "first.jpg")
        home = Home(Path(temporary, "home"))
        with running(home) as client:
            client.add_folder(str(watched))
            wait_for(lambda: client.status().photos == 1)
            taken: list[float] = []
            done = Event()

            def ask() -> None:
                with connect(home) as mine:
                    while not done.is_set():
                        began = time.perf_counter()
                        mine.similar(Query((str(watched / "first.jpg"),)))
                        taken.append(time.perf_counter() - began)
                        time.sleep(0.1)

            asking = Thread(target=ask)
            asking.start()
            began = time.perf_counter()
            shutil.copytree(source, watched / "more")
            copied = time.perf_counter() - began
            wait_for(lambda: client.status().photos == count + 1)
            searchable = time.perf_counter() - began
            wait_for(lambda: client.status().preliminary == 0 and not _busy(client))
            done.set()
            asking.join()
        alone = Home(Path(temporary, "alone"))
        with PhotoFind(alone) as photofind:
            photofind.add_folder(str(watched))
            began = time.perf_counter()
            photofind.index()
            indexed = time.perf_counter() - began
    return {
        "photos": count,
        "copied s": round(copied, 1),
        "searchable s": round(searchable, 1),
        "photofind index s": round(indexed, 1),
        "searchable, times photofind index": round(searchable / indexed, 2),
        "answers meanwhile, ms": milliseconds(taken),
        "answers": len(taken),
    }


def first_pass_of(count: int) -> dict[str, Any]:
    """Add large photos with thumbnails; measure the time until searchable, and until complete."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "photos")
        make_backlog(folder, count)
        sample = Path(temporary, "sample")
        sample.mkdir()
        for path in photos_below(folder)[:48]:
            shutil.copyfile(path, sample / path.name)
        limit = in_fresh_process(decoding, sample)["decoding alone"]
        home = Home(Path(temporary, "home"))
        with running(home) as client:
            began = time.perf_counter()
            client.add_folder(str(folder))
            wait_for(lambda: client.status().photos == count)
            searchable = time.perf_counter() - began
            wait_for(lambda: client.status().preliminary == 0)
            refined = time.perf_counter() - began
    return {
        "photos": count,
        "all searchable s": round(searchable, 1),
        "all refined s": round(refined, 1),
        "decode limit, photos a second": round(limit, 1),
        "searchable, times faster than decoding": round(count / limit / searchable, 1),
        "refined, share of the decode limit": round(count / limit / refined, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("answers", "idle", "burst", "first-pass"))
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--photos", type=int)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--turns", type=int, default=21)
    parser.add_argument("--home", type=Path, help="the home for the generated library")
    arguments = parser.parse_args()
    if arguments.what == "burst":
        if arguments.folder is None:
            parser.error("burst takes a folder of photos")
        figures = burst(arguments.folder, arguments.photos or 5000)
    elif arguments.what == "first-pass":
        figures = first_pass_of(arguments.photos or 2000)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            home = generated(arguments.home or Path(temporary), arguments.photos or 100_000)
            if arguments.what == "answers":
                figures = answers(home, arguments.turns)
            else:
                figures = idle(home, arguments.minutes)
    print_table(["", ""], [[name, figure] for name, figure in figures.items()])
    print_figures(f"daemon {arguments.what}", figures)


if __name__ == "__main__":
    main()
