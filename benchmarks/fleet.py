"""What a fleet of workers adds to one machine, and where committing becomes the limit.

The first table reads and commits 12-megapixel JPEGs by the plain worker with one thread, and by
fleets of one and two workers with one thread each, in turn; a share is of the plain worker's rate
times the number of workers. In the second, workers only sleep for as long as one was measured to
take for a photo, and give embeddings that were made up: what is left is what the machine does that
asked. All goes through mutual TLS.

    python benchmarks/fleet.py [--photos 96] [--rounds 3] [--workers 4 16 64] [--seconds S]

It needs photofind-dask, and openssl. ``--photos 0`` leaves the first table out.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from distributed import Client, LocalCluster, Security
from photofind_dask import tasks
from photofind_dask.fleet import DaskFleet
from photofind_dask.messages import pack, packed_results, unpack
from PIL import Image

from photofind.extractors.extracted import Extracted
from photofind.extractors.extraction import Extraction
from photofind.extractors.fleets import FleetInUse, WorkOptions
from photofind.extractors.info import ExtractorInfo
from photofind.images.limits import DEFAULT_LIMITS
from photofind.indexing.batches import BatchProgress
from photofind.indexing.departed import Departed
from photofind.indexing.reading import Contents, Reader
from photofind.indexing.scan import Found
from photofind.library.stores import open_store
from photofind.model.records import Folder
from photofind.paths import Home

README = Path(__file__).parents[1] / "plugins/photofind-dask/README.md"
OPTIONS = WorkOptions(DEFAULT_LIMITS, 60.0, 3000.0, "whole")
DIMENSION = 1280


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 4, 16, 64])
    parser.add_argument("--seconds", type=float, help="for a photo; measured where not given")
    options = parser.parse_args()
    os.environ[tasks.THREADS] = "1"
    with tempfile.TemporaryDirectory() as folder:
        security = certificates(Path(folder) / "certificates")
        seconds = options.seconds
        if options.photos:
            plain = measure(Path(folder), security, options.photos, options.rounds)
            seconds = seconds or 1 / plain
        for workers in options.workers:
            simulate(Path(folder), security, workers, seconds or 0.1)


def measure(folder: Path, security: Security, count: int, rounds: int) -> float:
    """Print the rates of the plain worker and of small fleets; return the plain one."""
    paths = large_photos(folder / "photos", count)
    rates: dict[str, list[float]] = {"plain": [], "1 worker": [], "2 workers": []}
    with (
        Extraction("mobilenet", threads=1) as plain,
        cluster(security, 2, 1) as scheduler,
    ):
        info = plain.info()
        fleets = {}
        for name, workers in (("1 worker", 1), ("2 workers", 2)):
            client = Client(scheduler, security=security, set_as_default=False)
            fleets[name] = DaskFleet(client, scheduler, OPTIONS)
            for worker in [*client.nthreads()][workers:]:
                fleets[name]._unfit[worker] = "not in this round"
        fleets["2 workers"].check(info)
        for _ in range(rounds + 1):  # The first round warms up.
            for name, results in rates.items():
                results.append(rate(fleets.get(name), plain, info, paths, folder))
    for name, results in rates.items():
        share = statistics.median(
            one / (base * (2 if name == "2 workers" else 1))
            for one, base in zip(results[1:], rates["plain"][1:], strict=True)
        )
        print(f"{name:10} {statistics.median(results[1:]):6.1f} photos/s, {share:.0%} of ideal")
    return statistics.median(rates["plain"][1:])


def simulate(folder: Path, security: Security, workers: int, seconds: float) -> None:
    """Print what a fleet reaches whose workers sleep for so long for each photo."""
    count = max(200, int(10 / seconds * workers))
    info = ExtractorInfo("simulated", "1", DIMENSION, (224, 224), "simulated")
    threads = min(workers, 16)  # Of a process: asleep, they are as good as workers.
    with cluster(security, workers // threads, threads) as scheduler:
        client = Client(scheduler, security=security, set_as_default=False)
        fleet = DaskFleet(client, scheduler, OPTIONS, asleep)
        # The seconds go with each photo, for a worker knows nothing but its task.
        paths = [f"/photos/{seconds}/{number}.jpg" for number in range(count)]
        with Extraction("simulated") as nothing:
            reached = rate(fleet, nothing, info, paths, folder)
        fleet.close()
    ideal = workers / seconds
    print(f"{workers:3} asleep {reached:7.1f} photos/s of {ideal:7.1f}, {reached / ideal:.0%}")


def rate(
    fleet: DaskFleet | None, extraction: Extraction, info: ExtractorInfo, paths: list[str],
    folder: Path,
) -> float:  # fmt: skip
    """Read photos and commit them to a new library; return photos a second."""
    in_use = FleetInUse()
    in_use._fleet = fleet
    extraction._fleet, extraction._info = in_use, info
    with (
        tempfile.TemporaryDirectory(dir=folder) as home,
        open_store(Home(Path(home)), writable=True) as store,
    ):
        store.put_folder(Folder(str(Path(paths[0]).parent), 0.0))
        space = store.open_space(info.name, info.version, info.dimension)
        reader = Reader(store, extraction, space.id, Departed(), reach=_Nothing())
        files = [Found(path, number, 1, number) for number, path in enumerate(paths)]
        progress = BatchProgress("reading", len(files))
        began = time.perf_counter()
        for start in range(0, len(files), 16_384):
            reader.read(files[start : start + 16_384], Contents(set), progress)
        passed = time.perf_counter() - began
        assert store.counts().photos == len(paths)
    extraction._fleet = FleetInUse()
    return len(paths) / passed


def asleep(request: bytes) -> bytes:
    """Sleep for as long as decoding took, and give embeddings; a worker's task."""
    asked = unpack(request)
    seconds = float(Path(asked["paths"][0]).parent.name) * len(asked["paths"])
    time.sleep(seconds)
    random = np.random.default_rng(abs(hash(asked["paths"][0])))
    vectors = random.normal(size=(len(asked["paths"]), DIMENSION)).astype("f4")
    extracted = [
        Extracted(path=path, content=f"{abs(hash(path)):032x}", width=4000, height=3000,
                  format="JPEG", vector=vector, captured="2021-05-01T10:00:00",
                  camera="Camera", tags=(("cat", 0.9),))
        for path, vector in zip(asked["paths"], vectors, strict=True)
    ]  # fmt: skip
    return pack({**packed_results(extracted), "missing": [], "seconds": seconds})


