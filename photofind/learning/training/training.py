"""Training a head, and finding out what it is worth."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from photofind.extractors.heads import Head
from photofind.learning.splits import Split
from photofind.learning.training.card import TrainingCard
from photofind.learning.training.data import TrainingData
from photofind.learning.training.gate import class_folds, compare, split_photos, verdict
from photofind.learning.training.pca import principal_head
from photofind.learning.training.settings import TrainingSettings
from photofind.learning.training.trainer import Trainer, versions
from photofind.model import Progress

__all__ = ["Trained", "train_and_test"]

Vectors = npt.NDArray[np.float32]

MOST_CLASSES = 100
"""Classes that a card names, at most."""


@dataclass(frozen=True)
class Trained:
    """A head with its card."""

    head: Head
    card: TrainingCard


def train_and_test(
    data: TrainingData,
    settings: TrainingSettings,
    *,
    name: str,
    trainer: Trainer,
    share: float = 0.2,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> Trained:
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
    began = time.monotonic()
    codes = data.codes
    split = split_photos(codes, share, settings.seed)
    folds = class_folds(codes, settings.seed)
    clock = _Clock((1 + len(folds)) * settings.epochs, progress)

    def train_on(places: npt.NDArray[np.intp], number: int, phase: str) -> tuple[Head, list[float]]:
        def note(epoch: int, loss: float) -> None:
            clock.tell(f"{phase}, loss {loss:.4f}", number * settings.epochs + epoch)

        clock.tell(phase, number * settings.epochs)
        return trainer.head(data.embeddings[places], codes[places], settings, note)

    head, losses = train_on(split.gallery, 0, "training")
    tests = []
    for number, fold in enumerate(folds, 1):
        test, _ = train_on(
            fold.gallery, number, f"testing on other classes, {number} of {len(folds)}"
        )
        tests.append(_part(data, fold, fold.queries, test, settings))
    clock.tell("comparing", clock.total)
    photos = compare([_part(data, split, split.queries, head, settings)], settings.seed)
    training = compare([_part(data, split, split.gallery, head, settings)], settings.seed)
    classes = compare(tests, settings.seed) if tests else None
    passed, remarks = verdict(photos, training, classes, data.base.partition("@")[0])
    counts = data.counts
    largest = sorted(counts, key=lambda label: -counts[label])[:MOST_CLASSES]
    card = TrainingCard(
        name,
        settings.method,
        data.base,
        data.source,
        len(data),
        len(split.queries),
        share,
        len(folds),
        passed,
        photos,
        training,
        classes,
        {label: counts[label] for label in sorted(largest)},
        remarks,
        data.notes,
        tuple(round(loss, 6) for loss in losses),
        asdict(settings),
        versions(),
        datetime.now(UTC).isoformat(timespec="seconds"),
        round(time.monotonic() - began, 1),
    )
    return Trained(head, card)


def _part(
    data: TrainingData,
    split: Split,
    tested: npt.NDArray[np.intp],
    head: Head,
    settings: TrainingSettings,
) -> tuple[Vectors, Vectors, Vectors, npt.NDArray[np.intp]]:
    """Return the embeddings of some photos before, by principal components, and after."""
    before = data.embeddings[tested]
    # As the head, it has seen the photos that were trained on alone.
    principal = principal_head(data.embeddings[split.gallery], settings.dimensions)
    return before, principal(before), head(before), data.codes[tested]


class _Clock:
    """Tells how far it is, and how long the rest will take."""

    def __init__(self, total: int, progress: Callable[[Progress], None]) -> None:
        self.total = total
        self._progress = progress
        self._began = 0.0
        self._first = 0

    def tell(self, phase: str, done: int) -> None:
        now = time.monotonic()
        if not self._began and done:  # Starting does not count.
            self._began, self._first = now, done
        left = None
        if self._began and done > self._first:
            left = (now - self._began) / (done - self._first) * (self.total - done)
        self._progress(Progress(phase, done, self.total, seconds_left=left))
