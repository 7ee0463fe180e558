"""The training worker, seen from the process that asks."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from photofind.errors import LearningError
from photofind.extractors.heads import Head
from photofind.learning.training.settings import TrainingSettings
from photofind.paths import Home
from photofind.workers import Worker

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Trainer", "require_tensorflow", "versions"]

_START_SECONDS = 300.0
_EPOCH_SECONDS = 600.0
_LEAST_NORM = 1e-12


def require_tensorflow() -> None:
    """Raise if what trains is not installed; nothing is imported.

    Raises
    ------
    LearningError
        It is not.
    """
    for package, name in (("tensorflow", "TensorFlow"), ("keras", "Keras")):
        if importlib.util.find_spec(package) is None:
            raise LearningError(
                f"training needs {name}, which is not installed", f"run `pip install {package}`"
            )


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
        self,
        embeddings: npt.NDArray[np.float32],
        codes: npt.NDArray[np.intp],
        settings: TrainingSettings,
        progress: Callable[[int, float], None] = lambda epoch, loss: None,
    ) -> tuple[Head, list[float]]:
        """Train a head; as :func:`photofind.learning.training.heads.train_head`.

        Raises
        ------
        LearningError
            The training came to nothing.
        WorkerError
            The worker failed.
        """
        # Without gaps: those of another split may be among them.
        _, classes = np.unique(codes, return_inverse=True)
        reply = self._worker.call(
            "train_head",
            np.ascontiguousarray(embeddings, np.float32),
            classes.astype(np.int64),
            settings=asdict(settings),
            timeout=_EPOCH_SECONDS,
            note=lambda value: progress(value["epoch"], value["loss"]),
        )
        return _checked(Head(*reply.arrays)), reply.value


def _checked(head: Head) -> Head:
    usable = np.isfinite(head.weights).all() and np.linalg.norm(head.weights) > _LEAST_NORM
    if not usable:
        raise LearningError(
            "the training diverged: it gives no numbers", "give other photos, or another --method"
        )
    return head


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
