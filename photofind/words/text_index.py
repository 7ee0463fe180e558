"""The text index: an SQLite file with the words of all photos, made from the library alone.

It may be deleted at any time: whoever updates it makes it again. Any number of processes may read
it while one writes (write-ahead log), so no search waits for an update.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from photofind.errors import LibraryError
from photofind.library.store import Store
from photofind.model.filters import Filter
from photofind.model.indexing import Progress
from photofind.model.records import Photo, roots_in
from photofind.paths import open_private, private_folder, remove_file
from photofind.system.disk import explain_disk_errors
from photofind.words.documents import COLUMNS, digest, document
from photofind.words.matching import BELOW, Matching, below
from photofind.words.spelling import Spelling

__all__ = ["Places", "TextIndex", "Words", "is_sound"]

log = logging.getLogger(__name__)

FORMAT = "2"
"""Of the file and of what is indexed; a file of another is made again."""

BATCH = 1000
MANY = 20_000
"""After so many photos were written the index is packed."""

_BUSY_SECONDS = 30.0
_INDEXED = Filter(failed=False)
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

Places = Callable[[Sequence[tuple[float, float]]], Sequence[Sequence[str]]]
"""Returns the names of the places near coordinates, latitude and longitude in degrees."""


@dataclass(frozen=True)
class Words:
    """A photo that was found, and its words by column."""

    id: int
    badness: float
    columns: dict[str, str]


@dataclass(frozen=True)
class _Overview:
    """How many photos there are, whether most are from the south, and all words."""

    count: int
    is_southern: bool
    spelling: Spelling


class TextIndex:
    """The words of the photos of a library.

    Threads may share it; one at a time updates it.

    Parameters
    ----------
    path
        The file, private to this user.
    places
        Gives the names of places.
    """

    def __init__(
        self, path: Path, places: Places = lambda coordinates: [()] * len(coordinates)
    ) -> None:
        self.path = path
        self._places = places
        self._lock = threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None  # Which file the reader has open.
        self._overview: tuple[int, _Overview] | None = None  # And the state that it is of.

    def close(self) -> None:
        """Close what is open."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader, self._overview = None, None

    # Reading.

    @property
    def count(self) -> int:
        """How many photos it holds."""
        return self._look_over().count

    def is_current(self, store: Store) -> bool:
        """Return whether it holds the library as it is now."""
        with self._reading() as reader:
            if reader is None:
                return not store.counts().photos
            return _told(reader, "library") == _state(store)

    def holds(self, path: str) -> bool:
        """Return whether it holds a photo at an absolute path, or below it."""
        with self._reading() as reader:
            if reader is None:
                return False
            within = below(os.path.normpath(path))
            return bool(_one(reader, f"SELECT EXISTS (SELECT 1 FROM photos WHERE {BELOW})", within))

    @property
    def is_southern(self) -> bool:
        """Whether most photos that say where they were taken were taken south of the equator."""
        return self._look_over().is_southern

    def spelling(self) -> Spelling:
        """Return what knows the words of the index."""
        return self._look_over().spelling

    def _look_over(self) -> _Overview:
        """Return what takes a look at the whole index; it is kept until the index changes."""
        with self._reading() as reader:
            if reader is None:
                return _Overview(0, False, Spelling({}))
            version = int(_one(reader, "PRAGMA data_version"))
            if self._overview is None or self._overview[0] != version:
                share = _one(reader, "SELECT avg(latitude < 0) FROM photos")
                words = reader.execute(
                    "SELECT term, doc FROM temp.vocabulary WHERE term NOT GLOB '*[0-9]*'"
                )
                overview = _Overview(
                    int(_one(reader, "SELECT count(*) FROM photos")),
                    (share or 0.0) > 0.5,
                    Spelling(dict(words)),
                )
                self._overview = version, overview
            return self._overview[1]

    def find(self, matching: Matching, limit: int, offset: int = 0) -> tuple[list[Words], int]:
        """Return the photos that match, the best first, then the newest; and how many there are."""
        statement, values = matching.statement(tuple(COLUMNS.values()))
        with self._reading() as reader:
            if reader is None:
                return [], 0
            rows = reader.execute(
                f"SELECT id, badness {statement}"
                " ORDER BY badness, moment DESC, id LIMIT ? OFFSET ?",
                (*values, limit, offset),
            ).fetchall()
            total = offset + len(rows)
            if len(rows) == limit or (offset and not rows):
                total = int(_one(reader, f"SELECT count(*) {statement}", values))
            columns = _columns_of(reader, [row[0] for row in rows])
        found = [Words(id_, badness, columns[id_]) for id_, badness in rows if id_ in columns]
        return found, total

    def ids(self, matching: Matching) -> list[int]:
        """Return the ids of all photos that match, the best first."""
        statement, values = matching.statement(tuple(COLUMNS.values()))
        with self._reading() as reader:
            if reader is None:
                return []
            rows = reader.execute(f"SELECT id {statement} ORDER BY badness, id", values)
            return [row[0] for row in rows]

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """Give a connection that reads; None while there is no file, or it is damaged."""
        with self._lock:
            try:
                yield self._open_reader()
            except sqlite3.Error as error:
                self._close()
                if not _is_damaged(error):
                    raise _explained(error, self.path) from error
                log.warning("the text index is damaged (%s) and is made again", error)
                self._remove()
                raise LibraryError(
                    "the text index was damaged and is made again", "try again in a moment"
                ) from error

    def _open_reader(self) -> sqlite3.Connection | None:
        try:
            status = self.path.stat()
        except OSError:
            self._close()
            return None
        file = status.st_dev, status.st_ino
        if self._reader is None or self._file != file:
            self._close()
            reader = sqlite3.connect(
                f"{self.path.as_uri()}?mode=rw", uri=True, check_same_thread=False,
                timeout=_BUSY_SECONDS, isolation_level=None,
            )  # fmt: skip
            self._reader, self._file = reader, file
            if not _is_whole(reader):
                self._close()
                return None
            reader.execute(
                "CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab('main', 'words', 'row')"
            )
        return self._reader

    # Writing.

    def update(
        self,
        store: Store,
        progress: Callable[[Progress], None] = lambda progress: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> int:
        """Take in what changed in the library; return how many photos were written or removed.

        What was written before it is stopped, or fails, stays. A damaged file is made again.

        Raises
        ------
        LibraryError
            The disk refuses.
        """
        try:
            return self._update(store, progress, stopped)
        except sqlite3.Error as error:
            if not _is_damaged(error):
                raise _explained(error, self.path) from error
            log.warning("the text index is damaged (%s) and is made again", error)
            self.remove()
        try:
            return self._update(store, progress, stopped)
        except sqlite3.Error as error:
            raise _explained(error, self.path) from error

    def remove(self) -> None:
        """Remove the file; the next update makes it again."""
        with self._lock:
            self._close()
            self._remove()

    def _remove(self) -> None:
        with explain_disk_errors(self.path):
            for ending in ("", "-wal", "-shm", "-journal"):
                remove_file(self.path.with_name(self.path.name + ending))

    def _update(
        self, store: Store, progress: Callable[[Progress], None], stopped: Callable[[], bool]
    ) -> int:
        with self._writing() as writer:
            state = _state(store)
            if _told(writer, "library") == state:
                return 0
            known = dict(writer.execute("SELECT id, digest FROM photos"))
            root_of = roots_in(store.folders())
            total = store.count(_INDEXED)
            seen = written = 0
            photos = store.select(_INDEXED)
            while batch := list(islice(photos, BATCH)):
                if stopped():
                    return written
                seen += len(batch)
                changed = []
                for photo in batch:
                    root = root_of(photo)
                    mark = digest(photo, root)
                    if known.pop(photo.id, None) != mark:
                        changed.append((photo, root, mark))
                if changed:
                    progress(Progress("indexing words", seen, total))
                    written += self._write(writer, changed)
            gone = [*known]
            for start in range(0, len(gone), BATCH):
                with _transaction(writer):
                    _delete(writer, gone[start : start + BATCH])
            written += len(gone)
            if written >= MANY:
                with _transaction(writer):
                    writer.execute("INSERT INTO words(words) VALUES ('optimize')")
            with _transaction(writer):
                writer.execute("INSERT OR REPLACE INTO meta VALUES ('library', ?)", (state,))
            return written

    def _write(
        self, writer: sqlite3.Connection, changed: Sequence[tuple[Photo, str, bytes]]
    ) -> int:
        """Write photos, each with the folder of the library that it lies in and its digest."""
        photos = [photo for photo, _, _ in changed]
        names = self._names_of_places(photos)
        rows, texts = [], []
        for photo, root, mark in changed:
            columns = document(photo, root, names.get(photo.id, ()))
            texts.append((photo.id, *(columns[name] for name in COLUMNS)))
            path = os.fsencode(photo.path)
            rows.append((photo.id, mark, path, photo.moment, photo.latitude, photo.longitude))
        marks = ", ".join("?" * (len(COLUMNS) + 1))
        with _transaction(writer):
            # New ones too: another process may have written them since this one looked.
            _delete(writer, [photo.id for photo in photos])
            writer.executemany("INSERT INTO photos VALUES (?, ?, ?, ?, ?, ?)", rows)
            writer.executemany(
                f"INSERT INTO words(rowid, {', '.join(COLUMNS)}) VALUES ({marks})", texts
            )
        return len(changed)

    def _names_of_places(self, photos: Sequence[Photo]) -> dict[int, Sequence[str]]:
        placed = [
            (photo.id, (photo.latitude, photo.longitude))
            for photo in photos
            if photo.latitude is not None and photo.longitude is not None
        ]
        names = self._places([coordinates for _, coordinates in placed]) if placed else []
        return {id_: of for (id_, _), of in zip(placed, names, strict=True)}

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that writes, to a file of this format."""
        with explain_disk_errors(self.path):
            private_folder(self.path.parent)
            os.close(open_private(self.path, os.O_RDWR))
        writer = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("PRAGMA synchronous = NORMAL")
            if not _is_whole(writer):
                _make(writer)
            yield writer
        finally:
            with suppress(sqlite3.Error):
                writer.close()


def is_sound(path: Path) -> bool:
    """Return whether the file of a text index can be read from end to end.

    Raises
    ------
    LibraryError
        It cannot be looked at: it is locked, for example, or may not be read.
    """
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
        try:
            return str(_one(connection, "PRAGMA quick_check")) == "ok"
        finally:
            connection.close()
    except sqlite3.Error as error:
        if _is_damaged(error):
            return False
        raise _explained(error, path) from error


def _make(writer: sqlite3.Connection) -> None:
    """Make the tables, in place of those of another format."""
    with _transaction(writer):
        if _is_whole(writer):  # Another process was first.
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


def _is_whole(connection: sqlite3.Connection) -> bool:
    """Return whether there are tables of this format."""
    tables = _one(connection, "SELECT count(*) FROM sqlite_master WHERE name = 'meta'")
    return bool(tables) and _told(connection, "format") == FORMAT


def _delete(writer: sqlite3.Connection, ids: Iterable[int]) -> None:
    rows = [(id_,) for id_ in ids]
    writer.executemany("DELETE FROM words WHERE rowid = ?", rows)
    writer.executemany("DELETE FROM photos WHERE id = ?", rows)


def _columns_of(reader: sqlite3.Connection, ids: Sequence[int]) -> dict[int, dict[str, str]]:
    columns = ", ".join(COLUMNS)
    found = {}
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        marks = ", ".join("?" * len(some))
        rows = reader.execute(f"SELECT rowid, {columns} FROM words WHERE rowid IN ({marks})", some)
        found.update({row[0]: dict(zip(COLUMNS, row[1:], strict=True)) for row in rows})
    return found


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _one(connection: sqlite3.Connection, statement: str, values: Sequence[object] = ()) -> float:
    (value,) = connection.execute(statement, values).fetchone()
    return value  # type: ignore[no-any-return]


def _told(connection: sqlite3.Connection, name: str) -> str | None:
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def _state(store: Store) -> str:
    """Return what differs once the library does."""
    counts = store.counts()
    folders = sorted(folder.path for folder in store.folders())
    return repr((store.version, counts.photos, counts.failed, folders))


def _is_damaged(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return (code is not None and code & 0xFF in _DAMAGED) or any(
        told in str(error) for told in ("no such table", "unsupported file format")
    )


def _explained(error: sqlite3.Error, path: Path) -> LibraryError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return LibraryError(f"the disk that holds {path} is full", "free some space and try again")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LibraryError(f"another process holds the text index {path}", "try again later")
    return LibraryError(f"the text index {path} cannot be used: {error}", "check the disk")
