"""The files that an extractor is made of, and what differs once one of them is written."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from photofind.extractors.registry import Plugin

__all__ = ["Code", "code_of", "find_code", "stamp"]

_OWN = "photofind"
# Code and weights. A plugin may write logs and caches beside them.
_SUFFIXES = frozenset(
    {".py", ".so", ".pyd", ".dll", ".dylib"}
    | {".tflite", ".keras", ".h5", ".hdf5", ".pb", ".onnx"}
    | {".npz", ".npy", ".pt", ".pth", ".safetensors", ".bin"}
)
_MOST_FILES = 2000


class Code(NamedTuple):
    """The files or folders of an extractor's code, and its model; none where not known.

    Parameters
    ----------
    stamp
        What :func:`stamp` returned when the extractor was loaded.
    """

    files: tuple[str, ...] = ()
    stamp: str = ""


def code_of(extractor: object, plugin: Plugin) -> list[Path]:
    """Return the files or folders of a loaded extractor's code, and its model.

    That is the package that its entry point names, as this process has imported it, the module of
    its class, and its ``files``, where it has a list of paths of that name.
    """
    target = plugin.target.partition(":")[0]
    if Path(plugin.target).is_absolute():
        return [Path(plugin.target)]
    found: list[Path] = []
    for module in (target, type(extractor).__module__):
        top = module.partition(".")[0]
        # Not all of photofind is the code of its own extractors.
        imported = sys.modules.get(module if top == _OWN else top)
        folders = [] if top == _OWN else [*getattr(imported, "__path__", [])]
        file = getattr(imported, "__file__", None)
        found += map(Path, folders or ([file] if file else []))
    files = getattr(extractor, "files", ())
    if isinstance(files, list | tuple):
        found += [Path(one) for one in files if isinstance(one, str | Path)]
    return [*dict.fromkeys(found)]


def find_code(plugin: Plugin) -> list[Path]:
    """Return the files or folders of a plugin's code, or its model, without importing anything.

    Raises
    ------
    ImportError, ValueError
        If its package cannot be looked for.
    """
    if Path(plugin.target).is_absolute():
        return [Path(plugin.target)]
    spec = importlib.util.find_spec(plugin.target.partition(":")[0].partition(".")[0])
    if spec is None:
        return []
    if spec.submodule_search_locations:
        return [*map(Path, spec.submodule_search_locations)]
    return [Path(spec.origin)] if spec.origin else []


def stamp(code: Iterable[Path]) -> str:
    """Return what differs once a file of some code or weights came, went or was written.

    Parameters
    ----------
    code
        Files and folders; one that is not there counts as empty.
    """
    facts: list[str] = []
    for root in code:
        files = [root]
        if root.is_dir():
            files = [file for file in root.rglob("*") if file.suffix.lower() in _SUFFIXES]
        for file in sorted(files)[:_MOST_FILES]:
            try:
                status = file.stat()
            except OSError:  # It went in the meantime, or is part of an archive.
                continue
            facts.append(f"{file} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]
