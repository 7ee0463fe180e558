"""Networks of ``keras.applications`` as extractors for photofind."""

from photofind_keras_zoo.extractors import (
    ConvNeXtTiny,
    DenseNet121,
    EfficientNetV2B0,
    InceptionV3,
    MobileNetV3Large,
    ResNet50,
    Vgg16,
    ZooExtractor,
)

__all__ = [
    "ConvNeXtTiny",
    "DenseNet121",
    "EfficientNetV2B0",
    "InceptionV3",
    "MobileNetV3Large",
    "ResNet50",
    "Vgg16",
    "ZooExtractor",
]
