"""Rebuild the int8 weights of ``mobilenet-int8`` from the weights of the default extractor.

``python packaging/weights/build_mobilenet_int8.py`` writes ``mobilenet_v2_int8.tflite`` into
``photofind/extractors/weights/`` and its line into ``SHA256SUMS``.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import skimage
import tensorflow as tf
from build_mobilenet import expose_map, sha256
from PIL import Image

from photofind.extractors.mobilenet import INT8_FILE, keras_model

PHOTOS = (
    *("astronaut", "cat", "coffee", "rocket", "chelsea", "hubble_deep_field"),
    *("immunohistochemistry", "retina", "camera", "coins", "moon", "page", "text", "clock"),
    *("brick", "grass", "gravel"),
)
PARTS = 12
# The scaling of the pixels, the first convolution and the first depthwise one stay in float: as
# integers they cost most of the precision and save no time. So does the last mean, or else an
# embedding would be rounded once more.
FIRST, LAST = 4, 1


def parts() -> Iterator[list[npt.NDArray[np.uint8]]]:
    """Yield pictures that show the converter how large activations become: parts of photos."""
    dice = np.random.default_rng(0)
    for name in PHOTOS:
        image = Image.fromarray(np.asarray(getattr(skimage.data, name)())).convert("RGB")
        for _ in range(PARTS):
            width, height = (int(side * dice.uniform(0.4, 1)) for side in image.size)
            left = int(dice.integers(0, image.width - width + 1))
            top = int(dice.integers(0, image.height - height + 1))
            part = image.crop((left, top, left + width, top + height))
            yield [np.asarray(part.resize((224, 224), Image.Resampling.BICUBIC))[np.newaxis]]


def converter(folder: str) -> Any:
    """Return a converter that makes integers of weights and activations."""
    made = tf.lite.TFLiteConverter.from_saved_model(folder)
    made.optimizations = [tf.lite.Optimize.DEFAULT]
    made.representative_dataset = partial(iter, [*parts()])
    return made


def quantize(model: Any) -> bytearray:
    """Return ``model`` as a TensorFlow Lite file of integers that takes uint8 pixels."""
    debug = tf.lite.experimental
    pixels = keras.Input(model.input_shape[1:], dtype="uint8", name="pixels")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    with tempfile.TemporaryDirectory() as folder:
        keras.Model(pixels, model(scaled)).export(folder, format="tf_saved_model", verbose=False)
        few = partial(iter, [*parts()][:1])
        named = debug.QuantizationDebugger(converter=converter(folder), debug_dataset=few)
        named.run()
        table = io.StringIO()
        named.layer_statistics_dump(table)
        table.seek(0)
        layers = [row["tensor_name"] for row in csv.DictReader(table)]
        options = debug.QuantizationDebugOptions(
            denylisted_nodes=[*layers[:FIRST], *layers[-LAST:]]
        )
        chosen = debug.QuantizationDebugger(
            converter=converter(folder), debug_dataset=few, debug_options=options
        )
        return bytearray(chosen.get_nondebug_quantized_model())


def main() -> None:
    """Write the file and its line."""
    INT8_FILE.write_bytes(expose_map(quantize(keras_model())))
    sums = Path(INT8_FILE.with_name("SHA256SUMS"))
    others = [line for line in sums.read_text().splitlines() if INT8_FILE.name not in line]
    sums.write_text("\n".join([*others, f"{sha256(INT8_FILE)}  {INT8_FILE.name}", ""]))


if __name__ == "__main__":
    main()
