"""The text index: an SQLite file with the words of all photos, made from the library alone.

It may be deleted at any time: whoever updates it makes it again. Any number of processes may read
it while one writes (write-ahead log), so no search waits for an update.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from photofind.errors import LibraryError
from photofind.library.store import Changes, Store, TellsChanges
from photofind.model.filters import Filter
from photofind.model.indexing import Progress
from photofind.model.records import Photo, roots_in
from photofind.paths import open_private, private_folder, remove_file
from photofind.system.disk import explain_disk_errors
from photofind.words.documents import COLUMNS, digest, document
from photofind.words.matching import BELOW, Matching, Wanted, below
from photofind.words.spelling import Spelling
from photofind.words.text_file import (
    BUSY_SECONDS,
    explained,
    is_damaged,
    is_whole,
    make_tables,
    noted,
    transaction,
    value_of,
)

__all__ = ["Places", "TextIndex", "Words"]

log = logging.getLogger(__name__)

BATCH = 1000
MANY = 20_000
"""After so many photos were written the index is packed."""

_INDEXED = Filter(failed=False)

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


@dataclass(frozen=True)
class _TakenIn:
    """The library as it was at a version, with its folders."""

    version: Hashable
    folders: Sequence[str]

    @property
    def state(self) -> str:
        """What differs once the library does."""
        return repr((self.version, [*self.folders]))


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
        self._taken_in: _TakenIn | None = None  # The library as it was last taken in.

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
            now = _TakenIn(_changes(store, None).version, _folders(store))
            return noted(reader, "library") == now.state

    def holds(self, path: str) -> bool:
        """Return whether it holds a photo at an absolute path, or below it."""
        with self._reading() as reader:
            if reader is None:
                return False
            within = below(os.path.normpath(path))
            return bool(
                value_of(reader, f"SELECT EXISTS (SELECT 1 FROM photos WHERE {BELOW})", within)
            )

    def has(self, wanted: Wanted) -> bool:
        """Return whether any photo meets a term."""
        with self._reading() as reader:
            if reader is None:
                return False
            asked = "SELECT EXISTS (SELECT 1 FROM words WHERE words MATCH ?)"
            return bool(value_of(reader, asked, (wanted.expression or '""',)))

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
            version = int(value_of(reader, "PRAGMA data_version"))
            if self._overview is None or self._overview[0] != version:
                share = value_of(reader, "SELECT avg(latitude < 0) FROM photos")
                words = reader.execute(
                    "SELECT term, doc FROM temp.vocabulary WHERE term NOT GLOB '*[0-9]*'"
                )
                overview = _Overview(
                    int(value_of(reader, "SELECT count(*) FROM photos")),
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
                total = int(value_of(reader, f"SELECT count(*) {statement}", values))
            columns = _columns_of(reader, [row[0] for row in rows])
        found = [Words(id_, badness, columns[id_]) for id_, badness in rows if id_ in columns]
        return found, total

    def ids(self, matching: Matching) -> list[int]:
        """Return the ids of all photos that match, the best first, then the newest."""
        statement, values = matching.statement(tuple(COLUMNS.values()))
        with self._reading() as reader:
            if reader is None:
                return []
            order = "ORDER BY badness, moment DESC, id"
            return [row[0] for row in reader.execute(f"SELECT id {statement} {order}", values)]

    def words_of(self, ids: Sequence[int]) -> list[Words]:
        """Return photos with their words, in the order of their ids; no words where not indexed."""
        with self._reading() as reader:
            columns = {} if reader is None else _columns_of(reader, ids)
        nothing = dict.fromkeys(COLUMNS, "")
        return [Words(id_, 0.0, columns.get(id_, nothing)) for id_ in ids]

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """Give a connection that reads; None while there is no file, or it is damaged."""
        with self._lock:
            try:
                yield self._open_reader()
            except sqlite3.Error as error:
                self._close()
                if not is_damaged(error):
                    raise explained(error, self.path) from error
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
                timeout=BUSY_SECONDS, isolation_level=None,
            )  # fmt: skip
            self._reader, self._file = reader, file
            if not is_whole(reader):
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
            if not is_damaged(error):
                raise explained(error, self.path) from error
            log.warning("the text index is damaged (%s) and is made again", error)
            self.remove()
        try:
            return self._update(store, progress, stopped)
        except sqlite3.Error as error:
            raise explained(error, self.path) from error

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
            before = self._taken_in
            changes = _changes(store, before.version if before else None)
            now = _TakenIn(changes.version, _folders(store))
            told, written = noted(writer, "library"), 0
            if told != now.state:
                is_known = (
                    before is not None and told == before.state and now.folders == before.folders
                )
                if is_known and changes.photos is not None:
                    written = self._take_in(writer, store, changes.photos, stopped)
                else:
                    written = self._take_in_all(writer, store, progress, stopped)
                if stopped():
                    return written
                if written >= MANY:
                    with transaction(writer):
                        writer.execute("INSERT INTO words(words) VALUES ('optimize')")
                with transaction(writer):
                    writer.execute(
                        "INSERT OR REPLACE INTO meta VALUES ('library', ?)", (now.state,)
                    )
            self._taken_in = now
            return written

    def _take_in_all(
        self,
        writer: sqlite3.Connection,
        store: Store,
        progress: Callable[[Progress], None],
        stopped: Callable[[], bool],
    ) -> int:
        """Compare all photos with what is indexed; return how many were written or removed."""
        known = dict(writer.execute("SELECT id, digest FROM photos"))
        root_of = roots_in(store.folders())
        total = store.count(_INDEXED)
        seen = written = 0
        photos = store.select(_INDEXED)
        while batch := list(islice(photos, BATCH)):
            if stopped():
                return written
            seen += len(batch)
            if changed := _changed(batch, root_of, known):
                progress(Progress("indexing words", seen, total))
                written += self._write(writer, changed)
        return written + _remove(writer, [*known])

    def _take_in(
        self,
        writer: sqlite3.Connection,
        store: Store,
        ids: Collection[int],
        stopped: Callable[[], bool],
    ) -> int:
        """Do the same with the photos of some ids alone."""
        root_of = roots_in(store.folders())
        written = 0
        for start in range(0, len(left := sorted(ids)), BATCH):
            if stopped():
                break
            some = left[start : start + BATCH]
            photos = [photo for photo in store.by_id(some).values() if _INDEXED.passes(photo)]
            marks = ", ".join("?" * len(some))
            known = dict(
                writer.execute(f"SELECT id, digest FROM photos WHERE id IN ({marks})", some)
            )
            if changed := _changed(photos, root_of, known):
                written += self._write(writer, changed)
            written += _remove(writer, [*known])
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
        with transaction(writer):
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
        writer = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("PRAGMA synchronous = NORMAL")
            if not is_whole(writer):
                make_tables(writer)
            yield writer
        finally:
            with suppress(sqlite3.Error):
                writer.close()


def _changed(
    photos: Iterable[Photo], root_of: Callable[[Photo], str], known: dict[int, bytes]
) -> list[tuple[Photo, str, bytes]]:
    """Return the photos that are not indexed as they are, as `TextIndex._write` takes them.

    Those that were looked at are taken out of the digests of what is ``known``.
    """
    changed = []
    for photo in photos:
        root = root_of(photo)
        mark = digest(photo, root)
        if known.pop(photo.id, None) != mark:
            changed.append((photo, root, mark))
    return changed


def _remove(writer: sqlite3.Connection, ids: Sequence[int]) -> int:
    """Remove photos; return how many."""
    for start in range(0, len(ids), BATCH):
        with transaction(writer):
            _delete(writer, ids[start : start + BATCH])
    return len(ids)


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


def _changes(store: Store, since: Hashable) -> Changes:
    if isinstance(store, TellsChanges):
        return store.changes(since)
    return Changes(store.version, None)


def _folders(store: Store) -> list[str]:
    return sorted(folder.path for folder in store.folders())
