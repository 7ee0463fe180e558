"""A folder with a CLIP-like model, as Hugging Face and open_clip lay it out.

It has the networks of the two towers, ``vision_model.onnx`` and ``text_model.onnx`` (in the folder
or in ``onnx/`` below it), ``tokenizer.json``, and ``preprocessor_config.json``; and, where there
are any, ``tokenizer_config.json`` and ``config.json``. Nothing else is read, and no code is run.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from photofind.errors import ExtractorError
from photofind.paths import Home
from photofind_clip.onnx_file import Declared, read_declared

__all__ = [
    "FILES",
    "MODEL_VARIABLE",
    "OPTIONAL_FILES",
    "TEXT_INPUTS",
    "Model",
    "default_folder",
    "find_model",
]

MODEL_VARIABLE = "PHOTOFIND_CLIP_MODEL"
"""The environment variable with the folder of the model."""

VISION, TEXT = "vision_model.onnx", "text_model.onnx"
TOKENIZER, PREPROCESSING = "tokenizer.json", "preprocessor_config.json"
FILES = (VISION, TEXT, TOKENIZER, PREPROCESSING)
"""The files that a model has."""

OPTIONAL_FILES = ("tokenizer_config.json", "config.json")
"""The files that a model may have."""

TEXT_INPUTS = ("input_ids", "attention_mask")
"""What text networks are given; one with a single input may call it otherwise."""

_LARGEST_JSON = 64_000_000
_LONGEST_CONTEXT = 4096
_CONTEXT = 77
_EMBEDDINGS = ("image_embeds", "text_embeds", "sentence_embedding", "embedding", "embeddings")
_UNPROJECTED = ("pooler_output", "last_hidden_state")


@dataclass(frozen=True)
class Model:
    """A model in a folder, whose files are there and fit each other.

    Parameters
    ----------
    folder
        Where it is.
    vision, text
        What its two networks declare.
    size
        Height and width of its pictures.
    scale, mean, deviation
        Pixels are multiplied by the first; then the second is subtracted, and divided by the third,
        for red, green and blue.
    context
        The number of tokens of a text.
    padding
        The token that fills up short texts; None is the one with the number 0.
    """

    folder: Path
    vision: Declared
    text: Declared
    size: tuple[int, int]
    scale: float
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    context: int
    padding: str | None

    def path(self, name: str) -> Path:
        """Return one of its files."""
        return _path(self.folder, name)

    @property
    def files(self) -> list[Path]:
        """All files that are looked for, there or not."""
        anywhere = [self.folder / name for name in (*FILES, *OPTIONAL_FILES)]
        return [*anywhere, *(self.folder / "onnx" / name for name in (VISION, TEXT))]

    @property
    def image_output(self) -> str:
        """The output of the vision network that is the embedding."""
        return _embedding(self.path(VISION), self.vision)

    @property
    def text_output(self) -> str:
        """The output of the text network that is the embedding."""
        return _embedding(self.path(TEXT), self.text)

    @property
    def dimension(self) -> int | None:
        """The length of its embeddings, as far as the networks declare it."""
        return next((length for length in self.lengths if length is not None), None)

    @property
    def lengths(self) -> tuple[int | None, int | None]:
        """The lengths of embeddings of pictures and of texts; None where not declared."""
        shapes = self.vision.outputs[self.image_output], self.text.outputs[self.text_output]
        image, text = (shape[-1] if shape else None for shape in shapes)
        return image, text

    @cached_property
    def digest(self) -> str:
        """A hash of all that its embeddings depend on, hexadecimal."""
        digest = hashlib.sha256()
        for name in FILES[:-1]:
            with self.path(name).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        rest = [*self.size, self.scale, *self.mean, *self.deviation, self.context, self.padding]
        digest.update(json.dumps(rest).encode())
        return digest.hexdigest()


def default_folder() -> Path:
    """Return the folder in photofind's home where the model is kept that was added."""
    return Home.default().root / "clip"


def find_model(folder: Path | None = None) -> Model:
    """Return the model in a folder: the one in ``$PHOTOFIND_CLIP_MODEL``, or that was added.

    Raises
    ------
    ExtractorError
        There is none, it is damaged, or it is of another kind.
    """
    given = os.environ.get(MODEL_VARIABLE)
    folder = folder or (Path(given).expanduser().absolute() if given else default_folder())
    missing = [name for name in FILES if not _path(folder, name).is_file()]
    if missing:
        what = "it has no weights" if len(missing) == len(FILES) else "its model is incomplete"
        raise ExtractorError(
            f"{what}: there is no {missing[0]} in {folder}",
            "`python -m photofind_clip add FOLDER` takes a model that you have, "
            "`python -m photofind_clip download` fetches one",
        )
    vision, text = (read_declared(_path(folder, name)) for name in (VISION, TEXT))
    tokenizing = _json(folder / OPTIONAL_FILES[0], optional=True)
    whole = _json(folder / OPTIONAL_FILES[1], optional=True)
    preprocessing = _json(_path(folder, PREPROCESSING))
    try:
        model = Model(
            folder,
            vision,
            text,
            *_pictures(preprocessing),
            _context(text, tokenizing, whole),
            _padding(tokenizing),
        )
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise ExtractorError(
            f"{_path(folder, PREPROCESSING)} does not say how pictures are prepared: {reason}",
            "take it from the model that the networks were exported from",
        ) from error
    _check(model)
    return model


