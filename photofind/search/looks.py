"""How pictures look, remembered in a file of the cache: it tells which copies were retouched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from photofind.images.look import LOOK, Look
from photofind.search.remembered import Remembered

__all__ = ["Looks"]

_VERSION = 1


class Looks:
    """Looks by content. Threads and processes may share the file."""

    def __init__(self, path: Path) -> None:
        self._file = Remembered(
            path, _VERSION, {"looks": "content TEXT PRIMARY KEY, look BLOB NOT NULL"}
        )

    def of(self, contents: Sequence[str]) -> dict[str, Look | None]:
        """Return the looks that are known; None is known of a picture that cannot be read."""
        query = "SELECT content, look FROM looks WHERE content IN ({})"
        return {
            content: np.frombuffer(data, np.float32) if len(data) == 4 * LOOK else None
            for content, data in self._file.rows(query, contents)
        }

    def add(self, looks: Mapping[str, Look | None]) -> None:
        """Remember looks."""
        rows = [(one, b"" if look is None else look.tobytes()) for one, look in looks.items()]
        self._file.write("looks", rows)
