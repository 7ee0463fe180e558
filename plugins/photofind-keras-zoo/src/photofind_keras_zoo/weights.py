"""Finding and downloading the weights of a network."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from photofind.errors import ExtractorError

__all__ = ["VARIABLE", "Weights", "download", "find", "hash_of"]

VARIABLE = "PHOTOFIND_KERAS_WEIGHTS"
"""The environment variable with weights files and folders of them, separated as in PATH."""

_PUBLISHED = "https://storage.googleapis.com/tensorflow/"


class Weights(NamedTuple):
    """A weights file published by Keras: the address of its folder, its name and its hash."""

    address: str
    file: str
    hash: str

    @property
    def algorithm(self) -> str:
        """The algorithm of the hash."""
        return "md5" if len(self.hash) == 32 else "sha256"


def find(name: str, weights: Weights) -> Path:
    """Return the weights file, from the environment variable or Keras's own cache.

    Parameters
    ----------
    name
        The extractor. Weights that were saved with Keras 3 are called after it, or after the
        published file: ``NAME.weights.h5``.
    weights
        The published file, which is in the older format.

    Raises
    ------
    ExtractorError
        If it is in neither; the message says which file to put where.
    """
    given = [Path(entry) for entry in os.environ.get(VARIABLE, "").split(os.pathsep) if entry]
    names = [f"{name}.weights.h5", f"{Path(weights.file).stem}.weights.h5", weights.file]
    for entry in [*given, _cache()]:
        files = [entry / one for one in names] if entry.is_dir() else [entry]
        for file in files:
            if file.name in names and file.is_file():
                return file
    raise ExtractorError(
        f"it has no weights: put {weights.file} into {_cache()}",
        f"`python -m photofind_keras_zoo download {name}` downloads it from {_url(weights)}",
    )


def download(weights: Weights) -> Path:
    """Download the published file into Keras's cache, and check its hash.

    Raises
    ------
    ExtractorError
        If the download fails.
    """
    from keras.utils import get_file

    try:
        return Path(
            get_file(weights.file, _url(weights), cache_subdir="models", file_hash=weights.hash)
        )
    except Exception as error:
        raise ExtractorError(
            f"{_url(weights)} cannot be downloaded: {' '.join(str(error).split())}",
            f"download it on another machine and put it into {_cache()}",
        ) from error


def hash_of(file: Path, algorithm: str) -> str:
    """Return the hash of a file, hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(
            opened, lambda: hashlib.new(algorithm, usedforsecurity=False)
        ).hexdigest()


def _url(weights: Weights) -> str:
    return f"{_PUBLISHED}{weights.address}{weights.file}"


def _cache() -> Path:
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    return Path(home).expanduser() / "models"
