"""What Keras and TensorFlow say when they fail, in one line that a person can act on."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from photofind.errors import ExtractorError
from photofind.extractors.model_file import own_classes

__all__ = ["conversion_reason", "load_refusal"]

_UNKNOWN = re.compile(r"(?:Unknown \w+|Could not locate \w+):? '([^']+)'")
_MISSING = re.compile(r"'tf\.(\w+)' op is neither|^\s*(?:TF Select|Custom) ops: ([\w, ]+)", re.M)
_LONGEST = 400


def load_refusal(file: Path, kind: str, error: Exception) -> ExtractorError:
    """Return the error for a model file that Keras did not load.

    Parameters
    ----------
    file, kind
        The file, and ``"keras"`` or ``"h5"``.
    error
        What Keras raised.
    """
    text, details = str(error), "".join(traceback.format_exception(error))
    own = own_classes(file, kind) or sorted({_last(name) for name in _UNKNOWN.findall(text)})
    if own:
        return ExtractorError(
            f"{file.name} needs code that is not part of Keras: {', '.join(own)}; photofind "
            "does not run code that comes with a model",
            "write a plugin that defines it: `photofind plugins new NAME`",
            details,
        )
    # Keras puts what happened last, after the configuration of what it happened to.
    reason = " ".join(text.rpartition("Exception encountered:")[2].split())
    return ExtractorError(
        f"Keras cannot load {file.name}: {type(error).__name__}: {_short(reason)}", details=details
    )


def conversion_reason(error: BaseException) -> str:
    """Return why a network was not converted, without the compiler's own words."""
    text = str(error)
    missing = {
        name for found in _MISSING.findall(text) for name in re.findall(r"\w+", " ".join(found))
    }
    if missing:
        return f"LiteRT has no operation {', '.join(sorted(missing))}"
    # The first sentence; what follows are places in the compiler's intermediate code.
    lines = [line.strip() for line in re.split(r"<unknown>|loc\(|\n", text) if line.strip()]
    return _short(f"{type(error).__name__}: {lines[0] if lines else ''}".strip(" :"))


def _last(name: str) -> str:
    return re.split(r"[>.]", name)[-1]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
