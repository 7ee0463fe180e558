"""The last searches by photos, which menus offer again."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from photofind.paths import Home, write_atomically

__all__ = ["FILE", "recent_searches", "remember_search"]

FILE = "recent.json"
"""The file in the home that holds them (docs/develop/storage.md)."""

_KEPT = 10


def recent_searches(home: Home) -> list[tuple[str, ...]]:
    """Return the last searches, the newest first: the absolute paths of each one's photos."""
    try:
        plain = json.loads((home.root / FILE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    searches = plain if isinstance(plain, list) else []
    return [tuple(map(str, paths)) for paths in searches if paths and isinstance(paths, list)]


def remember_search(home: Home, paths: Sequence[str]) -> None:
    """Put a search before all others, in place of one of the same photos.

    Raises
    ------
    OSError
        The disk refuses.
    """
    new = tuple(map(os.path.abspath, paths))
    if not new:
        return
    others = [known for known in recent_searches(home) if set(known) != set(new)]
    plain = json.dumps([new, *others][:_KEPT])
    write_atomically(home.root / FILE, plain.encode("ascii"))
