"""The extractor ``efficientnet-lite0``."""

from __future__ import annotations

from functools import cached_property
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from photofind.extractors.networks import KerasNetwork
from photofind_efficientnet.network import (
    CHANNELS,
    INPUT_SIZE,
    WEIGHTS_SHA256,
    build,
    top_weights,
)

__all__ = ["EfficientNetLite0"]

_LEAST_CONFIDENCE = 0.1
_MOST_TAGS = 5


class EfficientNetLite0:
    """EfficientNet-Lite0 at 224 pixels: the mean over its last feature map.

    Its tags are the names of the 1000 classes of ImageNet.
    """

    name = "efficientnet-lite0"
    version = "1"
    protocol = 1
    input_size = INPUT_SIZE
    dimension = CHANNELS

    def __init__(self) -> None:
        self.threads = 1

    @property
    def engine(self) -> str:
        """What runs it: ``"LiteRT"``, or ``"Keras"`` if it cannot be converted."""
        return self._network.verdict.engine

    def embed(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the embeddings, float32 (N, 1280), of pictures, uint8 (N, 224, 224, 3) RGB."""
        vectors: npt.NDArray[np.float32] = self.feature_map(images).mean(axis=(1, 2))
        return vectors

    def feature_map(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the features of each of 49 parts, float32 (N, 7, 7, 1280)."""
        self._network.threads = self.threads
        return self._network(((images.astype(np.float32) - 127) / 128).astype(np.float32))

    def tags(self, images: npt.NDArray[np.uint8]) -> list[list[tuple[str, float]]]:
        """Return the likely classes of each picture, at most 5."""
        return self._classified(self.embed(images))

    def describe(
        self, images: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.float32], list[list[tuple[str, float]]]]:
        """Return the embeddings and the tags, by one run of the network."""
        vectors = self.embed(images)
        return vectors, self._classified(vectors)

    def _classified(self, vectors: npt.NDArray[np.float32]) -> list[list[tuple[str, float]]]:
        weights, biases = self._top
        scores = (vectors @ weights + biases).astype(np.float64)
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        confidences = scores / scores.sum(axis=1, keepdims=True)
        return [self._likely_classes(picture) for picture in confidences]

    def _likely_classes(self, confidences: npt.NDArray[np.float64]) -> list[tuple[str, float]]:
        places = confidences.argsort()[::-1][:_MOST_TAGS]
        return [
            (self._classes[place], float(confidences[place]))
            for place in places
            if confidences[place] >= _LEAST_CONFIDENCE
        ]

    @cached_property
    def _network(self) -> KerasNetwork:
        return KerasNetwork(f"{build.__module__}:{build.__name__}", {}, WEIGHTS_SHA256)

    @cached_property
    def _top(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        return top_weights()

    @cached_property
    def _classes(self) -> list[str]:
        """The names of each class, separated by commas, from WordNet."""
        return files(__package__).joinpath("classes.txt").read_text("utf-8").splitlines()
