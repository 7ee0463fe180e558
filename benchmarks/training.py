"""Heads of all methods beside principal components, on photos and on classes held out.

Embeds a folder of class folders, or takes what was kept of that, and trains each method at each
size as `photofind train` does. Each method has a fresh worker, whose memory and time are measured.

    python benchmarks/training.py corel-1k
    python benchmarks/training.py corel-1k --fine-tune 2
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
from common import print_figures, print_table

from photofind.extractors.extraction import Extraction
from photofind.images.limits import DEFAULT_LIMITS
from photofind.learning.labels import read_labels
from photofind.learning.training.card import TrainingCard
from photofind.learning.training.data import TrainingData, check_data, cleaned
from photofind.learning.training.settings import METHODS, TrainingSettings
from photofind.learning.training.sources import labelled_photos
from photofind.learning.training.trainer import Trainer
from photofind.learning.training.training import fine_tune_and_test, train_head_and_test
from photofind.paths import Home


class Cost:
    """Time, processor time and the most memory of a worker."""

    def __init__(self) -> None:
        self.seconds = self.spent = self.megabytes = 0.0


@contextmanager
def measured(trainer: Trainer) -> Iterator[Cost]:
    """Measure the worker of a trainer, which is running, while the block runs."""
    cost, ended = Cost(), threading.Event()

    def watch() -> None:
        process = None
        while not ended.wait(0.1):
            try:
                if process is None:
                    if trainer.pid is None:
                        continue
                    process = psutil.Process(trainer.pid)
                cost.megabytes = max(cost.megabytes, process.memory_info().rss / 1e6)
                cost.spent = sum(process.cpu_times()[:2])
            except psutil.NoSuchProcess:
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    try:
        yield cost
    finally:
        ended.set()
        watcher.join()
        cost.seconds = time.perf_counter() - began


def embedded(folder: str, extractor: str, home: Home) -> TrainingData:
    """Return the photos of class folders with their embeddings."""
    photos = read_labels(folder)
    with Extraction(extractor, home=home) as extraction:
        data = labelled_photos(photos, extractor, lambda _: extraction, None, home.cache)
    return check_data(cleaned(data))


def row(what: str, cards: list[TrainingCard], cost: Cost) -> list[str | float]:
    """Return the figures of one method, the means over its seeds."""

    def mean(side: str, kind: str) -> str:
        found = [getattr(card, side) for card in cards if getattr(card, side)]
        values = [100 * getattr(one, kind).value for one in found]
        if not values:
            return ""
        spread = f" ± {np.std(values):.1f}" if len(values) > 1 else ""
        return f"{np.mean(values):.1f}{spread}"

    trainings = sum(1 + card.folds for card in cards)
    return [
        what,
        cards[0].settings["dimensions"],
        *(mean("held_out_photos", kind) for kind in ("before", "pca", "after")),
        *(mean("held_out_classes", kind) for kind in ("before", "pca", "after")),
        mean("training", "after"),
        f"{sum(card.passed for card in cards)}/{len(cards)}",
        round(cost.seconds / trainings, 1),
        round(cost.spent / trainings, 1),
        round(cost.megabytes),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--extractor", default="mobilenet")
    parser.add_argument("--dimensions", type=int, nargs="+", default=[32, 64, 128])
    parser.add_argument("--methods", nargs="+", default=[*METHODS])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--per-class", type=int, help="photos of each class that are used")
    parser.add_argument(
        "--fine-tune", type=int, default=0, metavar="N", help="blocks of the network"
    )
    parser.add_argument("--home", help="where embeddings are kept; a temporary folder if not given")
    arguments = parser.parse_args()
    temporary = tempfile.mkdtemp()
    try:
        home = Home(Path(arguments.home or temporary))
        os.environ["PHOTOFIND_HOME"] = str(home.root)
        data = embedded(arguments.folder, arguments.extractor, home)
        if arguments.per_class:
            places = [np.flatnonzero(data.codes == code)[: arguments.per_class]
                      for code in range(len(data.classes))]  # fmt: skip
            data = data.select(np.concatenate(places))
        rows = []
        for dimensions in arguments.dimensions:
            for method in arguments.methods:
                with Trainer(home) as trainer, measured(trainer) as cost:
                    cards = [train(arguments, data, method, dimensions, seed, trainer, home)
                             for seed in range(arguments.seeds)]  # fmt: skip
                rows.append(row(method, cards, cost))
                print(*rows[-1], file=sys.stderr)
    finally:
        shutil.rmtree(temporary)
    columns = ["method", "size"]
    columns += [
        f"{side}, {kind}" for side in ("photos", "classes") for kind in ("before", "PCA", "after")
    ]
    columns += ["own photos", "passed", "s", "of processor, s", "memory, MB"]
    print_table(columns, rows)
    print_figures("training", {"rows": [dict(zip(columns, one, strict=True)) for one in rows]})


def train(
    arguments: argparse.Namespace,
    data: TrainingData,
    method: str,
    dimensions: int,
    seed: int,
    trainer: Trainer,
    home: Home,
) -> TrainingCard:
    layers = arguments.fine_tune
    settings = TrainingSettings(
        method,
        dimensions,
        seed=seed,
        epochs=arguments.epochs or (12 if layers else 50),
        learning_rate=1e-4 if layers else 1e-3,
        fine_tune_layers=layers,
    )
    if not layers:
        return train_head_and_test(data, settings, name="head", trainer=trainer)[1]
    folder = home.training / f"{method}-{dimensions}-{seed}"
    return fine_tune_and_test(
        data, settings, name="network", trainer=trainer, limits=DEFAULT_LIMITS, folder=folder
    )[1]


if __name__ == "__main__":
    main()
