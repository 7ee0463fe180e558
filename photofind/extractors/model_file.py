"""Looking at the file of a saved Keras model before Keras opens it; nothing in it is run."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from photofind.errors import ExtractorError

__all__ = ["check_model_file", "memory_for", "own_classes"]

_CODE = {
    *("lambda", "lambdalayer", "flaxlayer", "jaxlayer", "torchmodulewrapper"),
    *("tfsmlayer", "torchutils"),
}
"""Layers that contain code or name files that do, and their modules; as `_plain` spells them."""

_NAMES = ("class_name", "registered_name", "module", "spec_name")
"""Members of a Keras configuration that say what is made."""

_LONGEST_CONFIG = 32 << 20
_MOST_PARTS, _LARGEST_SUM = 10_000, 8 << 30
_MOST_TIMES, _SMALL = 100, 64 << 20
"""How many times its compressed size a part may be, if it is not small."""


def check_model_file(file: Path, kind: str) -> None:
    """Refuse a file that has layers with code, or that unpacks to far more than it is.

    Parameters
    ----------
    file
        The file.
    kind
        ``"keras"`` or ``"h5"``.

    Raises
    ------
    ExtractorError
        With the reason.
    """
    try:
        config = json.loads(_config_in_h5(file) if kind == "h5" else _config_in_zip(file))
        names = {_plain(name): _last(name) for name in sorted(_names(config), reverse=True)}
    except (
        *(OSError, ValueError, KeyError, RecursionError, RuntimeError),
        *(NotImplementedError, EOFError, zipfile.BadZipFile),
    ) as error:
        raise ExtractorError(
            f"{file.name} does not hold a Keras model", "save it with model.save('NAME.keras')"
        ) from error
    if code := sorted(names[plain] for plain in _CODE & names.keys()):
        raise ExtractorError(
            f"{file.name} has a {' and a '.join(code)} layer: "
            "photofind does not run code from models",
            "save the model without this layer",
        )


def own_classes(file: Path, kind: str) -> list[str]:
    """Return the names of classes and functions in a model file that are not part of Keras.

    Parameters
    ----------
    file, kind
        As for :func:`check_model_file`, which has accepted it.
    """
    found = set()
    waiting = [json.loads(_config_in_h5(file) if kind == "h5" else _config_in_zip(file))]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        if not isinstance(part, dict):
            continue
        waiting += part.values()
        name, module = part.get("class_name"), part.get("module")
        if name == "function" and isinstance(part.get("config"), str):
            name = part["config"]
        if not isinstance(name, str):
            continue
        registered = part.get("registered_name")
        if isinstance(module, str):
            is_own, place = module.partition(".")[0] not in ("keras", "builtins"), module
        elif ">" in name:  # In the older format.
            is_own, place = True, name.partition(">")[0]
        else:
            is_own, place = isinstance(registered, str), str(registered).rpartition(">")[0]
        if is_own:
            found.add(f"{_last(name)} (of {place})" if place else _last(name))
    return sorted(found)


def memory_for(path: Path) -> float:
    """Return the memory, in bytes, that converting a model may take: it is held several times."""
    files = path.rglob("*") if path.is_dir() else [path]
    return 4e9 + 8 * sum(file.stat().st_size for file in files if file.is_file())


def _config_in_zip(file: Path) -> bytes:
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
        sizes = [part.file_size for part in parts]
        if (
            len(parts) > _MOST_PARTS
            or sum(sizes) > _LARGEST_SUM
            or any(part.file_size > max(_SMALL, _MOST_TIMES * part.compress_size) for part in parts)
            or archive.getinfo("config.json").file_size > _LONGEST_CONFIG
        ):
            raise ExtractorError(
                f"{file.name} is refused: it unpacks to {sum(sizes):,} bytes",
                "save it with model.save('NAME.keras')",
            )
        with archive.open("config.json") as config:
            return config.read(_LONGEST_CONFIG)


def _config_in_h5(file: Path) -> bytes:
    import h5py

    with h5py.File(file) as opened:
        config = opened.attrs["model_config"]
    written = config.encode() if isinstance(config, str) else bytes(config)
    if len(written) > _LONGEST_CONFIG:
        raise ExtractorError(f"{file.name} is refused: its configuration is too long")
    return written


def _names(config: Any) -> Iterator[str]:
    """Yield what a configuration says that is made, however deep."""
    waiting = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield from (name for key in _NAMES if isinstance(name := part.get(key), str))
            if isinstance(name := part.get("config"), str):  # The name of a function.
                yield name
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _last(name: str) -> str:
    """Return the last part of a name such as ``"Custom>Lambda"`` or ``"keras.layers.Lambda"``."""
    return re.split(r"[^\w]+", name.strip())[-1]


def _plain(name: str) -> str:
    return _last(name).replace("_", "").casefold()
