"""Fine-tuning: the last blocks of the network learn too; in the training worker alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from photofind.errors import ImageError
from photofind.extractors.mobilenet import MobileNet
from photofind.images.decode import decode
from photofind.images.limits import Limits
from photofind.images.reading import read_bytes
from photofind.learning.training.batches import balanced_batches
from photofind.learning.training.checkpoints import Checkpoints, State
from photofind.learning.training.gate import mean_precision, split_photos
from photofind.learning.training.heads import train_head
from photofind.learning.training.network import make_network
from photofind.learning.training.settings import TrainingSettings
from photofind.paths import private_folder, sync_folder
from photofind.system.disk import explain_disk_errors

__all__ = ["batch_size", "embed", "fine_tune", "read_pixels"]

Pixels = npt.NDArray[np.uint8]
Vectors = npt.NDArray[np.float32]
Tell = Callable[[str, int, int, float | None, float | None], None]
"""Told the phase, how far it is and of how much, and the loss and the mAP where there are any."""

_BATCH = 32

PATIENCE = 3
"""Epochs without a better mAP on photos that were set aside, after which training ends."""

SET_ASIDE = 0.15
HEAD_EPOCHS = 30


def read_pixels(
    paths: Sequence[str], file: Path, limits: Limits, tell: Callable[[int], None]
) -> Pixels:
    """Return photos as the network takes them, uint8 (n, 224, 224, 3), kept in a file.

    They are decoded once, not in each epoch. One that cannot be read by now is grey.

    Raises
    ------
    LibraryError
        The disk refuses.
    """
    shape = (len(paths), *MobileNet.input_size, 3)
    with explain_disk_errors(file):
        try:
            kept: Pixels = np.load(file, mmap_mode="r", allow_pickle=False)
            if kept.shape == shape and kept.dtype == np.uint8:
                return kept
        except (OSError, ValueError, EOFError):
            pass  # Not read yet.
        private_folder(file.parent)
        partial = file.with_name(f".{file.name}.new")
        try:
            with partial.open("wb") as writing:
                header = {"descr": "|u1", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(writing, header)
                for number, path in enumerate(paths):
                    writing.write(_pixels_of(path, limits).tobytes())
                    tell(number + 1)
            partial.replace(file)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        sync_folder(file.parent)
        read: Pixels = np.load(file, mmap_mode="r", allow_pickle=False)
        return read


def fine_tune(
    pixels: Pixels,
    embeddings: Vectors,
    codes: npt.NDArray[np.int64],
    places: npt.NDArray[np.int64],
    settings: TrainingSettings,
    folder: Path,
    tell: Tell,
) -> tuple[Any, State]:
    """Return a trained ``keras.Model`` that embeds pictures, and how the training went.

    It starts from a head on the embeddings as they are, and ends early where the mAP on photos that
    were set aside does not grow. After each epoch it is kept; called again, it goes on from there.

    Parameters
    ----------
    pixels
        Of all photos, uint8 (n, 224, 224, 3).
    embeddings
        Of all photos before, (n, D).
    codes
        Their classes, (n,).
    places
        Which photos are trained on.
    settings
        How.
    folder
        Of the checkpoints.
    tell
        Told how far it is.
    """
    keras.utils.set_random_seed(settings.seed)
    _, classes = np.unique(codes[places], return_inverse=True)
    split = split_photos(classes, SET_ASIDE, settings.seed)
    trained, aside = places[split.gallery], places[split.queries]
    _, classes = np.unique(codes[trained], return_inverse=True)
    head, _ = train_head(
        embeddings[trained],
        classes,
        replace(settings, epochs=HEAD_EPOCHS, learning_rate=1e-3),
        lambda epoch, loss: tell("starting from a head", epoch, HEAD_EPOCHS, loss, None),
    )
    network = make_network(head, head(embeddings[trained]), classes, settings)
    untrained = network.embedding.get_weights()
    checkpoints = Checkpoints(folder)
    state = checkpoints.load(network.training)
    if not state.epoch and len(aside):  # What the head alone is worth.
        start = mean_precision(head(embeddings[aside]), codes[aside])
        state = replace(state, scores=(start,))
    batch = batch_size(settings)
    steps = max(len(trained) // batch, 4)
    while not state.done:
        epoch = state.epoch + 1
        random = np.random.default_rng((settings.seed, epoch))
        batches = balanced_batches(classes, batch, random)
        losses = []
        for step in range(steps):
            chosen = next(batches)
            pictures = _scaled(pixels[np.sort(trained[chosen])])
            # Sorted, as the pictures are: a file is read in one direction.
            labels = classes[chosen[np.argsort(trained[chosen])]]
            losses.append(float(network.training.train_on_batch(pictures, labels)))
            tell("fine-tuning", state.epoch * steps + step + 1, settings.epochs * steps,
                 losses[-1], max(state.scores, default=None))  # fmt: skip
        scores, is_best = state.scores, True
        if len(aside):
            score = mean_precision(embed(network.embedding, pixels, aside, batch), codes[aside])
            is_best = score > max(scores)
            scores = (*scores, score)
        best = epoch if is_best else state.best
        state = replace(
            state,
            epoch=epoch,
            losses=(*state.losses, float(np.mean(losses))),
            scores=scores,
            best=best,
            done=epoch >= settings.epochs or epoch - best >= PATIENCE,
        )
        state = checkpoints.save(state, network.training, network.embedding, is_best=is_best)
    if not state.best:  # Nothing was better than the head alone.
        network.embedding.set_weights(untrained)
    checkpoints.load_best(state, network.embedding)
    return network.embedding, state


def batch_size(settings: TrainingSettings) -> int:
    """Return how many photos a batch has: with too many a step takes too much memory."""
    return min(_BATCH, settings.batch)


def embed(
    model: Any,
    pixels: Pixels,
    places: npt.NDArray[np.int64],
    batch: int,
    tell: Callable[[int], None] = lambda number: None,
) -> Vectors:
    """Return the embeddings of some photos, float32 (n, d); ``tell`` is told how many are done."""
    parts = []
    for start in range(0, len(places), batch):
        chosen = places[start : start + batch]
        # All batches are of one size: TensorFlow prepares anew for each other one.
        pictures = _scaled(pixels[np.resize(chosen, batch)])
        parts.append(np.asarray(model.predict_on_batch(pictures))[: len(chosen)])
        tell(start + len(chosen))
    return np.concatenate(parts)


def _scaled(pixels: Pixels) -> Vectors:
    """Return pictures as ``keras.applications.mobilenet_v2.preprocess_input`` does."""
    return pixels.astype(np.float32) / 127.5 - 1


def _pixels_of(path: str, limits: Limits) -> Pixels:
    try:
        return decode(read_bytes(path, limits), MobileNet.input_size, limits, path).pixels
    except ImageError:
        return np.full((*MobileNet.input_size, 3), 128, np.uint8)