def _check(model: Model) -> None:
    """Check that the two networks are a pair.

    Raises
    ------
    ExtractorError
        They are not.
    """
    hint = "export both with their projections, from one model"
    ranks = [len(shape) for shape in model.vision.inputs.values()]
    if ranks not in ([4], [0]):
        raise ExtractorError(f"{model.path(VISION)} does not take pictures, and nothing else", hint)
    if any(len(shape) > 2 for shape in model.text.inputs.values()) or not model.text.inputs:
        raise ExtractorError(f"{model.path(TEXT)} takes pictures, not texts", hint)
    other = [name for name in model.text.inputs if name not in TEXT_INPUTS]
    if other and len(model.text.inputs) > 1:
        raise ExtractorError(
            f"{model.path(TEXT)} takes {other[0]} too, which CLIP's do not",
            f"export it with the inputs {' and '.join(TEXT_INPUTS)} alone",
        )
    (pictures,) = model.vision.inputs.values()
    if any(
        one not in (None, side) for one, side in zip(pictures[1:], (3, *model.size), strict=False)
    ):
        raise ExtractorError(
            f"{model.path(VISION)} takes no pictures of 3 x {model.size[0]} x {model.size[1]}, "
            f"as {PREPROCESSING} says",
            "take all files from one model",
        )
    lengths = model.lengths
    if None not in lengths and lengths[0] != lengths[1]:
        raise ExtractorError(
            f"{VISION} in {model.folder} makes {lengths[0]} numbers and {TEXT} {lengths[1]}: "
            "they are no pair",
            hint,
        )


def _embedding(file: Path, declared: Declared) -> str:
    """Return the output that is the embedding."""
    named = [name for name in _EMBEDDINGS if name in declared.outputs]
    flat = [
        name
        for name, shape in declared.outputs.items()
        if len(shape) == 2 and name not in _UNPROJECTED
    ]
    if named or len(flat) == 1:
        return (named or flat)[0]
    raise ExtractorError(
        f"{file} gives no embedding: its outputs are {', '.join(declared.outputs) or 'none'}",
        "export it with its projection, as CLIPVisionModelWithProjection and "
        "CLIPTextModelWithProjection have it",
    )


def _path(folder: Path, name: str) -> Path:
    below = folder / "onnx" / name
    return below if name.endswith(".onnx") and below.is_file() else folder / name


def _json(file: Path, *, optional: bool = False) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises
    ------
    ExtractorError
        It holds none.
    """
    if optional and not file.is_file():
        return {}
    try:
        if file.stat().st_size > _LARGEST_JSON:
            raise ValueError("it is too large")
        value = json.loads(file.read_bytes())
        if not isinstance(value, dict):
            raise ValueError("it holds no object")
    except (OSError, ValueError, RecursionError) as error:
        raise ExtractorError(
            f"{file} cannot be read: {error}", "copy or download it again"
        ) from error
    return value


def _pictures(
    preprocessing: dict[str, Any],
) -> tuple[tuple[int, int], float, tuple[float, ...], tuple[float, ...]]:
    """Return the size of pictures, and the scale, mean and deviation of their pixels."""
    crops = preprocessing.get("do_center_crop", True) and "crop_size" in preprocessing
    size = preprocessing["crop_size" if crops else "size"]
    if isinstance(size, dict):
        side = size.get("shortest_edge")
        size = (size.get("height", side), size.get("width", side))
    height, width = size if isinstance(size, list | tuple) else (size, size)
    if not all(type(one) is int and 0 < one <= 4096 for one in (height, width)):
        raise ValueError(f"the size {size!r} is no number of pixels")
    scale = float(preprocessing.get("rescale_factor", 1 / 255))
    if not preprocessing.get("do_rescale", True):
        scale = 1.0
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    deviation: tuple[float, ...] = (1.0, 1.0, 1.0)
    if preprocessing.get("do_normalize", True):
        mean, deviation = (
            tuple(float(one) for one in preprocessing[name]) for name in ("image_mean", "image_std")
        )
    if len(mean) != 3 or len(deviation) != 3 or 0.0 in deviation:
        raise ValueError("image_mean and image_std are not three numbers each")
    return (height, width), scale, mean, deviation


def _context(text: Declared, tokenizing: dict[str, Any], whole: dict[str, Any]) -> int:
    """Return how many tokens a text has."""
    shape = text.inputs.get("input_ids", next(iter(text.inputs.values()), ()))
    of_text = whole.get("text_config")
    offered = [
        shape[1] if len(shape) == 2 else None,
        tokenizing.get("model_max_length"),
        of_text.get("max_position_embeddings") if isinstance(of_text, dict) else None,
    ]
    known = (one for one in offered if type(one) is int and 0 < one <= _LONGEST_CONTEXT)
    return next(known, _CONTEXT)


def _padding(tokenizing: dict[str, Any]) -> str | None:
    """Return the token that fills up texts; None where it is not said."""
    token = tokenizing.get("pad_token")
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) else None
