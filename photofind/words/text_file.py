"""The file of the text index: its tables, and what is wrong with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from photofind.errors import LibraryError
from photofind.words.documents import COLUMNS

__all__ = [
    "BUSY_SECONDS",
    "explained",
    "is_damaged",
    "is_sound",
    "is_whole",
    "make_tables",
    "noted",
    "transaction",
    "value_of",
]

FORMAT = "2"
"""Of the file and of what is indexed; a file of another is made again."""

BUSY_SECONDS = 30.0
"""So long is waited for another process that writes."""

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def is_sound(path: Path) -> bool:
    """Return whether the file of a text index can be read from end to end.

    Raises
    ------
    LibraryError
        It cannot be looked at: it is locked, for example, or may not be read.
    """
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
        try:
            return str(value_of(connection, "PRAGMA quick_check")) == "ok"
        finally:
            connection.close()
    except sqlite3.Error as error:
        if is_damaged(error):
            return False
        raise explained(error, path) from error


def make_tables(writer: sqlite3.Connection) -> None:
    """Make the tables, in place of those of another format."""
    with transaction(writer):
        if is_whole(writer):  # Another process was first.
            return
        for table in ("words", "photos", "meta"):
            writer.execute(f"DROP TABLE IF EXISTS {table}")
        writer.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT)")
        writer.execute(
            "CREATE TABLE photos (id INTEGER PRIMARY KEY, digest BLOB, path BLOB, moment TEXT,"
            " latitude REAL, longitude REAL)"
        )
        # What is indexed are tokens already, of which none holds a space: nothing is folded here.
        writer.execute(
            f"CREATE VIRTUAL TABLE words USING fts5({', '.join(COLUMNS)},"
            " tokenize = 'ascii', prefix = '2 3')"
        )
        writer.execute("INSERT INTO meta VALUES ('format', ?)", (FORMAT,))


def is_whole(connection: sqlite3.Connection) -> bool:
    """Return whether there are tables of this format."""
    tables = value_of(connection, "SELECT count(*) FROM sqlite_master WHERE name = 'meta'")
    return bool(tables) and noted(connection, "format") == FORMAT


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Make changes together or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def value_of(
    connection: sqlite3.Connection, statement: str, values: Sequence[object] = ()
) -> float:
    """Return the one value that a statement gives."""
    (value,) = connection.execute(statement, values).fetchone()
    return value  # type: ignore[no-any-return]


def noted(connection: sqlite3.Connection, name: str) -> str | None:
    """Return what is noted of the whole index under a name."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def is_damaged(error: sqlite3.Error) -> bool:
    """Return whether an error says that the file is damaged."""
    code = getattr(error, "sqlite_errorcode", None)
    return (code is not None and code & 0xFF in _DAMAGED) or any(
        told in str(error) for told in ("no such table", "unsupported file format")
    )


def explained(error: sqlite3.Error, path: Path) -> LibraryError:
    """Return the error that people are told of."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return LibraryError(f"the disk that holds {path} is full", "free some space and try again")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LibraryError(f"another process holds the text index {path}", "try again later")
    return LibraryError(f"the text index {path} cannot be used: {error}", "check the disk")
