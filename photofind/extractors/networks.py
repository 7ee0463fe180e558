"""Running Keras models on LiteRT: converted once, verified against Keras, and cached.

Models that cannot be converted, or give other numbers on LiteRT, run on Keras.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import tempfile
import traceback
from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from photofind.errors import (
    ExtractorError,
    PhotofindError,
    WorkerError,
    WorkerKilledError,
    WorkerResourceError,
    WorkerStartError,
    WorkerTimeoutError,
)
from photofind.extractors.keras_errors import conversion_reason
from photofind.extractors.litert import Network
from photofind.extractors.progress import working
from photofind.extractors.samples import photographs
from photofind.paths import Home, write_atomically
from photofind.system.extras import require_extra
from photofind.workers import Worker
from photofind.workers.frames import JSON

__all__ = ["ConversionService", "KerasNetwork", "Verdict"]

LEAST_AGREEMENT = 0.999
"""The least cosine, for each picture, of the output on LiteRT with that on Keras."""

_START_SECONDS = 280.0
_CONVERT_SECONDS = 280.0
_MOST_BYTES = 8e9

_logger = logging.getLogger(__name__)


class Verdict(NamedTuple):
    """The outcome of a conversion.

    Attributes
    ----------
    engine
        What runs the network: ``"LiteRT"`` or ``"Keras"``.
    reason
        Why it is not LiteRT; empty if it is.
    input_size
        Height and width of the network's input.
    output_shape
        Shape of its output, without the batch axis.
    map_shape
        Shape of the feature maps that are its second output; None if it has none.
    """

    engine: str
    reason: str
    input_size: tuple[int, int]
    output_shape: tuple[int, ...]
    map_shape: tuple[int, ...] | None = None


class KerasNetwork:
    """A Keras model that runs without TensorFlow if possible.

    The first use builds and converts it in a process of its own, so that TensorFlow's memory is
    freed; later uses open the converted file.

    Parameters
    ----------
    builder
        ``"package.module:function"``, which returns a ``keras.Model`` that takes float32
        (N, height, width, 3) and returns one float32 array with first axis N, or two: vectors, and
        the feature maps that they were pooled from. It may raise an
        :class:`~photofind.errors.ExtractorError`, for missing weights for example.
    arguments
        Its keyword arguments, JSON.
    key
        Must change whenever the network's weights or code change.
    most_bytes
        The memory that the process which converts it may take.

    Attributes
    ----------
    threads : int
        Threads to use, if set before the first call.

    Raises
    ------
    ExtractorError
        Keras or TensorFlow is not installed.
    """

    def __init__(
        self,
        builder: str,
        arguments: Mapping[str, JSON],
        key: str,
        most_bytes: float = _MOST_BYTES,
    ) -> None:
        require_extra("keras", "its network", ExtractorError)
        self.threads = 1
        self._builder = builder
        self._arguments = dict(arguments)
        self._most_bytes = most_bytes
        tools = [version("keras"), version("tensorflow")]
        identity = json.dumps([builder, self._arguments, key, tools], sort_keys=True)
        name = hashlib.sha256(identity.encode()).hexdigest()[:32]
        self._file = Home.default().cache / "networks" / f"{name}.tflite"

    @cached_property
    def verdict(self) -> Verdict:
        """What runs the network, and its shapes; converts it on first use.

        Raises
        ------
        ExtractorError
            If the network cannot be built.
        """
        try:
            cached = json.loads(self._file.with_suffix(".json").read_bytes())
            verdict = _verdict_from_json(cached["verdict"])
            if verdict.engine == "Keras" or _sha256(self._file.read_bytes()) == cached["sha256"]:
                return verdict
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            pass  # Not converted yet, or the file is damaged.
        with working("converting a network"):
            return self._convert()

    def __call__(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the outputs for a batch of prepared pictures; of two outputs the vectors."""
        return self._run(batch)

    def maps(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the same of two outputs the feature maps."""
        return self._run.maps(batch)

    @cached_property
    def _run(self) -> Network | _KerasRunner:
        if self.verdict.engine == "LiteRT":
            return Network(self._file, self.threads)
        _use_threads(self.threads)  # TensorFlow takes the number only before it starts.
        return _KerasRunner(_build(self._builder, self._arguments))

    def _convert(self) -> Verdict:
        converted: bytes = b""
        passing = False
        with Worker(
            "photofind.extractors.networks:ConversionService",
            name="conversion",
            options={"builder": self._builder, "arguments": self._arguments},
            environment={"TF_CPP_MIN_LOG_LEVEL": "2"},
            start_seconds=_START_SECONDS,
            most_bytes=self._most_bytes / 2,  # Twice that during a call.
        ) as worker:
            try:
                shapes = worker.call("shapes", timeout=_CONVERT_SECONDS).value
            except WorkerStartError as error:
                reason = error.message.removeprefix("the conversion worker did not start: ")
                raise ExtractorError(
                    f"the network cannot be built: {reason}", details=error.details
                ) from error
            try:
                reply = worker.call("convert", timeout=_CONVERT_SECONDS)
            except WorkerError as error:  # The converter crashes on some graphs.
                _logger.warning("a network was not converted: %s\n%s", error, error.details)
                # A busy or full machine may convert it the next time.
                passing = isinstance(
                    error, WorkerTimeoutError | WorkerKilledError | WorkerResourceError
                )
                verdict = _verdict_from_json(["Keras", error.message, *shapes])
            else:
                verdict = _verdict_from_json([*reply.value, *shapes])
                converted = reply.arrays[0].tobytes()
        if verdict.engine == "Keras":
            _logger.warning("a network runs on Keras: %s", verdict.reason)
        else:
            write_atomically(self._file, converted)
        if passing:
            return verdict
        record = {"verdict": verdict, "sha256": _sha256(converted)}
        write_atomically(self._file.with_suffix(".json"), json.dumps(record).encode())
        return verdict


class ConversionService:
    """Builds a network and converts it, in a worker.

    Parameters
    ----------
    builder, arguments
        As for :class:`KerasNetwork`.
    """

    def __init__(self, builder: str, arguments: dict[str, JSON]) -> None:
        self._model = _build(builder, arguments)

    def shapes(self) -> list[list[int]]:
        """Return the height and width of the input, and the shapes of one output, or of two."""
        height, width = self._model.input_shape[1:3]
        picture = np.zeros((1, height, width, 3), np.float32)
        return [[height, width], *(list(output.shape[1:]) for output in self._outputs(picture))]

    def convert(self) -> tuple[list[str], list[npt.NDArray[np.uint8]]]:
        """Return the engine and its reason, and the converted network, uint8 (bytes,)."""
        import tensorflow as tf

        nothing = np.zeros(0, np.uint8)
        with tempfile.TemporaryDirectory() as folder:
            try:
                self._model.export(folder, format="tf_saved_model", verbose=False)
                converted = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
            except Exception as error:
                _logger.warning("a network cannot be converted", exc_info=error)
                return ["Keras", f"it cannot be converted: {conversion_reason(error)}"], [nothing]
            file = Path(folder, "network.tflite")
            file.write_bytes(converted)
            # The two scales of pixel values that networks expect.
            pictures = photographs(self._model.input_shape[1:3])[:4].astype(np.float32)
            batch = np.concatenate([pictures / 127.5 - 1, pictures])
            expected = self._outputs(batch)
            try:
                network = Network(file, 1)
                given = [network(batch), network.maps(batch)][: len(expected)]
            except Exception as error:  # noqa: BLE001
                return ["Keras", f"LiteRT cannot run it: {conversion_reason(error)}"], [nothing]
        agreement = min(map(_agreement, given, expected))
        if not agreement >= LEAST_AGREEMENT:
            return ["Keras", f"LiteRT gives other numbers: cosine {agreement:.4f}"], [nothing]
        return ["LiteRT", ""], [np.frombuffer(converted, np.uint8)]

    def _outputs(self, batch: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
        parts = [_ordered(self._model(batch[i : i + 4])) for i in range(0, len(batch), 4)]
        return [np.concatenate(output) for output in zip(*parts, strict=True)]


def _build(builder: str, arguments: Mapping[str, JSON]) -> Any:
    module, _, name = builder.partition(":")
    try:
        return getattr(importlib.import_module(module), name)(**arguments)
    except PhotofindError:
        raise
    except Exception as error:
        raise ExtractorError(
            f"the network cannot be built: {conversion_reason(error)}",
            details="".join(traceback.format_exception(error)),
        ) from error


def _use_threads(threads: int) -> None:
    """Have TensorFlow run an operation on so many threads, if it has not started yet."""
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    except RuntimeError:
        _logger.info("TensorFlow has started, so its number of threads cannot be set")


class _KerasRunner:
    """Runs a Keras model."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __call__(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return _ordered(self._model.predict_on_batch(batch))[0]

    def maps(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return _ordered(self._model.predict_on_batch(batch))[-1]


def _ordered(outputs: Any) -> list[npt.NDArray[np.float32]]:
    """Return the outputs of a Keras model, vectors before feature maps."""
    each = outputs if isinstance(outputs, list | tuple) else [outputs]
    return sorted(map(np.asarray, each), key=np.ndim)


def _agreement(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    """Return the lowest cosine between the outputs for the same picture; 0 if shapes differ."""
    if first.shape != second.shape:
        return 0.0
    a, b = (array.reshape(len(array), -1).astype(np.float64) for array in (first, second))
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    equal = (a == b).all(axis=1)
    cosines = (a * b).sum(axis=1) / np.where(lengths == 0, 1, lengths)
    return float(np.where(equal, 1, cosines).min())


def _verdict_from_json(plain: list[Any]) -> Verdict:
    engine, reason, (height, width), output_shape, *more = plain
    map_shape = tuple(more[0]) if more and more[0] is not None else None
    return Verdict(engine, reason, (height, width), tuple(output_shape), map_shape)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
