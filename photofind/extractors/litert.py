"""Running a TensorFlow Lite file on LiteRT."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Network"]

_MOST_INTERPRETERS = 4


class Network:
    """A network with one input, run on the CPU without TensorFlow.

    It has one output, or two: vectors, and the feature maps that they were pooled from.

    Parameters
    ----------
    path
        A ``.tflite`` file whose input and outputs have the batch as their first axis. If its layers
        allow it, the other sides of the input may differ between calls.
    threads
        Threads for a batch.

    Notes
    -----
    LiteRT runs it with XNNPACK [1]_. Without LiteRT, TensorFlow's own interpreter, the same code,
    is used.

    References
    ----------
    .. [1] https://ai.google.dev/edge/litert
    """

    def __init__(self, path: Path, threads: int) -> None:
        self._path = path
        # Each thread has an interpreter and a picture of its own, so it never waits. Threads that
        # share a picture spin whenever another program, or the decoding, uses the core of one of
        # them. Indexing Corel-1K on 2 cores took 9.5 ms of CPU time per photo, against 10.4 ms;
        # each interpreter costs 23 MB.
        interpreters = min(threads, _MOST_INTERPRETERS)
        self._threads_each = threads // interpreters
        self._pool = ThreadPoolExecutor(interpreters, thread_name_prefix="network")
        self._own = threading.local()

    def __call__(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the vectors of a batch, or its feature maps where it has no vectors."""
        return self._each(batch, 0)

    def maps(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the feature maps of a batch, or its vectors where it has no feature maps."""
        return self._each(batch, -1)

    def _each(self, batch: npt.NDArray[Any], place: int) -> npt.NDArray[Any]:
        # One picture at a time, so that activations stay in the CPU cache.
        run = partial(self._run, place=place)
        return np.concatenate([*self._pool.map(run, batch[:, np.newaxis])])

    def _run(self, batch: npt.NDArray[Any], *, place: int) -> npt.NDArray[Any]:
        """Return an output for a batch of one, from the interpreter of this thread."""
        if getattr(self._own, "shape", None) != batch.shape:
            self._own.shape = None  # An interpreter that fails to load must not be used.
            self._own.interpreter = self._load(batch.shape)
            self._own.shape = batch.shape
        interpreter = self._own.interpreter
        (source,), targets = interpreter.get_input_details(), interpreter.get_output_details()
        interpreter.set_tensor(source["index"], batch)
        interpreter.invoke()
        # Vectors have fewer axes than maps. Only what is asked for is copied.
        target = sorted(targets, key=lambda output: len(output["shape"]))[place]
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
    except ModuleNotFoundError:  # No wheel for this platform.
        from tensorflow.lite.python.interpreter import Interpreter
    return Interpreter
