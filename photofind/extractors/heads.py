"""Heads: linear maps of another extractor's embeddings, kept as plain arrays in the home."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from photofind.errors import ExtractorError
from photofind.extractors.model_copies import copy_model, delete_copies, write_card
from photofind.extractors.models import Model, list_models, save_model
from photofind.extractors.protocol import PROTOCOL
from photofind.paths import Home, private_folder, write_atomically
from photofind.system.disk import explain_disk_errors

__all__ = ["Head", "HeadExtractor", "add_head"]

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Head:
    """A linear map of centred embeddings.

    Parameters
    ----------
    mean
        What embeddings are centred on, float32 (D,).
    weights
        float32 (D, dimension).
    """

    mean: Vectors
    weights: Vectors

    def __call__(self, embeddings: Vectors) -> Vectors:
        """Return embeddings, float32 (N, D), as float32 (N, dimension); not of length 1."""
        return np.asarray((embeddings - self.mean) @ self.weights, np.float32)


class HeadExtractor:
    """The extractor of a head that was trained here, pinned by the hash of its content.

    Parameters
    ----------
    model
        Where it is, and what it derives from.

    Raises
    ------
    ExtractorError
        If the head is missing, has changed, or is none.
    """

    protocol = PROTOCOL

    def __init__(self, model: Model) -> None:
        self.name = model.name
        self.version = model.version
        self.derives_from = model.derives_from
        self._head = _read(model)
        self.dimension = self._head.weights.shape[1]

    @property
    def engine(self) -> str:
        """What runs it."""
        return "NumPy"

    def embed_embeddings(self, embeddings: Vectors) -> Vectors:
        """Return what the head makes of embeddings of its base, float32 (N, dimension)."""
        if embeddings.shape[1:] != self._head.mean.shape:
            raise ExtractorError(
                f"it takes embeddings of {len(self._head.mean)} numbers, "
                f"not of {embeddings.shape[1]}"
            )
        return self._head(embeddings)


def add_head(home: Home, name: str, head: Head, derives_from: str, card: bytes) -> Model:
    """Make a head an extractor; one that was trained under the same name is replaced.

    Parameters
    ----------
    home
        The home to add it to.
    name
        A name that :func:`~photofind.extractors.add_model.check_name` has accepted.
    head
        The head.
    derives_from
        Its base, with the version: ``"mobilenet@1"``.
    card
        What is to be known of its training, which is kept beside it.

    Raises
    ------
    LibraryError
        If the disk refuses. What was there before is still there.
    """
    kept = {model.name: model.path for model in list_models(home)}.get(name)
    data = io.BytesIO()
    np.savez(data, mean=head.mean, weights=head.weights)
    with explain_disk_errors(home.models):
        private_folder(home.models)
        with TemporaryDirectory(dir=home.models, prefix=f".{name}.", suffix=".tmp") as folder:
            file = Path(folder, f"{name}.npz")
            write_atomically(file, data.getvalue())
            model = copy_model(home, Model(name, os.fspath(file), ""))
    model = Model(
        name,
        model.path,
        model.sha256,
        dimension=head.weights.shape[1],
        derives_from=derives_from,
    )
    try:
        write_card(model, card)
        save_model(home, model)
    except BaseException:
        delete_copies(home, name, keep=kept)
        raise
    delete_copies(home, name, keep=model.path)
    return model


def _read(model: Model) -> Head:
    again = f"train it again with `photofind train --name {model.name}`"
    try:
        data = Path(model.path).read_bytes()
    except OSError as error:
        raise ExtractorError(
            f"its weights {model.path} cannot be read: {error.strerror}", again
        ) from error
    if hashlib.sha256(data).hexdigest() != model.sha256:
        raise ExtractorError(f"its weights {model.path} have changed since it was trained", again)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            head = Head(*(np.asarray(arrays[part], np.float32) for part in ("mean", "weights")))
    except (KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise ExtractorError(f"{model.path} holds no head", again) from error
    if head.mean.ndim != 1 or head.weights.ndim != 2 or len(head.weights) != len(head.mean):
        raise ExtractorError(f"{model.path} holds no head", again)
    return head
