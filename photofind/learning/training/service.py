"""Training in a worker: the one process that imports TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from photofind.images.limits import Limits
from photofind.learning.training.settings import TrainingSettings
from photofind.system.disk import explain_disk_errors

__all__ = ["TrainingService"]

Note = Callable[[dict[str, Any]], None]
Vectors = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

_SECONDS = 0.2  # Between two notes.
PIXELS, MODEL = "pixels.npy", "model.keras"


class TrainingService:
    """Trains heads, and networks.

    Parameters
    ----------
    threads
        Threads that TensorFlow uses.
    """

    def __init__(self, threads: int) -> None:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)

    def train_head(
        self, embeddings: Vectors, classes: Places, settings: dict[str, Any], note: Note
    ) -> tuple[list[float], list[Vectors]]:
        """Return the losses, and the mean and weights of a head; notes its progress."""
        from photofind.learning.training.heads import train_head

        wanted = TrainingSettings(**settings)
        notes = _Notes(note)
        head, losses = train_head(
            embeddings,
            classes,
            wanted,
            lambda epoch, loss: notes.tell("", epoch, wanted.epochs, loss, None),
        )
        return losses, [head.mean, head.weights]

    def fine_tune(
        self,
        embeddings: Vectors,
        codes: Places,
        places: Places,
        *,
        paths: Sequence[str],
        limits: dict[str, Any],
        settings: dict[str, Any],
        folder: str,
        stage: str,
        note: Note,
    ) -> tuple[dict[str, Any], list[Vectors]]:
        """Return how a training went, and the embeddings of all photos.

        The model is saved in the folder of its stage. Other parameters are those of
        :func:`photofind.learning.training.fine_tuning.fine_tune`.
        """
        from photofind.learning.training.fine_tuning import (
            batch_size,
            embed,
            fine_tune,
            read_pixels,
        )

        notes = _Notes(note)
        root = Path(folder)

        def read(number: int) -> None:
            notes.tell("reading photos", number, len(paths), None, None)

        pixels = read_pixels(paths, root / PIXELS, Limits(**limits), read)
        wanted = TrainingSettings(**settings)
        model, state = fine_tune(
            pixels,
            embeddings,
            codes,
            places,
            wanted,
            root / stage,
            notes.tell,
        )
        with explain_disk_errors(root):
            partial = root / stage / f"new-{MODEL}"
            model.save(partial)
            partial.replace(root / stage / MODEL)
        vectors = embed(
            model,
            pixels,
            np.arange(len(pixels)),
            batch_size(wanted),
            lambda number: notes.tell("embedding photos", number, len(paths), None, None),
        )
        return asdict(state), [vectors]


class _Notes:
    """Tells the parent how far it is, not too often."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._last = 0.0

    def tell(
        self, phase: str, done: int, total: int, loss: float | None, precision: float | None
    ) -> None:
        if time.monotonic() - self._last >= _SECONDS or done >= total:
            self._last = time.monotonic()
            self._note(
                {"phase": phase, "done": done, "total": total, "loss": loss, "mAP": precision}
            )
