"""What comparing the pixels of two contents found, remembered in a file that can be removed."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

__all__ = ["Verdict", "Verdicts"]

Pair: TypeAlias = tuple[str, str]
Verdict: TypeAlias = "tuple[str, ...] | None"
"""What was done to the second content of a pair; None where it is another picture."""

# Of how pixels are compared: what was found otherwise is not found any more.
_VERSION = 2
_AT_ONCE = 400

_logger = logging.getLogger(__name__)


class Verdicts:
    """Verdicts by pairs of contents. Threads and processes may share the file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, pairs: Iterable[Pair]) -> dict[Pair, Verdict]:
        """Return what is known of some pairs."""
        wanted = set(pairs)
        found = self._of_firsts(sorted({one for one, _ in wanted}))
        return {pair: verdict for pair, verdict in found.items() if pair in wanted}

    def among(self, contents: Iterable[str]) -> set[Pair]:
        """Return the pairs of some contents that show the same picture."""
        some = set(contents)
        found = self._of_firsts(sorted(some))
        return {pair for pair, verdict in found.items() if verdict is not None and pair[1] in some}

    def _of_firsts(self, contents: Sequence[str]) -> dict[Pair, Verdict]:
        if not self._path.exists():
            return {}
        found: dict[Pair, Verdict] = {}
        try:
            with closing(self._open()) as file:
                for start in range(0, len(contents), _AT_ONCE):
                    some = contents[start : start + _AT_ONCE]
                    marks = ",".join("?" * len(some))
                    rows = file.execute(
                        f"SELECT one, other, done FROM verdicts WHERE one IN ({marks})",
                        some,
                    )
                    for one, other, done in rows:
                        found[one, other] = None if done is None else tuple(done.split())
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)
        return found

    def add(self, verdicts: Mapping[Pair, Verdict]) -> None:
        """Remember verdicts."""
        rows = [
            (one, other, None if done is None else " ".join(done))
            for (one, other), done in verdicts.items()
        ]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._open()) as file, file:
                file.executemany("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?)", rows)
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)

    def _open(self) -> sqlite3.Connection:
        file = sqlite3.connect(self._path, timeout=10)
        if file.execute("PRAGMA user_version").fetchone() != (_VERSION,):
            file.execute("DROP TABLE IF EXISTS verdicts")
            file.execute(
                "CREATE TABLE verdicts (one TEXT, other TEXT, done TEXT, PRIMARY KEY (one, other))"
                " WITHOUT ROWID"
            )
            file.execute(f"PRAGMA user_version = {_VERSION}")
            file.commit()
        return file

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        """Remove a file that is damaged or cannot be written: all of it can be found again."""
        _logger.warning("%s: %s; what was compared is compared again", self._path, error)
        if not isinstance(error, sqlite3.OperationalError):
            self._path.unlink(missing_ok=True)
