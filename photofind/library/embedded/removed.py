"""Contents whose photos were removed: their embeddings can be read until they are reclaimed."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["RemovedContents"]

_MOST = 50_000


class RemovedContents:
    """The rows of the contents removed last, by space; the oldest are forgotten."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._rows: dict[str, dict[str, int]] = {}

    def add(self, content: str, rows: Mapping[str, int]) -> None:
        """Note the rows of a content, by space."""
        self._rows.pop(content, None)
        self._rows[content] = dict(rows)
        if len(self._rows) > self._most:
            del self._rows[next(iter(self._rows))]

    def row(self, space: str, content: str) -> int:
        """Return the row of a content; -1 where it is not known."""
        return self._rows.get(content, {}).get(space, -1)

    def forget_space(self, space: str) -> None:
        """Forget the rows of a space: they mean something else now, or nothing."""
        for rows in self._rows.values():
            rows.pop(space, None)
