"""Files of the cache that remember what was found out; they can be removed."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from photofind.paths import private_folder

__all__ = ["Remembered"]

_AT_ONCE = 400

_logger = logging.getLogger(__name__)


class Remembered:
    """Tables in a file. Threads and processes may share it.

    Parameters
    ----------
    path
        Where it is; made when something is first written.
    version
        Of what the tables hold: what another version wrote is forgotten.
    tables
        The columns of each, by its name.
    """

    def __init__(self, path: Path, version: int, tables: dict[str, str]) -> None:
        self._path = path
        self._version = version
        self._tables = tables

    def rows(self, query: str, values: Sequence[str]) -> list[tuple[Any, ...]]:
        """Return the rows of a query, in which ``{}`` stands for some of many values at a time."""
        found: list[tuple[Any, ...]] = []
        if not self._path.exists():
            return found
        try:
            with self._opened() as file:
                for start in range(0, len(values), _AT_ONCE):
                    some = values[start : start + _AT_ONCE]
                    marks = ",".join("?" * len(some))
                    found += file.execute(query.format(marks), some)
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)
        return found

    def write(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write rows, in place of those with the same key."""
        if not rows:
            return
        marks = ",".join("?" * len(rows[0]))
        try:
            private_folder(self._path.parent)
            with self._opened() as file, file:
                file.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        file = sqlite3.connect(self._path, timeout=10)
        try:
            if file.execute("PRAGMA user_version").fetchone() != (self._version,):
                with suppress(OSError):
                    self._path.chmod(0o600)
                for name, columns in self._tables.items():
                    file.execute(f"DROP TABLE IF EXISTS {name}")
                    file.execute(f"CREATE TABLE {name} ({columns}) WITHOUT ROWID")
                file.execute(f"PRAGMA user_version = {self._version}")
                file.commit()
            yield file
        finally:
            file.close()

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        """Remove a file that is damaged or cannot be written: all of it can be found again."""
        _logger.warning("%s: %s; what was found out is found out again", self._path, error)
        if not isinstance(error, sqlite3.OperationalError):
            self._path.unlink(missing_ok=True)
