"""Connections to the server: reading in one state of the library, and writing to the newest.

Readers see the library as of one commit until they refresh. So all that a store reads is read in
transactions that share one snapshot of the server; threads have connections of their own. Snapshots
that nobody reads in are given up soon: the server cannot clean up what they still see.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus

from photofind.errors import LibraryError
from photofind_postgres.address import Address
from photofind_postgres.failures import explained, is_lost, told

__all__ = ["Connection", "Cursor", "Rows", "Sessions", "check_extension", "extension_of", "rows_of"]

Connection = psycopg.Connection[tuple[Any, ...]]
Cursor = psycopg.Cursor[tuple[Any, ...]]
Rows = list[tuple[Any, ...]]

OLDEST = (0, 8)
# A snapshot in which nobody has read for so many seconds is given up.
_IDLE_SECONDS = 10.0
# So many connections are kept open beside those in use.
_SPARE = 4
_BATCH = 1000

_NONE: Mapping[str, str] = {}

_SETTINGS = """
SELECT '[1]'::{vector};
SET hnsw.iterative_scan = relaxed_order; SET hnsw.max_scan_tuples = 60000;
SET hnsw.scan_mem_multiplier = 4;
SET plan_cache_mode = force_custom_plan; SET jit = off;
SET DateStyle = ISO; SET bytea_output = hex; SET client_min_messages = warning;
SET lock_timeout = '30s'; SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3
"""


@dataclass(frozen=True)
class _Snapshot:
    name: str
    revision: int


class Sessions:
    """All connections of one store; threads may share it.

    Parameters
    ----------
    address
        Of the library.
    """

    def __init__(self, address: Address) -> None:
        self.where = address.shown
        self._address = address
        self._lock = threading.RLock()  # Held to look at, and to change, what follows.
        self._snapshot: _Snapshot | None = None
        self._free: list[tuple[Connection, int]] = []  # With the revision of the open transaction.
        self._told = -1  # The revision that whoever asks knows of.
        self._news = False
        self._used = 0.0
        self._reading_now = 0
        self._keeper: threading.Thread | None = None
        self._closed = threading.Event()
        self._writing = threading.RLock()
        self._writer: Connection | None = None
        self._cursors = count()

    def close(self) -> None:
        """Close all connections."""
        self._closed.set()
        with self._writing:
            _close(self._writer)
            self._writer = None
        self.give_up()

    # Reading.

    @property
    def revision(self) -> int:
        """How many commits there were when it was last refreshed."""
        with self._lock:
            if self._snapshot is not None:
                return self._snapshot.revision
        self._look()
        with self._lock:
            return self._told if self._snapshot is None else self._snapshot.revision

    def fetch(
        self, query: str, values: Sequence[Any] = (), *, settings: Mapping[str, str] = _NONE
    ) -> Rows:
        """Return the rows of a query, in the state that was last refreshed.

        A connection that was lost meanwhile, as by a restart of the server, is made anew, once.

        Parameters
        ----------
        settings
            Settings of the server for this query alone: on or off.
        """
        for last in (False, True):
            try:
                with self._reader() as connection:
                    return rows_of(connection, query, values, settings)
            except psycopg.Error as error:
                if last or not (is_lost(error) or isinstance(error, errors.InvalidParameterValue)):
                    raise explained(error, self.where) from error
                self.give_up()
        raise AssertionError

    def stream(self, query: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query, in the state as of now, whatever is refreshed meanwhile."""
        with told(self.where), self._reader() as connection:
            name = f"rows_{next(self._cursors)}"
            with connection.cursor(name) as cursor:
                cursor.itersize = _BATCH
                cursor.execute(query, values, binary=True)
                yield from cursor

    def refresh(self) -> bool:
        """Take in what others have committed; return whether there was anything."""
        self.renew()
        self._look()
        with self._lock:
            news, self._news = self._news, False
            return news

    def _look(self) -> None:
        """Have a snapshot, where there is none."""
        for last in (False, True):
            try:
                with self._reader():
                    return
            except psycopg.Error as error:
                if last or not is_lost(error):
                    raise explained(error, self.where) from error
                self.give_up()

    def renew(self) -> None:
        """Have what is read from now on be read in the newest state."""
        with self._lock:
            self._snapshot = None

    def give_up(self) -> None:
        """Close what nobody reads with at the moment, and the snapshot."""
        with self._lock:
            self._snapshot = None
            for connection, _ in self._free:
                _close(connection)
            self._free.clear()

    @contextmanager
    def _reader(self) -> Iterator[Connection]:
        connection, revision = self._take()
        with self._lock:
            self._reading_now += 1
        fine = False
        try:
            yield connection
            fine = True
        except GeneratorExit:
            fine = True
            raise
        finally:
            with self._lock:
                self._reading_now -= 1
                self._used = time.monotonic()
                if fine and not self._closed.is_set() and len(self._free) < _SPARE:
                    self._free.append((connection, revision))
                else:
                    _close(connection)

    def _take(self) -> tuple[Connection, int]:
        """Return a connection whose transaction sees the current snapshot, made where needed."""
        with self._lock:
            snapshot = self._snapshot
            for place, (connection, revision) in enumerate(self._free):
                if snapshot is not None and revision == snapshot.revision:
                    del self._free[place]
                    return connection, revision
            connection = self._free.pop()[0] if self._free else self._connect()
            try:
                if snapshot is None:
                    return connection, self._begin(connection).revision
                with suppress(psycopg.Error):  # Whoever exported it may have ended.
                    connection.execute(
                        f"{_restarting(connection)}; SET TRANSACTION SNAPSHOT '{snapshot.name}'"
                    )
                    return connection, snapshot.revision
                if connection.closed:
                    connection = self._connect()
                return connection, self._begin(connection).revision
            except BaseException:
                _close(connection)
                raise

    def _begin(self, connection: Connection) -> _Snapshot:
        """Begin a transaction in the newest state; others may read in it too."""
        cursor = connection.execute(
            f"{_restarting(connection)}; SELECT revision, pg_export_snapshot() FROM library"
        )
        while cursor.nextset():  # The answer is that of the last statement.
            pass
        row = cursor.fetchone()
        if row is None:
            raise LibraryError(f"the library on {self.where} is empty", "restore a backup of it")
        self._snapshot = _Snapshot(row[1], row[0])
        if row[0] != self._told:
            self._news = self._told >= 0
            self._told = row[0]
        if self._keeper is None or not self._keeper.is_alive():
            self._keeper = threading.Thread(target=self._keep, name="snapshots", daemon=True)
            self._keeper.start()
        return self._snapshot

    def _keep(self) -> None:
        """Give up the snapshot once nobody has read in it for a while."""
        while not self._closed.wait(_IDLE_SECONDS / 2):
            with self._lock:
                idle = time.monotonic() - self._used > _IDLE_SECONDS
                if idle and not self._reading_now:
                    for connection, _ in self._free[1:]:
                        _close(connection)
                    self._free = [(one, -1) for one, _ in self._free[:1]]
                    for connection, _ in self._free:
                        with suppress(psycopg.Error):
                            connection.rollback()
                    self._snapshot = self._keeper = None
                    return

    # Writing.

    @contextmanager
    def writing(self) -> Iterator[Cursor]:
        """Give a transaction in the newest state, alone; it is committed where nothing fails.

        Raises
        ------
        LibraryError
            The server refuses or is lost; nothing is written, or all of it where it was lost
            while it committed.
        """
        with told(self.where), self._writing:
            cursor = self._begin_writing()
            connection = cursor.connection
            try:
                yield cursor
                connection.execute("COMMIT")
            except BaseException:
                with suppress(psycopg.Error):
                    connection.execute("ROLLBACK")
                raise
            finally:
                cursor.close()
            with self._lock:
                # What others committed before this is news all the same.
                revision = self._revision
                self._news = self._news or (0 <= self._told < revision - 1)
                self._told = max(self._told, revision)
                self._snapshot = None

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """Give a new connection outside of any transaction."""
        with told(self.where):
            connection = self._connect()
            try:
                yield connection
            finally:
                _close(connection)

    def latest(self) -> int:
        """Return how many commits there were by now, by others too."""
        with told(self.where), self._writing:
            return int(self._execute_alone("SELECT revision FROM library")[0][0])

    def _begin_writing(self) -> Cursor:
        for last in (False, True):
            connection = self._writer = self._writer or self._connect()
            try:
                # One that is cut off in the midst of it does not hold up the others for long.
                connection.execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = '60s'")
                row = connection.execute(
                    "UPDATE library SET revision = revision + 1 RETURNING revision"
                ).fetchone()
                assert row is not None
                self._revision = int(row[0])
                return connection.cursor(binary=True)
            except psycopg.Error as error:
                _close(self._writer)
                self._writer = None
                if last or not is_lost(error):
                    raise
                self.give_up()
        raise AssertionError

    def _execute_alone(self, query: str) -> Rows:
        for last in (False, True):
            connection = self._writer = self._writer or self._connect()
            try:
                return connection.execute(query).fetchall()
            except psycopg.Error as error:
                _close(self._writer)
                self._writer = None
                if last or not is_lost(error):
                    raise
        raise AssertionError

    # Connecting.

    def _connect(self) -> Connection:
        connection = psycopg.connect(self._address.uri, autocommit=True)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: Connection) -> None:
        """Set what every connection needs, once it is known that the extension will do."""
        version, schema = extension_of(connection) or ("", "public")
        if not version:
            return  # The library is about to be made.
        check_extension(version, self._address)
        quoted = schema.replace('"', '""')
        connection.execute(
            f'SET search_path = {self._address.library}, "{quoted}"'
            + ";"
            + _SETTINGS.format(vector="vector")
        )


