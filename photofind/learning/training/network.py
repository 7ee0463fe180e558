"""The network that is fine-tuned: MobileNetV2, and an embedding on top; imports Keras."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from photofind.errors import LearningError
from photofind.extractors.heads import Head
from photofind.extractors.mobilenet import keras_model
from photofind.learning.training.heads import objective
from photofind.learning.training.settings import TrainingSettings

__all__ = ["MOST_BLOCKS", "FineTuned", "make_network"]

MOST_BLOCKS = 17
"""The network's blocks; the convolution behind the last one counts to it."""


class FineTuned(NamedTuple):
    """A network that is being trained.

    Attributes
    ----------
    embedding
        The ``keras.Model`` that becomes the extractor: pictures, float32 (N, 224, 224, 3) from -1
        to 1, become (N, d).
    training
        The same with augmentation before and what the method needs behind; compiled.
    """

    embedding: Any
    training: Any


def make_network(
    head: Head,
    start: npt.NDArray[np.float32],
    classes: npt.NDArray[np.int64],
    settings: TrainingSettings,
) -> FineTuned:
    """Return the network with its last blocks to be trained, and a head on it.

    Batch normalisation stays as it is: batches are too small to learn its statistics from.

    Parameters
    ----------
    head
        A head on embeddings of length 1, where training starts.
    start, classes
        What the head makes of the photos, (n, d), and their classes, (n,), from 0 on.
    settings
        How to train.

    Raises
    ------
    LearningError
        The network has fewer blocks.
    """
    if not 1 <= settings.fine_tune_layers <= MOST_BLOCKS:
        raise LearningError(
            f"the network has {MOST_BLOCKS} blocks to fine-tune, not {settings.fine_tune_layers}"
        )
    base = keras_model()
    first = MOST_BLOCKS - settings.fine_tune_layers
    trained = tuple(f"block_{block}_" for block in range(max(first, 1), MOST_BLOCKS))
    if first == 0:
        trained += ("expanded_conv",)
    for layer in base.layers:
        layer.trainable = layer.name.startswith((*trained, "Conv_1"))
    pictures = keras.Input((*base.input_shape[1:3], 3))
    width = head.weights.shape[0]
    scale = float(np.sqrt(width))
    linear = keras.layers.Dense(head.weights.shape[1], name="embedding")
    unit = keras.layers.UnitNormalization()(base(pictures, training=False))
    output = linear(keras.layers.Rescaling(scale)(unit))
    linear.set_weights([head.weights, -scale * head.mean @ head.weights])
    embedding = keras.Model(pictures, output)
    augmented = _augmentation(settings.seed)(pictures)
    behind, loss = objective(embedding(augmented), start, classes, settings)
    training = keras.Model(pictures, behind)
    training.compile(keras.optimizers.Adam(settings.learning_rate), loss, jit_compile=False)
    return FineTuned(embedding, training)


def _augmentation(seed: int) -> Any:
    """Return what makes other photos of photos, in training alone."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.RandomFlip("horizontal", seed=seed),
            layers.RandomTranslation(0.08, 0.08, seed=seed),
            layers.RandomRotation(0.03, seed=seed),
            layers.RandomZoom(0.15, seed=seed),
            layers.RandomBrightness(0.15, value_range=(-1.0, 1.0), seed=seed),
        ],
        name="augmentation",
    )
