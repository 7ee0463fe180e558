"""What extractors that work said of themselves, remembered for as long as nothing has changed.

Asking one takes a process and what it imports, which is seconds for some. Only what works is
remembered: one that does not is asked again each time, for it may be mended by anything.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from photofind.extractors.extraction import ExtractorInfo
from photofind.extractors.registry import Plugin
from photofind.paths import Home, write_atomically

__all__ = ["fingerprint", "load_probes", "save_probes"]

_logger = logging.getLogger(__name__)


def fingerprint(plugin: Plugin) -> str | None:
    """Return a text that becomes another one when anything changes that a plugin is made of.

    That is its own files, their sizes and times, and which versions of which distributions are
    installed beside it. Nothing is imported.

    Returns
    -------
    str or None
        None where its files are not to be found.
    """
    try:
        files = [
            f"{path} {status.st_size} {status.st_mtime_ns}"
            for root in _roots(plugin)
            for path in _files(root)
            for status in [path.stat()]
        ]
    except (OSError, ImportError, ValueError):  # ValueError: a module that was made by hand.
        return None
    if not files:
        return None
    facts = [str(plugin), plugin.target, sys.version, *sorted(_distributions()), *sorted(files)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def load_probes(home: Home) -> dict[str, ExtractorInfo]:
    """Return what extractors said when they were last tried, by their stamps."""
    try:
        written = json.loads(_file(home).read_bytes())
        return {stamp: ExtractorInfo.from_json(fields) for stamp, fields in written.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        _logger.info("%s is made anew: %s", _file(home), error)
        return {}


def save_probes(home: Home, descriptions: Mapping[str, ExtractorInfo]) -> None:
    """Remember what extractors said, by their stamps, and nothing else any more."""
    plain = {stamp: asdict(description) for stamp, description in descriptions.items()}
    try:
        write_atomically(_file(home), json.dumps(plain).encode())
    except OSError as error:  # They are only tried again.
        _logger.info("%s is not kept: %s", _file(home), error)


def _file(home: Home) -> Path:
    return home.cache / "extractors.json"


def _roots(plugin: Plugin) -> list[Path]:
    """Return where a plugin's code is, or the model; the folders of a whole package."""
    if Path(plugin.target).is_absolute():
        return [Path(plugin.target)]
    spec = importlib.util.find_spec(plugin.target.partition(":")[0].partition(".")[0])
    if spec is None:
        return []
    if spec.submodule_search_locations:
        return [*map(Path, spec.submodule_search_locations)]
    return [Path(spec.origin)] if spec.origin else []


def _files(root: Path) -> list[Path]:
    if not root.is_dir():
        return [root]
    return [
        path for path in root.rglob("*") if path.parent.name != "__pycache__" and not path.is_dir()
    ]


def _distributions() -> set[str]:
    """Return the names of the folders that say what is installed, in which versions."""
    return {
        entry.name
        for place in map(Path, sys.path)
        if place.is_dir()
        for entry in place.iterdir()
        if entry.suffix in (".dist-info", ".egg-info")
    }
