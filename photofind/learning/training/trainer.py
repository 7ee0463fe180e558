"""The training worker, seen from the process that asks."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from photofind.errors import LearningError
from photofind.extractors.heads import Head
from photofind.images.limits import Limits
from photofind.learning.training.data import TrainingData
from photofind.learning.training.settings import TrainingSettings
from photofind.paths import Home
from photofind.workers import Worker

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Step", "Tell", "Trainer", "versions"]

_START_SECONDS = 300.0
_EPOCH_SECONDS = 600.0

Vectors = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Step:
    """How far a training is.

    Parameters
    ----------
    phase
        What it does; empty where there is one thing to do.
    done, total
        Steps.
    loss, precision
        The last loss, and the best mAP so far on photos that were set aside; None where there is
        none.
    """

    phase: str
    done: int
    total: int
    loss: float | None
    precision: float | None

    @classmethod
    def of(cls, note: Mapping[str, Any]) -> Self:
        """Return what a note of the worker says."""
        return cls(note["phase"], note["done"], note["total"], note["loss"], note["mAP"])


Tell = Callable[[Step], None]


class Trainer:
    """Trains in a worker, which ends with this.

    Parameters
    ----------
    home
        For the worker's log.
    threads
        Threads that train; 0 means one for each processor.
    """

    def __init__(self, home: Home, threads: int = 0) -> None:
        self._worker = Worker(
            "photofind.learning.training.service:TrainingService",
            name="training",
            options={"threads": threads or os.cpu_count() or 1},
            environment={
                "PHOTOFIND_HOME": os.fspath(home.root),
                "KERAS_BACKEND": "tensorflow",
                "TF_CPP_MIN_LOG_LEVEL": "2",
            },
            log=home.logs / "training.log",
            start_seconds=_START_SECONDS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._worker.stop()

    @property
    def pid(self) -> int | None:
        """The worker's process id; None if none is running."""
        return self._worker.pid

    def head(
        self, data: TrainingData, places: Places, settings: TrainingSettings, tell: Tell
    ) -> tuple[Head, list[float]]:
        """Train a head on some photos; as :func:`photofind.learning.training.heads.train_head`.

        Raises
        ------
        LearningError
            The training came to nothing.
        WorkerError
            The worker failed.
        """
        # Numbered without gaps, whichever classes are left out.
        _, classes = np.unique(data.codes[places], return_inverse=True)
        reply = self._worker.call(
            "train_head",
            data.embeddings[places],
            classes.astype(np.int64),
            settings=asdict(settings),
            timeout=_EPOCH_SECONDS,
            note=lambda value: tell(Step.of(value)),
        )
        head = Head(*reply.arrays)
        _check(head.weights)
        return head, reply.value

    def fine_tune(
        self,
        data: TrainingData,
        places: Places,
        settings: TrainingSettings,
        limits: Limits,
        folder: Path,
        stage: str,
        tell: Tell,
    ) -> tuple[Vectors, list[float]]:
        """Train the network on some photos, and return the embeddings of all, and the losses.

        The model is saved in ``folder/stage``; what is there of it already is not done again.

        Raises
        ------
        LearningError, LibraryError
            The training came to nothing, or the disk refuses.
        WorkerError
            The worker failed.
        """
        reply = self._worker.call(
            "fine_tune",
            data.embeddings,
            data.codes.astype(np.int64),
            places.astype(np.int64),
            paths=[*data.paths],
            limits=asdict(limits),
            settings=asdict(settings),
            folder=os.fspath(folder),
            stage=stage,
            timeout=_EPOCH_SECONDS,
            note=lambda value: tell(Step.of(value)),
        )
        (vectors,) = reply.arrays
        _check(vectors)
        return vectors, reply.value["losses"]


def _check(numbers: Vectors) -> None:
    if not np.isfinite(numbers).all() or not numbers.any():
        raise LearningError(
            "the training diverged: it gives no embeddings",
            "give other photos, or another --method",
        )


def versions() -> dict[str, str]:
    """Return the versions of what a training depends on."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in ("photofind", "keras", "tensorflow", "numpy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found
