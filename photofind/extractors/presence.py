"""Which extractors are installed, looked up again only where that may have changed."""

# It is asked with each query, so no paths are taken apart here.
# ruff: noqa: PTH116, PTH208

from __future__ import annotations

import os
import sys
from pathlib import Path

from photofind.extractors.registry import installed
from photofind.paths import Home

__all__ = ["Places", "installed_names", "places"]

Places = tuple[tuple[str, int], ...]
"""Files and folders, with the times of their last change."""

_known: dict[Path, tuple[Places, frozenset[str]]] = {}


def installed_names(home: Home) -> frozenset[str]:
    """Return the names of all installed extractors; takes no time where nothing was installed."""
    now = places(home)
    known = _known.get(home.root)
    if known is None or known[0] != now:
        known = _known[home.root] = now, frozenset(plugin.name for plugin in installed(home))
    return known[1]


def places(home: Home) -> Places:
    """Return where extractors are installed; it differs once a distribution or a model does."""
    models = os.fspath(home.models)
    try:
        names = sorted(name for name in os.listdir(models) if name.endswith(".toml"))
    except OSError:
        names = []
    files = [f"{models}{os.sep}{name}" for name in names]
    return tuple(map(_stamp, [*sys.path, models, *files]))


def _stamp(path: str) -> tuple[str, int]:
    try:
        return path, os.stat(path or os.curdir).st_mtime_ns
    except OSError:
        return path, 0
