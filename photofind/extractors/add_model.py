"""Adding a saved Keras model as an extractor, and removing it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from photofind.errors import ExtractorError, WorkerError, WorkerStartError
from photofind.extractors.contract import is_name
from photofind.extractors.model_copies import copy_model, delete_copies, write_card
from photofind.extractors.model_file import memory_for
from photofind.extractors.models import (
    Model,
    delete_model,
    kind_of,
    list_models,
    save_model,
)
from photofind.extractors.registry import extractors_in_use, installed
from photofind.paths import Home
from photofind.settings import load_settings
from photofind.system.extras import require_extra
from photofind.workers import Worker

__all__ = ["AddedModel", "add_model", "check_name", "remove_model"]

_SECONDS = 900.0


@dataclass(frozen=True)
class AddedModel:
    """A model that was added as an extractor.

    Parameters
    ----------
    model
        The model, with its dimension.
    input_size
        Height and width of its input.
    engine, reason
        What runs it, ``"LiteRT"`` or ``"Keras"``, and why not LiteRT.
    warnings
        Warnings for the user, one line each.
    """

    model: Model
    input_size: tuple[int, int]
    engine: str
    reason: str
    warnings: tuple[str, ...]


def add_model(
    home: Home,
    model: Model,
    progress: Callable[[str], None] = lambda phase: None,
    card: bytes = b"",
) -> AddedModel:
    """Copy a model, try it on real photographs in a worker, convert it, and make it an extractor.

    A model that was added under the same name is replaced.

    Parameters
    ----------
    home
        The home to add it to.
    model
        The model; its hash and its dimension are determined here.
    progress
        Called with each phase.
    card
        What is to be known of its training, which is kept beside the copy; the model was made here
        then, and nobody else's file.

    Raises
    ------
    ExtractorError
        If the name is taken or invalid, the model cannot be used as an extractor, or Keras is not
        installed.
    LibraryError
        If the model cannot be recorded on disk.
    """
    path = Path(model.path)
    require_extra("keras", "a Keras model", ExtractorError)
    kept = check_name(home, model.name)
    kind = kind_of(path)
    progress("copying the model")
    model = copy_model(home, model)
    progress("converting and trying the model")
    try:
        found = _try(home, model)
    except BaseException:
        delete_copies(home, model.name, keep=kept.path if kept else None)
        raise
    model = replace(model, dimension=found["dimension"])
    if card:
        model = replace(model, origin="")
        write_card(model, card)
    save_model(home, model)
    delete_copies(home, model.name, keep=model.path)
    return AddedModel(
        model,
        (found["input_size"][0], found["input_size"][1]),
        found["engine"],
        found["reason"],
        tuple(_warnings(path, kind, found["classifies"], found["scaling"])),
    )


def check_name(home: Home, name: str) -> Model | None:
    """Return the model in the home that has a name, which one that is added replaces.

    Raises
    ------
    ExtractorError
        If no model can have this name.
    """
    if not is_name(name):
        raise ExtractorError(
            f"{name!r} cannot be the name of an extractor",
            "use a short word of letters, digits and . _ + -",
        )
    before = {added.name: added for added in list_models(home)}
    for plugin in installed(home):
        if plugin.name == name and name not in before:
            raise ExtractorError(f"the name is taken by {plugin}", "choose another name")
    return before.get(name)


def _try(home: Home, model: Model) -> dict[str, Any]:
    """Return what :class:`~photofind.extractors.custom.TrialService` finds."""
    with Worker(
        "photofind.extractors.custom:TrialService",
        name="trial",
        options={"model": asdict(model)},
        environment={"PHOTOFIND_HOME": os.fspath(home.root), "TF_CPP_MIN_LOG_LEVEL": "2"},
        most_bytes=memory_for(Path(model.path)) / 2,  # Twice that during a call.
    ) as worker:
        try:
            found: dict[str, Any] = worker.call("run", timeout=_SECONDS).value
        except WorkerStartError as error:
            raise ExtractorError(
                f"{model.source} could not be tried: {error.message}", error.hint, error.details
            ) from error
        except WorkerError as error:
            raise ExtractorError(
                f"{model.source} cannot be used: {error.message}", error.hint, error.details
            ) from error
    return found


def remove_model(home: Home, name: str) -> Model:
    """Remove a model from the extractors, and photofind's copy of it.

    The file that was added and the library are not touched.

    Raises
    ------
    ExtractorError
        If it was not added, or is in use.
    """
    models = {model.name: model for model in list_models(home)}
    if name not in models:
        plugins = {plugin.name: plugin for plugin in installed(home)}
        if name in plugins:
            raise ExtractorError(
                f"{plugins[name]} was not added from a model",
                f"remove it with `photofind plugins uninstall {name}`",
            )
        raise ExtractorError(f"there is no extractor {name!r}", "`photofind extractors` lists them")
    if name in extractors_in_use(load_settings(home.settings)):
        raise ExtractorError(
            f"the extractor {name!r} is in use",
            "switch to another one first, with `photofind extractors use mobilenet`",
        )
    delete_model(home, name)
    delete_copies(home, name)
    return models[name]


def _warnings(path: Path, kind: str, classifies: bool, scaling: str) -> list[str]:
    warnings = [scaling] if scaling else []
    if kind == "h5":
        warnings.append(f"{path.name} is in the legacy Keras format; saving it as .keras is safer")
    if classifies:
        warnings.append(
            "its output looks like class probabilities; the layer before it (--layer) "
            "usually distinguishes photos better"
        )
    return warnings
