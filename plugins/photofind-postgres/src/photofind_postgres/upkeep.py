"""Upkeep of a library on a server: what nothing refers to is given back, and faults are found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from psycopg import errors

from photofind.model import Check
from photofind_postgres.address import Address
from photofind_postgres.sessions import Connection, Cursor, Sessions, extension_of
from photofind_postgres.spaces import Spaces, StoredSpace

__all__ = ["check", "delete_dead", "rebuild_graphs", "sweep"]

# So much of a table may be outdated before it is cleaned up.
_MOST_DEAD = 0.2


def sweep(sessions: Sessions, address: Address) -> None:
    """Remove tables that nothing refers to, but those that somebody reads just now."""
    sessions.give_up()
    with sessions.alone() as connection:
        for name in (*_orphans(connection, address), *_trash(connection)):
            with suppress(errors.LockNotAvailable), connection.transaction():
                connection.execute("SET LOCAL lock_timeout = '200ms'")
                connection.execute(f"DROP TABLE IF EXISTS {name}")
                connection.execute("DELETE FROM trash WHERE name = %s", [name])


def _trash(connection: Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT name FROM trash").fetchall()]


def _orphans(connection: Connection, address: Address) -> Iterator[str]:
    """Yield the tables of indexes that were not published, and that nobody is building any more."""
    rows = connection.execute(
        "SELECT t.tablename, split_part(t.tablename, '_', 3)::int FROM pg_tables t"
        r" WHERE t.schemaname = %s AND t.tablename ~ '^points_\d+_\d+$' AND NOT EXISTS"
        " (SELECT 1 FROM indexes i WHERE i.number = split_part(t.tablename, '_', 3)::int)",
        [address.library],
    ).fetchall()
    for name, number in rows:
        with connection.transaction():
            row = connection.execute(
                "SELECT pg_try_advisory_xact_lock(hashtext(%s), %s)", [address.library, number]
            ).fetchone()
        if row is not None and row[0]:
            yield name


def delete_dead(cursor: Cursor, stored: StoredSpace) -> bool:
    """Delete the embeddings that no photo refers to, where these are many; return whether so."""
    alive = (
        "EXISTS (SELECT 1 FROM photos f WHERE f.content = p.content"
        f" AND f.spaces @> ARRAY[{stored.number}])"
    )
    cursor.execute(
        f"SELECT count(*), count(*) FILTER (WHERE NOT {alive}) FROM {stored.embeddings} p"
    )
    every, dead = cursor.fetchone() or (0, 0)
    if dead <= _MOST_DEAD * every:
        return False
    cursor.execute(f"DELETE FROM {stored.embeddings} p WHERE NOT {alive}")
    return True


def rebuild_graphs(sessions: Sessions, spaces: Spaces) -> None:
    """Rebuild the graphs of which much is outdated: a VACUUM of them takes as long."""
    for stored in spaces.all:
        if stored.index is None or not stored.index.graph:
            continue
        sessions.give_up()  # It waits for all that read in an older state.
        with sessions.alone() as connection:
            row = connection.execute(
                "SELECT n_dead_tup, n_live_tup FROM pg_stat_user_tables WHERE relid = %s::regclass",
                [stored.index.points],
            ).fetchone()
            if row is not None and row[0] > _MOST_DEAD * row[1] and row[0] > 1000:
                with suppress(errors.LockNotAvailable):
                    connection.execute(f"REINDEX INDEX CONCURRENTLY {stored.index.points}_graph")


def check(sessions: Sessions, address: Address, spaces: Spaces) -> Iterator[Check]:
    """Yield how the server and the library on it were found."""
    with sessions.alone() as connection:
        version, _ = extension_of(connection) or ("?", "")
        server = connection.info.parameter_status("server_version") or "?"
        way = "over TLS" if connection.pgconn.ssl_in_use else "not encrypted"
        host = connection.info.host
        is_near = host.startswith("/") or host in ("localhost", "127.0.0.1", "::1")
        told = f"{address.shown} is PostgreSQL {server} with pgvector {version}, {way}"
    if is_near or way == "over TLS":
        yield Check("server", "ok", told)
    else:
        yield Check("server", "warning", told, "add sslmode=verify-full to the address")
    photos = sessions.fetch("SELECT count(*) FROM photos")[0][0]
    size = sessions.fetch(
        "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c"
        " WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r'",
        [address.library],
    )[0][0]
    yield Check("library", "ok", f"{photos} photos in {address.library}, {size / 1e6:.0f} MB")
    for stored in spaces.all:
        yield _embeddings(sessions, stored)


def _embeddings(sessions: Sessions, stored: StoredSpace) -> Check:
    lost = sessions.fetch(
        "SELECT count(DISTINCT f.content) FROM photos f WHERE f.spaces @> %s::int[]"
        f" AND NOT EXISTS (SELECT 1 FROM {stored.embeddings} p WHERE p.content = f.content)",
        [[stored.number]],
    )[0][0]
    name = f"embeddings of {stored.space.id}"
    if not lost:
        return Check(name, "ok", "each photo has its own")
    return Check(name, "broken", f"{lost} are missing", "restore a backup of that database")
