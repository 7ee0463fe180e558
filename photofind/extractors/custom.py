"""The extractor of a Keras model that the user added; used only in the worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from photofind.errors import ExtractorError
from photofind.extractors.keras_errors import load_refusal
from photofind.extractors.loaded import make_extractor
from photofind.extractors.model_file import check_model_file, memory_for
from photofind.extractors.models import Model, content_hash, kind_of
from photofind.extractors.networks import KerasNetwork, Verdict
from photofind.extractors.protocol import PROTOCOL
from photofind.extractors.registry import Plugin
from photofind.extractors.samples import blanks, photographs
from photofind.extractors.saved_model import load_saved_model
from photofind.extractors.scaling import scaling_advice

__all__ = ["CustomModel", "TrialService", "build", "pool_parts", "scale_pixels"]

Pixels = npt.NDArray[np.float32]

_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
_GEM_POWER = 3.0
_SAME_COSINE = 0.99999  # The cosine from which two embeddings count as the same.


class CustomModel:
    """A saved Keras model, pinned by the hash of its content.

    Parameters
    ----------
    model
        The model, with its preprocessing and pooling. If its dimension is 0, it is taken from the
        network.

    Raises
    ------
    ExtractorError
        If the model is missing, has changed, or cannot be used.
    """

    protocol = PROTOCOL

    def __init__(self, model: Model) -> None:
        _check_content(model)
        self.name = model.name
        self.version = model.version
        self.threads = 1
        self._model = model
        self._network = KerasNetwork(
            "photofind.extractors.custom:build",
            {
                "path": model.path,
                "layer": model.layer,
                "input_size": list(model.input_size) if model.input_size else None,
                "with_map": True,
            },
            key=model.sha256,
            most_bytes=memory_for(Path(model.path)),
        )
        shape = self.verdict.output_shape
        if not 1 <= len(shape) <= 3 or shape[-1] < 2:
            raise ExtractorError(
                f"the output of {model.source} has the shape {('N', *shape)}: "
                "neither vectors nor feature maps",
                "choose another output with --layer",
            )
        self.input_size = self.verdict.input_size
        self.dimension = shape[-1]
        if model.dimension not in (0, self.dimension):
            raise ExtractorError(
                f"{model.source} gives embeddings of another length than when it was added"
            )
        if len(shape) > 1 or self.verdict.map_shape:
            self.feature_map = self._feature_map

    @property
    def verdict(self) -> Verdict:
        """What runs it, and why."""
        return self._network.verdict

    @property
    def engine(self) -> str:
        """What runs it: ``"LiteRT"`` or ``"Keras"``."""
        return self.verdict.engine

    def embed(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the vectors, float32 (N, dimension), of pictures."""
        return self.embed_scaled(images, self._model.preprocess)

    def embed_scaled(
        self, images: npt.NDArray[np.uint8], preprocess: str
    ) -> npt.NDArray[np.float32]:
        """Return the vectors of pictures whose pixels are scaled in a given way."""
        outputs = self._prepared(images, preprocess, self._network)
        if outputs.ndim == 2:
            return outputs
        return pool_parts(outputs.reshape(len(outputs), -1, outputs.shape[-1]), self._model.pooling)

    def _feature_map(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        outputs = self._prepared(images, self._model.preprocess, self._network.maps)
        # A sequence, such as a transformer's, is a feature map of height 1.
        return outputs if outputs.ndim == 4 else outputs[:, np.newaxis]

    def _prepared(
        self, images: npt.NDArray[np.uint8], preprocess: str, run: Callable[[Pixels], Pixels]
    ) -> npt.NDArray[np.float32]:
        self._network.threads = self.threads
        return run(scale_pixels(images, preprocess)).astype(np.float32)


class TrialService:
    """Tries a model before it is added, in a worker.

    Parameters
    ----------
    model
        The fields of a :class:`~photofind.extractors.models.Model`, decoded from JSON.
    """

    def __init__(self, model: dict[str, Any]) -> None:
        size = model.get("input_size")
        self._model = replace(Model(**model), input_size=tuple(size) if size else None)

    def run(self) -> dict[str, Any]:
        """Return its ``dimension`` and ``input_size``, and what runs it: ``engine``, ``reason``.

        ``classifies`` tells whether its output looks like class probabilities, and ``scaling``
        what seems wrong with the scaling of its pixels.

        Raises
        ------
        ExtractorError
            If it does not load, or gives different photographs the same embedding.
        """
        model = self._model
        plugin = Plugin(model.name, model.path, model.source, model.sha256[:8])
        custom = CustomModel(model)
        extractor = make_extractor(plugin, lambda: custom)
        extractor.embed(np.stack([*blanks(extractor.input_size).values()]))
        pictures = photographs(extractor.input_size)
        vectors = extractor.embed(pictures)
        raw = custom.embed(pictures)
        # Probabilities of larger pixels are surer, and so less alike, whatever is right.
        classifies = bool((raw >= 0).all() and np.allclose(raw.sum(axis=1), 1, atol=1e-3))
        scaling = (
            ""
            if classifies
            else scaling_advice(
                lambda preprocess: custom.embed_scaled(pictures, preprocess), model.preprocess
            )
        )
        cosines = vectors @ vectors.T - 2 * np.eye(len(vectors), dtype=np.float32)
        if not cosines.max() < _SAME_COSINE:
            raise ExtractorError(
                f"{model.source} gives different pictures the same embedding",
                scaling or "choose another output with --layer, or another --preprocess",
            )
        return {
            "dimension": extractor.dimension,
            "input_size": extractor.input_size,
            "engine": custom.verdict.engine,
            "reason": custom.verdict.reason,
            "scaling": scaling,
            "classifies": classifies,
        }


def scale_pixels(images: npt.NDArray[np.uint8], preprocess: str) -> npt.NDArray[np.float32]:
    """Return pictures scaled in one of :data:`~photofind.extractors.models.PREPROCESSINGS`."""
    values: npt.NDArray[Any] = images.astype(np.float32)
    match preprocess:
        case "mobilenet":
            values = values / 127.5 - 1
        case "unit":
            values = values / 255
        case "imagenet":
            values = (values / 255 - _IMAGENET_MEAN) / _IMAGENET_DEVIATION
    return values.astype(np.float32, copy=False)


def pool_parts(parts: npt.NDArray[np.float32], pooling: str) -> npt.NDArray[np.float32]:
    """Return one vector, float32 (N, C), for all parts of a picture, float32 (N, parts, C).

    The generalised mean [1]_ lies between the mean and the largest value.

    References
    ----------
    .. [1] F. Radenovic, G. Tolias, O. Chum, "Fine-tuning CNN Image Retrieval with No Human
       Annotation", PAMI 2019, https://arxiv.org/abs/1711.02512
    """
    vectors: npt.NDArray[Any]
    match pooling:
        case "max":
            vectors = parts.max(axis=1)
        case "gem":
            powers = np.clip(parts, 1e-6, None).astype(np.float64) ** _GEM_POWER
            vectors = powers.mean(axis=1) ** (1 / _GEM_POWER)
        case _:
            vectors = parts.mean(axis=1)
    return vectors.astype(np.float32)


def build(
    path: str, layer: str | None, input_size: list[int] | None, *, with_map: bool = False
) -> Any:
    """Return a saved model as a ``keras.Model`` with one output; imports TensorFlow.

    With ``with_map``, a model whose vectors are means over feature maps has these as a second one.

    Raises
    ------
    ExtractorError
        If it cannot be loaded, or its inputs and outputs are not those of an extractor.
    """
    file = Path(path)
    kind = kind_of(file)
    model = _loaded(file, kind, layer, input_size)
    import keras

    if len(model.inputs) != 1:
        raise ExtractorError(f"{file.name} has {len(model.inputs)} inputs instead of one")
    (source,) = model.inputs
    if len(source.shape) != 4 or source.shape[-1] != 3:
        raise ExtractorError(
            f"{file.name} takes {_shape(source)}, not pictures (N, height, width, 3)"
        )
    size = _size(file, source, input_size)
    target = _output(file, model, None if kind == "SavedModel" else layer)
    pictures = keras.Input((*size, 3), dtype="float32")
    targets = [target]
    if with_map and (pooled := _pooled_by_mean(target)) is not None:
        targets.append(pooled)
    features = keras.Model(model.inputs, targets)(pictures)
    outputs = [keras.ops.cast(each, "float32") for each in features]
    return keras.Model(pictures, outputs if len(outputs) > 1 else outputs[0])


def _pooled_by_mean(tensor: Any) -> Any:
    """Return the feature maps over which vectors are means; None if they are not such."""
    import keras

    made = getattr(tensor, "_keras_history", None)
    if made is None or not isinstance(layer := made.operation, keras.layers.GlobalAveragePooling2D):
        return None
    if layer.data_format != "channels_last" or layer.keepdims:
        return None
    inputs = layer._inbound_nodes[made.node_index].input_tensors
    return inputs[0] if len(inputs) == 1 else None


def _loaded(file: Path, kind: str, layer: str | None, input_size: list[int] | None) -> Any:
    if kind == "SavedModel":
        return load_saved_model(file, input_size, layer)
    # Checked before Keras opens it: Keras trusts the code in older files.
    check_model_file(file, kind)
    import keras

    try:
        return keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:
        raise load_refusal(file, kind, error) from error


def _size(file: Path, source: Any, input_size: list[int] | None) -> tuple[int, int]:
    made_for = tuple(source.shape[1:3])
    if None in made_for:
        if input_size is None:
            raise ExtractorError(
                f"{file.name} takes pictures of any size", "choose a size with --input 224x224"
            )
        height, width = input_size
        if any(given not in (None, side) for given, side in zip(made_for, input_size, strict=True)):
            raise ExtractorError(f"{file.name} takes {_shape(source)}, not {height}x{width}")
        return height, width
    if input_size is not None and made_for != tuple(input_size):
        raise ExtractorError(
            f"{file.name} takes pictures of {made_for[0]}x{made_for[1]}, "
            f"not {input_size[0]}x{input_size[1]}"
        )
    return made_for


def _output(file: Path, model: Any, layer: str | None) -> Any:
    if layer is not None:
        names = [candidate.name for candidate in model.layers]
        if layer not in names:
            raise ExtractorError(
                f"{file.name} has no layer {layer!r}", f"its last layers: {', '.join(names[-5:])}"
            )
        return model.get_layer(layer).output
    if len(model.outputs) != 1:
        raise ExtractorError(
            f"{file.name} has {len(model.outputs)} outputs: {_outputs(model)}",
            "choose one with --layer",
        )
    return model.outputs[0]


def _outputs(model: Any) -> str:
    """Return the layers whose outputs are a model's, with their shapes."""
    names = {id(layer.output): layer.name for layer in model.layers if hasattr(layer, "output")}
    return ", ".join(
        f"{names.get(id(output), output.name)} {_shape(output)}" for output in model.outputs
    )


def _shape(tensor: Any) -> str:
    return f"({', '.join('N' if side is None else str(side) for side in tensor.shape)})"


def _check_content(model: Model) -> None:
    add = f"add it again with `photofind extractors add {model.name} PATH`"
    try:
        content = content_hash(Path(model.path))
    except OSError as error:
        raise ExtractorError(
            f"its model {model.path} cannot be read: {error.strerror}", add
        ) from error
    if content != model.sha256:
        raise ExtractorError(f"its model {model.path} has changed since it was added", add)