class _Nothing:
    """No photo is missing, and no folder is silent."""

    def call(self, path: str, function: Any, *arguments: Any) -> bool:
        return True


@contextmanager
def cluster(security: Security, workers: int, threads: int) -> Iterator[str]:
    """Start a scheduler and workers, and give its address."""
    with LocalCluster(
        n_workers=workers,
        threads_per_worker=threads,
        processes=True,
        host="127.0.0.1",
        protocol="tls://",
        security=security,
        dashboard_address=None,
    ) as started:
        yield started.scheduler_address


def certificates(folder: Path) -> Security:
    """Make certificates by the lines of the README."""
    folder.mkdir()
    (recipe,) = re.findall(r"```sh\n(openssl.*?)```", README.read_text("utf-8"), re.DOTALL)
    subprocess.run(["sh", "-e"], input=recipe.encode(), cwd=folder, check=True, capture_output=True)
    files = {f"tls_{kind}_{part}": str(folder / f"{part}.pem")
             for kind in ("client", "worker", "scheduler") for part in ("cert", "key")}  # fmt: skip
    return Security(require_encryption=True, tls_ca_file=str(folder / "ca.pem"), **files)


def large_photos(folder: Path, count: int) -> list[str]:
    """Write different photos of 12 megapixels: noise over slopes, as large as a camera's."""
    folder.mkdir()
    random = np.random.default_rng(0)
    coarse = random.integers(0, 255, (60, 80, 3), np.uint8)
    picture = Image.fromarray(coarse).resize((4000, 3000), Image.Resampling.BICUBIC)
    pixels = np.asarray(picture, np.int16) + random.integers(-12, 12, (3000, 4000, 1), np.int16)
    paths = []
    for number in range(count):
        shown = np.clip(np.roll(pixels, 37 * number, axis=1), 0, 255).astype(np.uint8)
        path = folder / f"{number}.jpg"
        Image.fromarray(shown).save(path, quality=88)
        paths.append(str(path))
    return paths


if __name__ == "__main__":
    main()
