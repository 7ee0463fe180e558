"""All installed extractors compared on the same photos, in one folder per class.

Prints, for each: mAP and P@10 in percent with every photo a query against the rest, by the plain
cosine and by photofind's ranking; photos per second from files to embeddings; the memory of the
worker; the length of an embedding and its bytes on disk. Then the same for combinations of
extractors. Also writes a plot.

With --threads only this: mobilenet, efficientnet-lite0 and a Keras model that was added, with one
and two threads, beside two workers of one thread that run at once, the ideal of two threads.

    python benchmarks/extractors.py DIR [--only a,b] [--together a,b] [--plot FILE] [--threads]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from common import in_fresh_process, photos_below, print_figures, print_table, without_graphs

from photofind.app.photofind import PhotoFind
from photofind.errors import ExtractorError
from photofind.extractors.add_model import add_model
from photofind.extractors.extraction import Extraction
from photofind.extractors.models import Model
from photofind.extractors.registry import installed
from photofind.model import Query
from photofind.paths import Home
from photofind.settings import set_setting

COLUMNS = [
    *("extractor", "plain mAP", "plain P@10", "mAP", "P@10"),
    *("photos/s", "MB", "numbers", "bytes a photo"),
]
TOGETHER = "mobilenet,efficientnet-lite0"
ADDED = "added"
THREADS = ["one thread", "two threads", "two workers", "share of ideal, %"]
ROUNDS, PHOTOS = 5, 128


def label(path: str) -> str:
    return Path(path).parent.name


def evaluate(photofind: PhotoFind, photos: Sequence[str], extractor: str, plain: bool) -> list:
    """Return mAP and P@10 with every photo as a query, in percent."""
    relevant = Counter(map(label, photos))
    average, at_ten = 0.0, 0.0
    for path in photos:
        query = Query((path,), limit=len(photos), every=True, plain=plain, extractor=extractor)
        hits = [hit.path for hit in photofind.similar(query).hits if hit.path != path]
        found, precision = 0, 0.0
        for rank, hit in enumerate(hits, 1):
            if label(hit) == label(path):
                found += 1
                precision += found / rank
        average += precision / (relevant[label(path)] - 1)
        at_ten += sum(label(hit) == label(path) for hit in hits[:10]) / 10
    return [round(100 * total / len(photos), 1) for total in (average, at_ten)]


def speed(name: str, home: Home, photos: Sequence[str]) -> tuple[float, float, int]:
    """Return photos per second, the worker's memory in MB, and the length of an embedding."""
    with Extraction(name, home=home, low_priority=False) as extraction:
        dimension = extraction.info().dimension  # Converts and loads before timing.
        some = photos[:: max(1, len(photos) // 200)]
        extraction.extract(some[:16])
        begin = time.perf_counter()
        extraction.extract(some)
        seconds = time.perf_counter() - begin
        memory = psutil.Process(extraction.pid).memory_info()
    megabytes = (memory.rss - getattr(memory, "shared", 0)) / 1e6
    return round(len(some) / seconds, 1), round(megabytes, 1), dimension


def save_keras_model(file: str) -> None:
    from photofind.extractors.mobilenet import keras_model

    keras_model().save(file)


def rate(workers: Sequence[Extraction], photos: Sequence[str]) -> float:
    """Return photos a second of workers that share them and run at once."""
    begin = time.perf_counter()
    with ThreadPoolExecutor(len(workers)) as pool:
        parts = [photos[place :: len(workers)] for place in range(len(workers))]
        list(pool.map(Extraction.extract, workers, parts))
    return len(photos) / (time.perf_counter() - begin)


def measure_threads(home: Home, photos: Sequence[str]) -> list[list[Any]]:
    """Return a row for each extractor: photos a second, and the share of the ideal."""
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "mobilenet_v2.keras"))
        in_fresh_process(save_keras_model, file)
        add_model(home, Model(ADDED, file, ""))
    some = photos[:: max(1, len(photos) // PHOTOS)][:PHOTOS]
    rows = []
    for name in (*TOGETHER.split(","), ADDED):
        workers = [
            Extraction(name, home=home, threads=threads, low_priority=False)
            for threads in (1, 1, 2)
        ]
        for worker in workers:
            worker.extract(some[:16])  # Converts and loads before timing.
        one, other, two = workers
        rounds = [
            (rate([one], some), rate([two], some), rate([one, other], some)) for _ in range(ROUNDS)
        ]
        for worker in workers:
            worker.close()
        share = median(two / ideal for _, two, ideal in rounds)
        rows.append([name, *(round(median(each), 1) for each in zip(*rounds, strict=True))])
        rows[-1].append(round(100 * share))
        print(*rows[-1], flush=True)
    return rows


def plot(rows: list[list[Any]], file: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    for name, plain, _, ranked, _, rate, *_ in rows:
        if rate is None:
            axes.axhline(ranked, color="grey", linestyle=":", linewidth=1)
            place = (0.02, ranked - 3)
            axes.text(*place, name, fontsize=8, color="grey", transform=axes.get_yaxis_transform())
            continue
        axes.plot([rate, rate], [plain, ranked], color="lightgrey", zorder=1)
        axes.scatter(rate, plain, marker="o", facecolor="white", edgecolor="tab:blue", zorder=2)
        axes.scatter(rate, ranked, marker="o", color="tab:blue", zorder=2)
        axes.annotate(name, (rate, ranked), (5, 4), textcoords="offset points", fontsize=8)
    axes.set(xscale="log", xlabel="photos a second", ylabel="mAP in percent", ylim=(0, 100))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.margins(x=0.15)
    axes.set_title("Filled: photofind's ranking. Hollow: plain cosine.", fontsize=10)
    axes.grid(alpha=0.3)
    figure.savefig(file, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="photos in one folder per class")
    parser.add_argument("--only", help="these extractors, separated by commas")
    parser.add_argument("--together", default=TOGETHER, help="extractors to combine")
    parser.add_argument("--plot", type=Path, default=Path("extractors.png"), help="the plot file")
    parser.add_argument("--threads", action="store_true", help="compare one and two threads")
    arguments = parser.parse_args()
    photos = [str(path) for path in photos_below(arguments.folder)]
    if arguments.threads:
        with tempfile.TemporaryDirectory() as temporary:
            rows = measure_threads(Home(Path(temporary, "home")), photos)
        print_table(["extractor", *THREADS], rows)
        print_figures("threads", {"rows": rows})
        return
    names = [plugin.name for plugin in installed()]
    if arguments.only:
        names = [name for name in names if name in arguments.only.split(",")]
    rows = []
    with tempfile.TemporaryDirectory() as temporary, without_graphs():
        home = Home(Path(temporary, "home"))
        # Speed first: it shows which extractors work here.
        speeds = {}
        for name in names:
            try:
                speeds[name] = speed(name, home, photos)
            except ExtractorError as error:
                print(f"left out: {error}")
        for name in speeds:
            set_setting(home.settings, "extractor", name)
            with PhotoFind(home) as photofind:
                photofind.add_folder(str(arguments.folder.resolve()))
                photofind.index()
                plain = evaluate(photofind, photos, name, plain=True)
                ranked = evaluate(photofind, photos, name, plain=False)
            rate, megabytes, dimension = speeds[name]
            rows.append([name, *plain, *ranked, rate, megabytes, dimension, 2 * dimension])
            print(*rows[-1], flush=True)
        together = arguments.together.split(",")
        if len(together) > 1 and set(together) <= set(speeds):
            with PhotoFind(home) as photofind:
                joined = ",".join(together)
                plain = evaluate(photofind, photos, joined, plain=True)
                ranked = evaluate(photofind, photos, joined, plain=False)
            dimension = sum(speeds[name][2] for name in together)
            title = " with ".join(together)
            rows.append([title, *plain, *ranked, None, None, dimension, 2 * dimension])
    rows.sort(key=lambda row: -row[3])
    print_table(COLUMNS, rows)
    print_figures("extractors", {"rows": [dict(zip(COLUMNS, row, strict=True)) for row in rows]})
    plot(rows, arguments.plot)


if __name__ == "__main__":
    main()
