"""Training of a head: one linear layer on embeddings, started from their principal components.

Imports Keras, so it is used in the training worker alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from photofind.extractors.heads import Head
from photofind.learning.training.batches import balanced_batches
from photofind.learning.training.losses import (
    Proxies,
    contrastive_loss,
    hard_triplet_loss,
    proxy_nca_loss,
    triplet_loss,
)
from photofind.learning.training.pca import principal_head
from photofind.learning.training.settings import TrainingSettings

__all__ = ["objective", "train_head"]

Vectors = npt.NDArray[np.float32]
Classes = npt.NDArray[np.int64]


def train_head(
    embeddings: Vectors,
    classes: Classes,
    settings: TrainingSettings,
    progress: Callable[[int, float], None] = lambda epoch, loss: None,
) -> tuple[Head, list[float]]:
    """Return a head that was trained on embeddings, and the loss after each epoch.

    Parameters
    ----------
    embeddings
        float32 (N, D), of length 1.
    classes
        The class of each, (N,), from 0 on. The autoencoder does not look at them.
    settings
        How.
    progress
        Called after each epoch, counted from 1, with its loss.
    """
    keras.utils.set_random_seed(settings.seed)
    start = principal_head(embeddings, settings.dimensions)
    # Numbers of about 1, as layers and Adam expect them; only directions matter in the end.
    scale = np.float32(np.sqrt(embeddings.shape[1]))
    inputs = (embeddings - start.mean) * scale
    linear = keras.layers.Dense(settings.dimensions, use_bias=False, name="embedding")
    source = keras.Input((embeddings.shape[1],))
    output = linear(keras.layers.Dropout(settings.dropout, seed=settings.seed)(source))
    linear.set_weights([start.weights])
    if settings.method == "autoencoder":
        decoder = keras.layers.Dense(embeddings.shape[1], name="decoder")
        output = decoder(output)
        decoder.set_weights([start.weights.T, np.zeros(embeddings.shape[1], np.float32)])
        loss: Any = "mse"
        targets: npt.NDArray[Any] = inputs
    else:
        output, loss = objective(output, start(embeddings), classes, settings)
        targets = classes
    model = keras.Model(source, output)
    adam = keras.optimizers.Adam(settings.learning_rate)
    model.compile(adam, loss, jit_compile=False)

    def batches() -> Iterator[tuple[Vectors, npt.NDArray[Any]]]:
        random = np.random.default_rng(settings.seed)
        # To an autoencoder all photos are alike.
        groups = np.zeros_like(classes) if settings.method == "autoencoder" else classes
        for chosen in balanced_batches(groups, settings.batch, random):
            yield inputs[chosen], targets[chosen]

    losses: list[float] = []

    def note(epoch: int, logs: dict[str, float]) -> None:
        losses.append(float(logs["loss"]))
        progress(epoch + 1, losses[-1])

    model.fit(
        batches(),
        epochs=settings.epochs,
        steps_per_epoch=max(len(embeddings) // settings.batch, 4),
        shuffle=False,  # They come shuffled.
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=note)],
        verbose=0,
    )
    (weights,) = linear.get_weights()
    return Head(start.mean, weights), losses


def objective(
    output: Any, start: Vectors, classes: Classes, settings: TrainingSettings
) -> tuple[Any, Any]:
    """Return what a supervised method puts behind an embedding in training, and its loss.

    Parameters
    ----------
    output
        The embedding, a Keras tensor (N, d).
    start
        The embeddings of the photos as they are before, (n, d): proxies start in the midst of
        their classes.
    classes
        The classes of these photos, (n,).
    settings
        With the method.
    """
    count = int(classes.max()) + 1
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    unit = ops.normalize(output, axis=-1)
    match settings.method:
        case "proxy":
            directions = start / np.maximum(np.linalg.norm(start, axis=1, keepdims=True), 1e-9)
            middles = np.stack([directions[classes == one].mean(axis=0) for one in range(count)])
            return Proxies(middles)(unit), proxy_nca_loss
        case "classifier":
            return keras.layers.Dense(count, name="classes")(output), cross_entropy
        case "siamese":
            return unit, contrastive_loss
        case "triplet":
            return unit, hard_triplet_loss if settings.mining == "hard" else triplet_loss
    raise ValueError(f"{settings.method!r} is no supervised method")
