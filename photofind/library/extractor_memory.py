"""What is remembered of extractors: the space that each fills, and what is asked of these.

It is a small file of the home. Without it the newest spaces count.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from typing import Any

from photofind.paths import Home, write_atomically

__all__ = ["ExtractorMemory"]

_logger = logging.getLogger(__name__)
_writing = threading.Lock()


class ExtractorMemory:
    """Reads and writes the file; threads may share it.

    Parameters
    ----------
    home
        The home of the library.
    writable
        Whether this process notes anything: what only answers leaves the home as it is.
    """

    def __init__(self, home: Home, *, writable: bool = False) -> None:
        self._file = home.extractor_memory
        self._writable = writable
        # It is asked several times for each query: what was read, and of which file.
        self._known: tuple[tuple[int, ...], dict[str, Any]] | None = None

    def current(self, extractor: str) -> str | None:
        """Return the id of the space that an extractor fills; None where that is not known."""
        space = self._read("current", {}).get(extractor)
        return space if isinstance(space, str) else None

    def answered(self) -> list[str]:
        """Return the ids of the spaces that answered last."""
        return [space for space in self._read("answered", []) if isinstance(space, str)]

    def texts(self) -> list[str]:
        """Return the ids of the spaces whose extractors embed texts too, as far as is known."""
        return [space for space in self._read("texts", []) if isinstance(space, str)]

    def note_texts(self, space: str, *, embeds: bool) -> None:
        """Note whether the extractor of a space embeds texts."""
        known = self.texts()
        if embeds != (space in known):
            self._write(
                "texts", [*known, space] if embeds else [one for one in known if one != space]
            )

    def note_current(self, extractor: str, space: str) -> None:
        """Note which space an extractor fills."""
        if self.current(extractor) != space:
            self._write("current", {**self._read("current", {}), extractor: space})

    def note_answered(self, spaces: Sequence[str]) -> None:
        """Note which spaces answer."""
        if self.answered() != [*spaces]:
            self._write("answered", [*spaces])

    def _all(self) -> dict[str, Any]:
        try:
            status = self._file.stat()
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
            known = self._known
            if known is not None and known[0] == stamp:
                return known[1]
            written = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):  # It is made again.
            return {}
        found = written if isinstance(written, dict) else {}
        self._known = stamp, found
        return found

    def _read(self, name: str, default: Any) -> Any:
        found = self._all().get(name, default)
        return found if isinstance(found, type(default)) else default

    def _write(self, name: str, value: Any) -> None:
        if not self._writable:
            return
        with _writing:
            try:
                write_atomically(self._file, json.dumps({**self._all(), name: value}).encode())
            except OSError as error:  # The home may be read-only.
                _logger.info("%s cannot be written: %s", self._file, error)
