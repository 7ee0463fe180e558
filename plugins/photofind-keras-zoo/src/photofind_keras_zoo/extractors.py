"""The extractors: each a network of ``keras.applications`` up to its last feature map."""

from __future__ import annotations

import traceback
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from photofind.errors import ExtractorError
from photofind.extractors.networks import KerasNetwork
from photofind_keras_zoo.weights import Weights, find, hash_of

__all__ = [
    "ZOO",
    "ConvNeXtTiny",
    "DenseNet121",
    "EfficientNetV2B0",
    "InceptionV3",
    "MobileNetV3Large",
    "ResNet50",
    "Vgg16",
    "ZooExtractor",
    "build",
    "network",
]

_CAFFE_MEAN = np.array([103.939, 116.779, 123.68], np.float32)  # Blue, green, red.
_TORCH_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_TORCH_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


class ZooExtractor:
    """A network of ``keras.applications``, trained on ImageNet: the mean over its last feature map.

    Other weights than the published ones give other embeddings, so they get another version.

    Attributes
    ----------
    application
        Its name in ``keras.applications``.
    weights
        Its weights file, without the top.
    scaling
        How pixels are scaled: "caffe", "tf" or "torch", as Keras calls it, or "none" if the
        network scales them itself.

    Raises
    ------
    ExtractorError
        If the weights are missing.
    """

    name: ClassVar[str]
    application: ClassVar[str]
    weights: ClassVar[Weights]
    scaling: ClassVar[str]
    protocol = 1
    input_size = (224, 224)
    dimension: int

    def __init__(self) -> None:
        self.threads = 1
        self._file = find(self.name, self.weights)
        self._sha256 = hash_of(self._file, "sha256")
        published = self.weights.hash == hash_of(self._file, self.weights.algorithm)
        self.version = "1" if published else f"1-{self._sha256[:8]}"

    @property
    def engine(self) -> str:
        """What runs it: ``"LiteRT"``, or ``"Keras"`` if it cannot be converted."""
        return self._network.verdict.engine

    def embed(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the embeddings, float32 (N, dimension), of pictures, uint8 (N, h, w, 3)."""
        vectors: npt.NDArray[np.float32] = self.feature_map(images).mean(axis=(1, 2))
        return vectors

    def feature_map(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the last feature map, float32 (N, h, w, dimension)."""
        self._network.threads = self.threads
        return self._network(scaled(images, self.scaling))

    @cached_property
    def _network(self) -> KerasNetwork:
        arguments = {"application": self.application, "file": str(self._file)}
        return KerasNetwork("photofind_keras_zoo.extractors:build", arguments, self._sha256)


class Vgg16(ZooExtractor):
    """VGG16 [1]_.

    References
    ----------
    .. [1] K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
       Recognition", ICLR 2015, https://arxiv.org/abs/1409.1556
    """

    name = "vgg16"
    application = "VGG16"
    dimension = 512
    scaling = "caffe"
    weights = Weights(
        "keras-applications/vgg16/",
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "6d6bbae143d832006294945121d1f1fc",
    )


class ResNet50(ZooExtractor):
    """ResNet50 [1]_.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition",
       CVPR 2016, https://arxiv.org/abs/1512.03385
    """

    name = "resnet50"
    application = "ResNet50"
    dimension = 2048
    scaling = "caffe"
    weights = Weights(
        "keras-applications/resnet/",
        "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "4d473c1dd8becc155b73f8504c6f6626",
    )


class InceptionV3(ZooExtractor):
    """Inception v3, at 299 pixels [1]_.

    References
    ----------
    .. [1] C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna, "Rethinking the Inception
       Architecture for Computer Vision", CVPR 2016, https://arxiv.org/abs/1512.00567
    """

    name = "inceptionv3"
    application = "InceptionV3"
    input_size = (299, 299)
    dimension = 2048
    scaling = "tf"
    weights = Weights(
        "keras-applications/inception_v3/",
        "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "bcbd6486424b2319ff4ef7d526e38f63",
    )


class DenseNet121(ZooExtractor):
    """DenseNet121 [1]_.

    References
    ----------
    .. [1] G. Huang, Z. Liu, L. van der Maaten, K. Q. Weinberger, "Densely Connected Convolutional
       Networks", CVPR 2017, https://arxiv.org/abs/1608.06993
    """

    name = "densenet121"
    application = "DenseNet121"
    dimension = 1024
    scaling = "torch"
    weights = Weights(
        "keras-applications/densenet/",
        "densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "30ee3e1110167f948a6b9946edeeb738",
    )


class EfficientNetV2B0(ZooExtractor):
    """EfficientNetV2-B0 [1]_.

    References
    ----------
    .. [1] M. Tan, Q. V. Le, "EfficientNetV2: Smaller Models and Faster Training", ICML 2021,
       https://arxiv.org/abs/2104.00298
    """

    name = "efficientnetv2b0"
    application = "EfficientNetV2B0"
    dimension = 1280
    scaling = "none"
    weights = Weights(
        "keras-applications/efficientnet_v2/",
        "efficientnetv2-b0_notop.h5",
        "893217f2bb855e2983157299931e43ff",
    )


class ConvNeXtTiny(ZooExtractor):
    """ConvNeXt-Tiny [1]_.

    References
    ----------
    .. [1] Z. Liu, H. Mao, C.-Y. Wu, C. Feichtenhofer, T. Darrell, S. Xie, "A ConvNet for the
       2020s", CVPR 2022, https://arxiv.org/abs/2201.03545
    """

    name = "convnexttiny"
    application = "ConvNeXtTiny"
    dimension = 768
    scaling = "none"
    weights = Weights(
        "keras-applications/convnext/",
        "convnext_tiny_notop.h5",
        "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    )


class MobileNetV3Large(ZooExtractor):
    """MobileNetV3-Large [1]_.

    References
    ----------
    .. [1] A. Howard et al., "Searching for MobileNetV3", ICCV 2019,
       https://arxiv.org/abs/1905.02244
    """

    name = "mobilenetv3large"
    application = "MobileNetV3Large"
    dimension = 960
    scaling = "none"
    weights = Weights(
        "keras-applications/mobilenet_v3/",
        "weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
        "07fb09a5933dd0c8eaafa16978110389",
    )


ZOO: dict[str, type[ZooExtractor]] = {
    kind.name: kind
    for kind in (
        Vgg16,
        ResNet50,
        InceptionV3,
        DenseNet121,
        EfficientNetV2B0,
        ConvNeXtTiny,
        MobileNetV3Large,
    )
}
"""The extractors by their names."""


def network(application: str, input_size: tuple[int, int]) -> Any:
    """Return a network without its top and without weights; imports TensorFlow."""
    import keras

    return getattr(keras.applications, application)(
        include_top=False, weights=None, input_shape=(*input_size, 3)
    )


def build(application: str, file: str) -> Any:
    """Return a network without its top, with the weights in a file, of either format of Keras.

    Raises
    ------
    ExtractorError
        If the file holds other weights.
    """
    (kind,) = (kind for kind in ZOO.values() if kind.application == application)
    model = network(application, kind.input_size)
    try:
        model.load_weights(file)
    except Exception as error:
        raise ExtractorError(
            f"{file} does not hold the weights of {application} without its top",
            "save them with model.save_weights('NAME.weights.h5'), of a model that was made with "
            "include_top=False",
            traceback.format_exc(),
        ) from error
    return model


def scaled(images: npt.NDArray[np.uint8], scaling: str) -> npt.NDArray[np.float32]:
    """Return pictures scaled as by Keras's ``preprocess_input``."""
    values: npt.NDArray[Any] = images.astype(np.float32)
    match scaling:
        case "caffe":
            values = values[..., ::-1] - _CAFFE_MEAN
        case "tf":
            values = values / 127.5 - 1
        case "torch":
            values = (values / 255 - _TORCH_MEAN) / _TORCH_DEVIATION
    return np.ascontiguousarray(values, np.float32)
