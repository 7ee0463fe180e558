"""Keras and TensorFlow, which only training, converting and Keras models need."""

from __future__ import annotations

from importlib.util import find_spec

from photofind.errors import ExtractorError

__all__ = ["require_keras"]


def require_keras(wanted_by: str) -> None:
    """Raise if Keras or TensorFlow is not installed; neither is imported.

    Parameters
    ----------
    wanted_by
        What needs them, the subject of a sentence.

    Raises
    ------
    ExtractorError
        One is not installed; it says what installs both.
    """
    missing = [
        name
        for package, name in (("keras", "Keras"), ("tensorflow", "TensorFlow"))
        if find_spec(package) is None
    ]
    if missing:
        verb = "are" if len(missing) > 1 else "is"
        raise ExtractorError(
            f"{wanted_by} needs {' and '.join(missing)}, which {verb} not installed",
            'install what is missing with `photofind plugins install "photofind[keras]"`',
        )
