"""Training in a worker: the one process that imports TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from photofind.learning.training.settings import TrainingSettings

__all__ = ["TrainingService"]

Note = Callable[[dict[str, Any]], None]

_SECONDS = 0.2  # Between two notes.


class TrainingService:
    """Trains heads.

    Parameters
    ----------
    threads
        Threads that TensorFlow uses.
    """

    def __init__(self, threads: int) -> None:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)

    def train_head(
        self,
        embeddings: npt.NDArray[np.float32],
        classes: npt.NDArray[np.int64],
        settings: dict[str, Any],
        note: Note,
    ) -> tuple[list[float], list[npt.NDArray[np.float32]]]:
        """Return the losses, and the mean and weights of a head; notes each epoch."""
        from photofind.learning.training.heads import train_head

        noted = 0.0

        def progress(epoch: int, loss: float) -> None:
            nonlocal noted
            if time.monotonic() - noted >= _SECONDS:
                noted = time.monotonic()
                note({"epoch": epoch, "loss": loss})

        head, losses = train_head(embeddings, classes, TrainingSettings(**settings), progress)
        return losses, [head.mean, head.weights]
