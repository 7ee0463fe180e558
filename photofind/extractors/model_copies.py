"""The copies of added models in ``home/models``: nothing that happens to the original matters."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from photofind.errors import ExtractorError
from photofind.extractors.models import Model, content_hash
from photofind.paths import Home, open_private, private_folder, write_atomically
from photofind.system.disk import explain_disk_errors

__all__ = ["CARD", "copy_model", "delete_copies", "write_card"]

CARD = "card.json"
"""The name of the file beside a model that tells of its training."""

_DIGITS = 16


def copy_model(home: Home, model: Model) -> Model:
    """Copy the file or folder of a model, with its name, into a folder that its content names.

    Parameters
    ----------
    home
        The home.
    model
        A model whose ``path`` is what is to be copied.

    Returns
    -------
    Model
        With the path of the copy, its hash, and where it came from.

    Raises
    ------
    ExtractorError
        If the model cannot be read.
    LibraryError
        If the copy cannot be written.
    """
    source = Path(model.path)
    with explain_disk_errors(home.models):
        private_folder(home.models)
        temporary = home.models / f".{model.name}.{os.getpid()}.tmp"
        _remove(temporary)
    try:
        _copy(source, temporary / source.name)
        sha256 = content_hash(temporary / source.name)
        folder = home.models / f"{model.name}-{sha256[:_DIGITS]}"
        with explain_disk_errors(folder):
            _remove(folder)
            temporary.rename(folder)
    finally:
        with suppress(OSError):
            _remove(temporary)
    return replace(model, path=str(folder / source.name), sha256=sha256, origin=model.path)


def write_card(model: Model, card: bytes) -> None:
    """Keep what is to be known of the training of a model beside its copy, as ``card.json``.

    Raises
    ------
    LibraryError
        If it cannot be written.
    """
    file = Path(model.path).with_name(CARD)
    with explain_disk_errors(file):
        write_atomically(file, card)


def delete_copies(home: Home, name: str, keep: str | None = None) -> None:
    """Delete the copies that were made of the models of an extractor, but for the path ``keep``."""
    with suppress(OSError):
        for path in home.models.iterdir():
            stem, _, digest = path.name.rpartition("-")
            is_copy = stem == name and len(digest) == _DIGITS and path.is_dir()
            if is_copy and (keep is None or Path(keep).parent != path):
                _remove(path)


def _copy(source: Path, target: Path) -> None:
    """Copy a file, or the files in a folder, private to this user."""
    files = [file for file in source.rglob("*") if file.is_file()] if source.is_dir() else [source]
    for file in files:
        copy = target / file.relative_to(source) if source.is_dir() else target
        try:
            reading = file.open("rb")
        except OSError as error:
            raise ExtractorError(f"{file} cannot be read: {error.strerror}") from error
        with reading, explain_disk_errors(copy):
            private_folder(copy.parent)
            with os.fdopen(open_private(copy, os.O_WRONLY | os.O_TRUNC), "wb") as writing:
                shutil.copyfileobj(reading, writing, 2**20)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
