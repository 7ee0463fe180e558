"""Training an embedding, and finding out what it is worth."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from photofind.extractors.heads import Head
from photofind.images.limits import Limits
from photofind.learning.splits import Split
from photofind.learning.training.card import TrainingCard
from photofind.learning.training.data import TrainingData
from photofind.learning.training.gate import class_folds, compare, split_photos, verdict
from photofind.learning.training.pca import principal_head
from photofind.learning.training.service import MODEL
from photofind.learning.training.settings import TrainingSettings
from photofind.learning.training.trainer import Step, Tell, Trainer, versions
from photofind.model import Progress
from photofind.paths import private_folder, write_atomically
from photofind.system.disk import explain_disk_errors

__all__ = ["fine_tune_and_test", "train_head_and_test"]

Vectors = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]
Report = Callable[[Progress], None]
Learn = Callable[[Places, str, Tell], tuple[Vectors, list[float]]]
"""Trains on some photos, in a stage of that name; returns the embeddings of all, and the losses."""

MOST_CLASSES = 100
"""Classes that a card names, at most."""

_STAGE = "photos"


def train_head_and_test(
    data: TrainingData,
    settings: TrainingSettings,
    *,
    name: str,
    trainer: Trainer,
    share: float = 0.2,
    progress: Report = lambda progress: None,
) -> tuple[Head, TrainingCard]:
    """Train a head on labelled embeddings, and test it on held-out photos and held-out classes.

    Parameters
    ----------
    data
        As :func:`~photofind.learning.training.data.check_data` returns it.
    settings
        How to train.
    name
        The name of the extractor that it becomes.
    trainer
        Trains.
    share
        The share of the photos of each class that is held out.
    progress
        Called as it goes on.

    Raises
    ------
    LearningError
        The training came to nothing.
    WorkerError
        The training worker failed.
    """
    heads: list[Head] = []

    def learn(places: Places, stage: str, tell: Tell) -> tuple[Vectors, list[float]]:
        head, losses = trainer.head(data, places, settings, tell)
        heads.append(head)
        return head(data.embeddings), losses

    folds = class_folds(data.codes, settings.seed)
    card = _train_and_test(data, settings, learn, folds, name, share, progress)
    return heads[0], card


def fine_tune_and_test(
    data: TrainingData,
    settings: TrainingSettings,
    *,
    name: str,
    trainer: Trainer,
    limits: Limits,
    folder: Path,
    share: float = 0.2,
    progress: Report = lambda progress: None,
) -> tuple[Path, TrainingCard]:
    """Train through the network; as :func:`train_head_and_test`, but the path of a model returns.

    Interrupted or killed, and called again with the same, it goes on from the last epoch.

    Parameters
    ----------
    limits
        The largest photo that is read.
    folder
        Of the checkpoints; the caller removes it in the end.

    Raises
    ------
    LibraryError
        The disk refuses.
    """
    _begin(folder, data, settings, share)

    def learn(places: Places, stage: str, tell: Tell) -> tuple[Vectors, list[float]]:
        return trainer.fine_tune(data, places, settings, limits, folder, stage, tell)

    # Each costs as much as the training itself.
    folds = class_folds(data.codes, settings.seed)[:1]
    card = _train_and_test(data, settings, learn, folds, name, share, progress)
    return folder / _STAGE / MODEL, card


def _train_and_test(
    data: TrainingData,
    settings: TrainingSettings,
    learn: Learn,
    folds: list[Split],
    name: str,
    share: float,
    progress: Report,
) -> TrainingCard:
    began = time.monotonic()
    clock = _Clock(progress)
    split = split_photos(data.codes, share, settings.seed)
    clock.begin("training")
    vectors, losses = learn(split.gallery, _STAGE, clock.tell)
    tests = []
    for number, fold in enumerate(folds, 1):
        which = f", {number} of {len(folds)}" if len(folds) > 1 else ""
        clock.begin(f"test on other classes{which}")
        others, _ = learn(fold.gallery, f"classes-{number}", clock.tell)
        tests.append(_part(data, fold.gallery, fold.queries, others, settings))
    progress(Progress("comparing", 0))
    photos, own = (
        compare([_part(data, split.gallery, tested, vectors, settings)], settings.seed)
        for tested in (split.queries, split.gallery)
    )
    classes = compare(tests, settings.seed) if tests else None
    passed, remarks = verdict(photos, own, classes, data.base.partition("@")[0])
    counts = data.counts
    largest = sorted(counts, key=lambda label: -counts[label])[:MOST_CLASSES]
    return TrainingCard(
        name=name,
        method=settings.method,
        base=data.base,
        source=data.source,
        photos=len(data),
        held_out=len(split.queries),
        share=share,
        folds=len(folds),
        passed=passed,
        held_out_photos=photos,
        training=own,
        held_out_classes=classes,
        classes={label: counts[label] for label in sorted(largest)},
        remarks=remarks,
        notes=data.notes,
        losses=tuple(round(loss, 6) for loss in losses),
        settings=asdict(settings),
        versions=versions(),
        trained=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - began, 1),
    )


def _part(
    data: TrainingData,
    trained: Places,
    tested: Places,
    vectors: Vectors,
    settings: TrainingSettings,
) -> tuple[Vectors, Vectors, Vectors, Places]:
    """Return the embeddings of some photos before, by principal components, and after."""
    before = data.embeddings[tested]
    # As the training, it has seen the photos that were trained on alone.
    principal = principal_head(data.embeddings[trained], settings.dimensions)
    return before, principal(before), vectors[tested], data.codes[tested]


def _begin(folder: Path, data: TrainingData, settings: TrainingSettings, share: float) -> None:
    """Have a folder go on with this very training, or begin it."""
    facts = [data.base, data.contents, data.labels, asdict(settings), share, versions()]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest().encode()
    file = folder / "training"
    with explain_disk_errors(folder):
        with suppress(OSError):
            if file.read_bytes() == key:
                return
        if folder.exists():
            shutil.rmtree(folder)
        private_folder(folder)
        write_atomically(file, key)


class _Clock:
    """Tells how far it is, and how long the phase will take."""

    def __init__(self, progress: Report) -> None:
        self._progress = progress
        self._stage = ""
        self._phase: str | None = None
        self._began, self._first = 0.0, 0

    def begin(self, stage: str) -> None:
        self._stage, self._phase = stage, None
        self._progress(Progress(stage, 0))

    def tell(self, step: Step) -> None:
        now = time.monotonic()
        if step.phase != self._phase:
            self._phase, self._began, self._first = step.phase, now, step.done
        rate = (step.done - self._first) / max(now - self._began, 1e-6)
        words = [": ".join(filter(None, (self._stage, step.phase)))]
        words += [] if step.loss is None else [f"loss {step.loss:.3g}"]
        words += [] if step.precision is None else [f"mAP {100 * step.precision:.1f} %"]
        left = (step.total - step.done) / rate if rate else None
        self._progress(
            Progress(", ".join(words), step.done, step.total, rate=rate, seconds_left=left)
        )
