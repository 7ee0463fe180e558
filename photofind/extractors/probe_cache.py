"""Cache of the properties of working extractors, valid until their code changes.

Asking an extractor takes a process and its imports, which can be seconds. Extractors that fail are
not cached, since anything may repair them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from photofind.extractors.code_files import find_code
from photofind.extractors.info import ExtractorInfo
from photofind.extractors.registry import Plugin
from photofind.paths import Home, write_atomically

__all__ = ["fingerprint", "load_probes", "save_probes"]

_logger = logging.getLogger(__name__)


def fingerprint(plugin: Plugin, views: str = "whole") -> str | None:
    """Return a hash of everything that a plugin depends on.

    That is its files with their sizes and times, and the names and versions of all installed
    distributions. Nothing is imported.

    Parameters
    ----------
    plugin
        Which.
    views
        What is embedded of a photo, on which the version depends that it tells.

    Returns
    -------
    str or None
        None if its files cannot be found.
    """
    try:
        files = [
            f"{path} {status.st_size} {status.st_mtime_ns}"
            for root in find_code(plugin)
            for path in _files(root)
            for status in [path.stat()]
        ]
    except (OSError, ImportError, ValueError):  # ValueError: a module without a spec.
        return None
    if not files:
        return None
    facts = [
        str(plugin),
        plugin.target,
        views,
        sys.version,
        *sorted(_distributions()),
        *sorted(files),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def load_probes(home: Home) -> dict[str, ExtractorInfo]:
    """Return the cached properties of extractors, by fingerprint."""
    try:
        written = json.loads(_file(home).read_bytes())
        return {key: ExtractorInfo.from_json(fields) for key, fields in written.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        _logger.info("%s is damaged and will be replaced: %s", _file(home), error)
        return {}


def save_probes(home: Home, probes: Mapping[str, ExtractorInfo]) -> None:
    """Replace the cache by the properties of these extractors, by fingerprint."""
    plain = {key: asdict(info) for key, info in probes.items()}
    try:
        write_atomically(_file(home), json.dumps(plain).encode())
    except OSError as error:  # The extractors are only asked again.
        _logger.info("%s cannot be written: %s", _file(home), error)


def _file(home: Home) -> Path:
    return home.cache / "extractors.json"


def _files(root: Path) -> list[Path]:
    if not root.is_dir():
        return [root]
    return [
        path for path in root.rglob("*") if path.parent.name != "__pycache__" and not path.is_dir()
    ]


def _distributions() -> set[str]:
    """Return the metadata folders of all installed distributions, whose names hold the version."""
    return {
        entry.name
        for folder in map(Path, sys.path)
        if folder.is_dir()
        for entry in folder.iterdir()
        if entry.suffix in (".dist-info", ".egg-info")
    }
