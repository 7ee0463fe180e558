"""The extractor ``clip``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from photofind.errors import ExtractorError
from photofind.extractors.code_files import stamp
from photofind_clip.model import TEXT, TEXT_INPUTS, TOKENIZER, VISION, find_model

if TYPE_CHECKING:
    from photofind_clip.model import Model

__all__ = ["Clip"]

_INSTALL = "`photofind plugins install photofind-clip` installs it"
_INSTALL_WITH_ONNX = "`photofind plugins install 'photofind-clip[onnx]'` installs it"
_NO_TELEMETRY = "ORT_DISABLE_TELEMETRY"
_TYPES = {
    "tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64,
    "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(bool)": np.bool_,
}  # fmt: skip


class Clip:
    """Two networks that embed pictures and texts into one space, as CLIP does [1]_.

    Pictures are squashed to the size of the network; CLIP's own preparation cuts off what is beyond
    a square.

    Raises
    ------
    ExtractorError
        There is no model, it is damaged, or it is of another kind.

    References
    ----------
    .. [1] A. Radford et al., "Learning Transferable Visual Models From Natural Language
       Supervision", ICML 2021, https://arxiv.org/abs/2103.00020
    """

    name = "clip"
    protocol = 1
    batch_size = 16
    engine = "ONNX Runtime"

    def __init__(self) -> None:
        self.threads = 1
        self._model: Model = find_model()
        self.files = self._model.files
        self._stamp = stamp(self.files)
        self.version = f"1-{self._model.digest[:8]}"
        self.input_size = self._model.size
        self.dimension = self._model.dimension or self._measured()

    def embed(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the embeddings, float32 (N, dimension), of pictures, uint8 (N, h, w, 3) RGB."""
        scaled = images.astype(np.float32) * np.float32(self._model.scale)
        mean, deviation = (
            np.array(one, np.float32) for one in (self._model.mean, self._model.deviation)
        )
        values = np.ascontiguousarray(((scaled - mean) / deviation).transpose(0, 3, 1, 2))
        return self._run(self._vision, self._model.image_output, {"pixel_values": values})

    def embed_text(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the embeddings of texts, float32 (N, dimension); what is too long is cut off."""
        encoded = self._tokenizer.encode_batch([*texts])
        rows = ([one.ids for one in encoded], [one.attention_mask for one in encoded])
        values = {
            name: np.array(one, np.int64) for name, one in zip(TEXT_INPUTS, rows, strict=True)
        }
        return self._run(self._text, self._model.text_output, values)

    def _run(
        self, session: Any, output: str, values: dict[str, npt.NDArray[Any]]
    ) -> npt.NDArray[np.float32]:
        inputs = session.get_inputs()
        first = next(iter(values))
        given: dict[str, npt.NDArray[Any]] = {
            one.name: values[one.name if one.name in values else first].astype(
                _TYPES.get(one.type, np.float32)
            )
            for one in inputs
        }
        (vectors,) = session.run([output], given)
        return np.asarray(vectors, np.float32)

    def _measured(self) -> int:
        """Return the length of embeddings, of a network that does not declare it."""
        length = int(self.embed(np.zeros((1, *self.input_size, 3), np.uint8)).shape[-1])
        del self._vision  # It is opened again with as many threads as are set by then.
        return length

    @cached_property
    def _vision(self) -> Any:
        return _session(self._file(VISION), self.threads)

    @cached_property
    def _text(self) -> Any:
        return _session(self._file(TEXT), self.threads)

    @cached_property
    def _tokenizer(self) -> Any:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise ExtractorError("it needs tokenizers, which is not installed", _INSTALL) from error
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        file = self._file(TOKENIZER)
        try:
            tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:
            raise _damaged(file, error) from error
        known = tokenizer.padding or {}
        token = known.get("pad_token") or self._model.padding or ""
        number = tokenizer.token_to_id(token) or 0
        context = self._model.context
        tokenizer.enable_truncation(context)
        tokenizer.enable_padding(pad_id=number, pad_token=token, length=context)
        return tokenizer

    def _file(self, name: str) -> Path:
        """Return a file of the model that the version tells of.

        Raises
        ------
        ExtractorError
            Another model is there by now, or none.
        """
        model = self._model
        if stamp(self.files) != self._stamp and find_model(model.folder).digest != model.digest:
            raise ExtractorError(
                "its model was replaced after it was loaded",
                "try again in some seconds; if that does not help, start photofind again",
            )
        return model.path(name)


def _session(file: Path, threads: int) -> Any:
    """Return what runs a network on some threads.

    Raises
    ------
    ExtractorError
        ONNX Runtime is not installed, or cannot run it.
    """
    # Otherwise it reports what it runs over the network. It looks when it is imported first.
    os.environ[_NO_TELEMETRY] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise ExtractorError(
            "it needs ONNX Runtime, which is not installed", _INSTALL_WITH_ONNX
        ) from error
    onnxruntime.disable_telemetry_events()  # On Windows.
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Threads that wait for the next batch take no processor time.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _damaged(file, error) from error


def _damaged(file: Path, error: Exception) -> ExtractorError:
    reason = " ".join(str(error).split())[:300]
    return ExtractorError(f"{file} cannot be loaded: {reason}", "copy or download it again")
