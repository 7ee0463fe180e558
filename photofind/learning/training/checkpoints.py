"""Checkpoints of a training through the network: killed at any moment, it goes on from the last."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from photofind.paths import private_folder, sync_folder, write_atomically
from photofind.system.disk import explain_disk_errors

__all__ = ["Checkpoints", "State"]

_SUFFIX = ".weights.h5"


@dataclass(frozen=True)
class State:
    """How far a training is.

    Parameters
    ----------
    epoch
        Epochs that are done.
    losses, scores
        The loss of each, and the mAP on photos that were set aside: at the start and after each;
        none where no photos were set aside.
    best
        The epoch, counted from 1, whose weights are kept as the best; 0 for those of the start.
    done
        Whether it came to its end.
    """

    epoch: int = 0
    losses: tuple[float, ...] = ()
    scores: tuple[float, ...] = ()
    best: int = 0
    done: bool = False
    weights: str = field(default="", repr=False)
    best_weights: str = field(default="", repr=False)


class Checkpoints:
    """The checkpoints of one training, in a folder of its own.

    The state names its files, and is written last: what it names is whole.

    Parameters
    ----------
    folder
        Made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "state.json"

    def load(self, training: Any) -> State:
        """Return how far a training is, with its weights loaded; nothing where none are usable.

        Parameters
        ----------
        training
            The ``keras.Model`` that is trained; its optimizer goes on too.
        """
        try:
            plain = json.loads(self._file.read_bytes())
            state = State(
                **{**plain, "losses": tuple(plain["losses"]), "scores": tuple(plain["scores"])}
            )
            if not state.done:
                training.optimizer.build(training.trainable_variables)
                training.load_weights(self._folder / state.weights)
        except (OSError, ValueError, TypeError, KeyError):
            return State()
        return state

    def load_best(self, state: State, embedding: Any) -> None:
        """Load the weights of the best epoch, where one is better than the start."""
        if state.best_weights:
            embedding.load_weights(self._folder / state.best_weights)

    def save(self, state: State, training: Any, embedding: Any, *, is_best: bool) -> State:
        """Keep the weights after an epoch, and the state; return it with the names of its files.

        Raises
        ------
        LibraryError
            The disk refuses. The checkpoint before is still there.
        """
        with explain_disk_errors(self._folder):
            private_folder(self._folder)
            weights = f"epoch-{state.epoch}{_SUFFIX}"
            best = f"best-{state.epoch}{_SUFFIX}" if is_best else state.best_weights
            self._write(training, weights)
            if is_best:
                self._write(embedding, best)
            sync_folder(self._folder)
            state = State(
                state.epoch, state.losses, state.scores, state.best, state.done, weights, best
            )
            write_atomically(self._file, json.dumps(asdict(state)).encode())
            for file in self._folder.glob(f"*{_SUFFIX}"):
                if file.name not in (weights, best):
                    with suppress(OSError):
                        file.unlink()
        return state

    def _write(self, model: Any, name: str) -> None:
        file = self._folder / name
        model.save_weights(file, overwrite=True)
        with file.open("rb") as written:
            os.fsync(written.fileno())
