"""The speed of indexing, compared with a straightforward implementation and with the limits.

In alternation, each in a new process: photofind (scan, read, embed, commit; without the graph), the
straightforward way (decode in full, ``model.predict`` in batches), and the limits: only decoding
and only the network, each on all processors. The two stages together allow
1 / (1 / decoding + 1 / network). Once with the photos of a folder, once with generated photos of
12 megapixels.

    python benchmarks/indexing.py DIR
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from common import in_fresh_process, photos_below, print_figures, print_table, without_graphs
from PIL import Image
from threadpoolctl import threadpool_limits

from photofind.app.photofind import PhotoFind
from photofind.extractors.mobilenet import MobileNet, keras_model
from photofind.images.decode import decode
from photofind.paths import Home

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket", "retina", "immunohistochemistry")
TWELVE_MEGAPIXELS = (4000, 3000)
BATCH = 32


def copy_photos(photos: list[Path], folder: Path, times: int) -> None:
    """Copy photos several times, each copy with another content."""
    for repetition in range(times):
        for number, photo in enumerate(photos):
            data = photo.read_bytes() + b"%d" % repetition  # Bytes after a JPEG's end are ignored.
            path = folder / str(repetition) / f"{number:05}{photo.suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


def make_large_photos(folder: Path, count: int) -> None:
    """Write JPEGs of 12 megapixels: enlarged parts of photographs, with camera noise."""
    from skimage import data

    generator = np.random.default_rng(0)
    noise = generator.normal(0, 8, (*TWELVE_MEGAPIXELS[::-1], 3)).astype(np.float32)
    folder.mkdir()
    for number in range(count):
        photograph = Image.fromarray(getattr(data, PHOTOGRAPHS[number % len(PHOTOGRAPHS)])())
        share = generator.uniform(0.6, 1)
        width, height = (int(side * share) for side in photograph.size)
        left = int(generator.integers(photograph.width - width + 1))
        top = int(generator.integers(photograph.height - height + 1))
        box = (left, top, left + width, top + height)
        large = photograph.resize(TWELVE_MEGAPIXELS, Image.Resampling.BICUBIC, box)
        pixels = np.asarray(large) + np.roll(noise, number * 1009)
        photo = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        photo.save(folder / f"{number:03}.jpg", quality=90)


def product(folder: Path) -> dict[str, float]:
    """Index a folder into a new library; return photos per second."""
    count = len(photos_below(folder))
    with (
        tempfile.TemporaryDirectory() as home,
        without_graphs(),
        PhotoFind(Home(Path(home))) as photofind,
    ):
        photofind.add_folder(str(folder.resolve()))
        started = time.perf_counter()
        report = photofind.index()
        seconds = time.perf_counter() - started
    assert (report.new, report.failed) == (count, 0), report
    return {"photofind": count / report.seconds, "with start and index": count / seconds}


def straightforward(folder: Path) -> dict[str, float]:
    """Decode photos in full and pass them to Keras in batches; return photos per second."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras

    model = keras_model()
    prepare = keras.applications.mobilenet_v2.preprocess_input
    model.predict(np.zeros((BATCH, *MobileNet.input_size, 3), np.float32), verbose=0)
    paths = photos_below(folder)
    started = time.perf_counter()
    unread = iter(paths)
    while batch := list(islice(unread, BATCH)):
        pictures = [
            np.asarray(Image.open(path).convert("RGB").resize(MobileNet.input_size[::-1]))
            for path in batch
        ]
        model.predict(prepare(np.stack(pictures).astype(np.float32)), verbose=0)
    return {"straightforward": len(paths) / (time.perf_counter() - started)}


def decoding(folder: Path) -> dict[str, float]:
    """Read and decode photos on all processors; return photos per second."""
    paths = photos_below(folder)
    # As in the worker.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        started = time.perf_counter()
        for _ in pool.map(lambda path: decode(path.read_bytes(), MobileNet.input_size), paths):
            pass
        return {"decoding alone": len(paths) / (time.perf_counter() - started)}


def network(folder: Path) -> dict[str, float]:
    """Embed decoded photos on all processors; return photos per second."""
    extractor = MobileNet()
    extractor.threads = os.cpu_count() or 1
    paths = photos_below(folder)[:BATCH]
    pictures = np.stack([decode(p.read_bytes(), MobileNet.input_size).pixels for p in paths])
    extractor.embed(pictures)
    rounds = 1024 // BATCH
    started = time.perf_counter()
    for _ in range(rounds):
        extractor.embed(pictures)
    return {"network alone": rounds * len(pictures) / (time.perf_counter() - started)}


def measure(folder: Path, copies: Path, turns: int) -> dict[str, Any]:
    """Measure all ways in alternation; return the medians, photos per second, and their ratios."""
    rates: dict[str, list[float]] = defaultdict(list)
    for _ in range(turns):
        for way, photos in (
            (straightforward, folder),
            (product, copies),
            (decoding, folder),
            (network, folder),
        ):
            for name, rate in in_fresh_process(way, photos).items():
                rates[name].append(rate)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    allowed = 1 / (1 / medians["decoding alone"] + 1 / medians["network alone"])
    return {
        "photos": len(photos_below(copies)),
        **{name: round(rate, 1) for name, rate in medians.items()},
        "stages allow": round(allowed, 1),
        "times the straightforward way": round(
            medians["photofind"] / medians["straightforward"], 2
        ),
        "share of what the stages allow": round(medians["photofind"] / allowed, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="a folder with photos")
    parser.add_argument("--turns", type=int, default=5, help="measurements of each way")
    parser.add_argument("--large", type=int, default=64, help="number of large photos")
    parser.add_argument("--times", type=int, default=4, help="copies of each photo")
    arguments = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory() as temporary:
        large = Path(temporary, "large")
        make_large_photos(large, arguments.large)
        for name, folder in ((arguments.folder.name, arguments.folder), ("12 megapixels", large)):
            copies = Path(temporary, f"copies of {name}")
            copy_photos(photos_below(folder), copies, arguments.times)
            figures[name] = measure(folder, copies, arguments.turns)
    names = next(iter(figures.values()))
    rows = [[name, *(figure[name] for figure in figures.values())] for name in names]
    print_table(["photos a second", *figures], rows)
    print_figures("indexing", figures)


if __name__ == "__main__":
    main()
