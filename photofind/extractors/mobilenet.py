"""The default extractor: MobileNetV2, trained on ImageNet, on LiteRT.

Two files beside this module hold the same weights, most in float16: one for LiteRT, which runs it,
and one for Keras, as the start of training. A third one holds them as integers, for a network that
is faster and a little less exact. ``packaging/weights/`` has their recipes.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photofind.extractors.protocol import PROTOCOL

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from photofind.extractors.litert import Network

__all__ = [
    "INT8_FILE",
    "TFLITE_FILE",
    "WEIGHTS_FILE",
    "MobileNet",
    "MobileNetInt8",
    "keras_model",
    "keras_network",
]

_FOLDER = Path(__file__).with_name("weights")
TFLITE_FILE = _FOLDER / "mobilenet_v2.tflite"
INT8_FILE = _FOLDER / "mobilenet_v2_int8.tflite"
WEIGHTS_FILE = _FOLDER / "mobilenet_v2.weights.h5"


class MobileNet:
    """MobileNetV2 1.0 at 224 pixels [1]_ without its top: the mean over its last feature map.

    For a smaller picture the map is smaller, and its mean nearly the same.

    The file takes uint8 and scales it as ``keras.applications.mobilenet_v2.preprocess_input``
    does.

    References
    ----------
    .. [1] M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L.-C. Chen, "MobileNetV2: Inverted
       Residuals and Linear Bottlenecks", CVPR 2018, https://arxiv.org/abs/1801.04381
    """

    name = "mobilenet"
    version = "1"
    protocol = PROTOCOL
    input_size = (224, 224)
    # Thumbnails have no more detail than this, and the network takes a third of the time.
    preview_size = (128, 128)
    dimension = 1280
    _file = TFLITE_FILE

    def __init__(self) -> None:
        self.threads = 1

    @cached_property
    def _network(self) -> Network:
        from photofind.extractors.litert import Network

        return Network(self._file, self.threads)

    def embed(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the embeddings, float32 (N, 1280), of pictures, uint8 (N, height, width, 3)."""
        return self._network(images)

    def feature_map(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the feature maps, float32 (N, 7, 7, 1280); an embedding is the mean over one."""
        return self._network.maps(images)


class MobileNetInt8(MobileNet):
    """The same network on integers [1]_: faster, and its ranking loses little.

    Its embeddings are of a space of their own.

    References
    ----------
    .. [1] B. Jacob et al., "Quantization and Training of Neural Networks for Efficient
       Integer-Arithmetic-Only Inference", CVPR 2018, https://arxiv.org/abs/1712.05877
    """

    name = "mobilenet-int8"
    _file = INT8_FILE


def keras_model() -> Any:
    """Return the same network as a ``keras.Model``, for training or comparison.

    It takes float32 (N, 224, 224, 3) from ``keras.applications.mobilenet_v2.preprocess_input`` and
    returns float32 (N, 1280). Imports TensorFlow.
    """
    model = keras_network()
    model.load_weights(WEIGHTS_FILE)
    return model


def keras_network() -> Any:
    """Return the network for Keras, without weights."""
    import keras

    return keras.applications.MobileNetV2(
        input_shape=(*MobileNet.input_size, 3), include_top=False, pooling="avg", weights=None
    )
