"""Which extractors are installed, looked up again only where that may have changed."""

from __future__ import annotations

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
    try:
        models = sorted(home.models.glob("*.toml"))
    except OSError:
        models = []
    return tuple(map(_stamp, [*map(Path, sys.path), home.models, *models]))


def _stamp(path: Path) -> tuple[str, int]:
    try:
        return str(path), path.stat().st_mtime_ns
    except OSError:
        return str(path), 0