def extension_of(connection: Connection) -> tuple[str, str] | None:
    """Return the version of pgvector in a database, and its schema; None where it is not there."""
    row = connection.execute(
        "SELECT extversion, nspname FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace"
        " WHERE extname = 'vector'"
    ).fetchone()
    return None if row is None else (str(row[0]), str(row[1]))


def check_extension(version: str, address: Address) -> None:
    """Check whether a version of pgvector will do: older ones have no iterative scans.

    Raises
    ------
    LibraryError
        It is too old.
    """
    if tuple(int(part) for part in version.split(".")[:2] if part.isdecimal()) < OLDEST:
        raise LibraryError(
            f"{address.shown} has pgvector {version}, and photofind needs 0.8 or newer",
            "install a newer one there, and run ALTER EXTENSION vector UPDATE",
        )


def rows_of(
    connection: Connection,
    query: str,
    values: Sequence[Any] = (),
    settings: Mapping[str, str] = _NONE,
) -> Rows:
    """Return the rows of a query in the transaction of a connection; see `Sessions.fetch`."""
    if not settings:
        return connection.execute(query, values, binary=True).fetchall()
    with connection.pipeline():
        _set(connection, settings)
        cursor = connection.execute(query, values, binary=True)
        _set(connection, {name: "on" for name, value in settings.items() if value == "off"})
    return cursor.fetchall()


def _set(connection: Connection, settings: Mapping[str, str]) -> None:
    """Set what the queries of a transaction go by."""
    each = ", ".join("set_config(%s, %s, true)" for _ in settings)
    connection.execute(f"SELECT {each}", [part for pair in settings.items() for part in pair])


def _restarting(connection: Connection) -> str:
    """Return what ends the transaction of a connection, if there is one, and begins another."""
    is_idle = connection.info.transaction_status == TransactionStatus.IDLE
    begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    return begin if is_idle else f"ROLLBACK; {begin}"


def _close(connection: Connection | None) -> None:
    if connection is not None:
        with suppress(psycopg.Error):
            connection.close()
