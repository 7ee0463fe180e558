"""Running a TensorFlow Lite file on LiteRT."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Network"]

_MOST_INTERPRETERS = 4


class Network:
    """A network with one input and one output, on the processor, without TensorFlow.

    Parameters
    ----------
    path
        A ``.tflite`` file whose input and output have the batch as their first axis. Where its
        layers allow it, the other sides of the input may differ from call to call.
    threads
        Threads that it uses for a batch.

    Notes
    -----
    LiteRT runs it through XNNPACK [1]_; where LiteRT is not installed, TensorFlow's own
    interpreter, the same code, takes its place.

    References
    ----------
    .. [1] https://ai.google.dev/edge/litert
    """

    def __init__(self, path: Path, threads: int) -> None:
        self._path = path
        # Single threads, each with an interpreter and a picture of its own, wait for nobody, while
        # threads that share a picture spin whenever another program, or the decoding, has the
        # processor of one of them. Indexing Corel-1K on 2 cores took 9.5 against 10.4 ms of
        # processor time a photo; each interpreter costs 23 MB.
        interpreters = min(threads, _MOST_INTERPRETERS)
        self._threads_each = threads // interpreters
        self._pool = ThreadPoolExecutor(interpreters, thread_name_prefix="network")
        self._own = threading.local()

    def __call__(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the outputs for a batch, both with the batch as their first axis."""
        # One at a time: activations then stay in the cache.
        return np.concatenate([*self._pool.map(self._run, batch[:, np.newaxis])])

    def _run(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the outputs for a batch of one, from the interpreter of this thread."""
        if getattr(self._own, "shape", None) != batch.shape:
            self._own.shape = None  # What fails half-way is of no use afterwards.
            self._own.interpreter = self._load(batch.shape)
            self._own.shape = batch.shape
        interpreter = self._own.interpreter
        (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
        interpreter.set_tensor(source["index"], batch)
        interpreter.invoke()
        outputs: npt.NDArray[Any] = interpreter.get_tensor(target["index"])
        return outputs

    def _load(self, shape: tuple[int, ...]) -> Any:
        interpreter = _interpreter_class()(
            model_path=str(self._path), num_threads=self._threads_each
        )
        (source,) = interpreter.get_input_details()
        if tuple(source["shape"]) != shape:
            interpreter.resize_tensor_input(source["index"], shape)
        interpreter.allocate_tensors()
        return interpreter


def _interpreter_class() -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ModuleNotFoundError:  # There is no wheel for this platform.
        from tensorflow.lite.python.interpreter import Interpreter
    return Interpreter
