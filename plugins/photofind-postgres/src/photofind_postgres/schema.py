"""The tables of a library, made in one transaction, and their version."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from psycopg import errors

from photofind.errors import LibraryError, NewerFormatError
from photofind_postgres.address import Address
from photofind_postgres.sessions import Connection, Sessions, check_extension, extension_of
from photofind_postgres.tallies import add_tallies

__all__ = ["VERSION", "prepare_schema"]

VERSION = 2

_TABLES = """
CREATE TABLE library (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version int NOT NULL,
    identity text NOT NULL DEFAULT gen_random_uuid()::text,
    revision bigint NOT NULL DEFAULT 0
);
CREATE SEQUENCE ids;
CREATE TABLE places (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin text NOT NULL,
    path bytea NOT NULL
);
CREATE UNIQUE INDEX ON places (origin, sha256(path));
CREATE TABLE photos (
    id bigint PRIMARY KEY,
    place int NOT NULL,
    name bytea NOT NULL,
    away boolean NOT NULL,
    content text COLLATE "C" NOT NULL,
    moment text COLLATE "C" NOT NULL,
    failed boolean NOT NULL,
    noted boolean NOT NULL,
    passing boolean NOT NULL,
    preliminary boolean NOT NULL,
    unmarked boolean NOT NULL,
    refused text[] NOT NULL,
    spaces int[] NOT NULL,
    words int[] NOT NULL,
    document text NOT NULL
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX ON photos (place, name) WHERE NOT away;
CREATE INDEX ON photos (content);
CREATE INDEX ON photos (moment DESC, id DESC);
CREATE INDEX ON photos USING gin (words);
CREATE INDEX ON photos (id) WHERE failed;
CREATE INDEX ON photos (id) WHERE noted;
CREATE INDEX ON photos (id) WHERE passing;
CREATE INDEX ON photos (id) WHERE preliminary;
CREATE INDEX ON photos (id) WHERE unmarked;
CREATE INDEX ON photos (id) WHERE refused <> '{}';
CREATE TABLE words (
    number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL
);
CREATE TABLE folders (
    id bigint PRIMARY KEY,
    watcher text NOT NULL,
    origin text NOT NULL,
    path bytea NOT NULL,
    document text NOT NULL
);
CREATE UNIQUE INDEX ON folders (watcher, origin, sha256(path));
CREATE TABLE spaces (
    number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    extractor text NOT NULL,
    version text NOT NULL,
    dimension int NOT NULL,
    build text NOT NULL,
    UNIQUE (extractor, version)
);
CREATE TABLE indexes (
    number int PRIMARY KEY,
    space int NOT NULL UNIQUE,
    facts text NOT NULL,
    mean bytea NOT NULL,
    components bytea NOT NULL
);
CREATE SEQUENCE index_numbers MAXVALUE 2147483647;
CREATE TABLE trash (name text PRIMARY KEY);
CREATE TABLE told_apart (lesser text NOT NULL, other text NOT NULL, PRIMARY KEY (lesser, other));
CREATE TABLE judgements (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic bytea NOT NULL UNIQUE,
    document text NOT NULL
);
CREATE TABLE tag_judgements (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic bytea NOT NULL UNIQUE,
    content text COLLATE "C" NOT NULL,
    document text NOT NULL
);
CREATE INDEX ON tag_judgements (content);
INSERT INTO library (version) VALUES (%d)
"""

MIGRATIONS: Mapping[int, Callable[[Connection], None]] = {1: add_tallies}
"""What makes a library of one version one of the next."""


def prepare_schema(sessions: Sessions, address: Address) -> None:
    """See that there is a library of this version; make it, or migrate an older one.

    Raises
    ------
    LibraryError
        It cannot be made here, or is of a version that cannot be used; nothing is written.
    """
    with sessions.alone() as connection:
        version = _version(connection, address)
        if version == VERSION:
            return
        if version is not None and version > VERSION:
            raise NewerFormatError(
                f"the library on {address.shown} was written by a newer photofind",
                "upgrade photofind-postgres",
            )
        if version is not None and any(old not in MIGRATIONS for old in range(version, VERSION)):
            raise LibraryError(
                f"the library on {address.shown} is of version {version}, which is too old",
                "copy it by the photofind-postgres that wrote it",
            )
        with connection.transaction():
            # Two that open it at once make it once.
            key = f"photofind {address.library}"
            connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
            version = _version(connection, address)
            if version is None:
                _make(connection, address)
            else:
                for old in range(version, VERSION):
                    MIGRATIONS[old](connection)
                connection.execute("UPDATE library SET version = %s", [VERSION])


def _version(connection: Connection, address: Address) -> int | None:
    """Return the version of the library that is there; None where there is none."""
    table = f"{address.library}.library"
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
    if row is None or not row[0]:
        return None
    try:
        row = connection.execute(f"SELECT version FROM {table}").fetchone()
    except errors.UndefinedColumn:
        row = None
    if row is None:
        raise LibraryError(
            f"the schema {address.library} on {address.shown} holds something else",
            "name another one by library= in the address",
        )
    return int(row[0])


def _make(connection: Connection, address: Address) -> None:
    if extension_of(connection) is None:
        try:
            with connection.transaction():
                connection.execute("CREATE EXTENSION vector")
        except (errors.UndefinedFile, errors.FeatureNotSupported, errors.InvalidSchemaName):
            raise LibraryError(
                f"{address.shown} lacks the extension pgvector", "install it there, 0.8 or newer"
            ) from None
        except errors.InsufficientPrivilege:
            raise LibraryError(
                f"{address.shown} lacks the extension pgvector in this database",
                "have its owner run CREATE EXTENSION vector there",
            ) from None
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {address.library}")
    version, schema = extension_of(connection) or ("", "public")
    check_extension(version, address)
    quoted = schema.replace('"', '""')
    connection.execute(f'SET LOCAL search_path = {address.library}, "{quoted}"')
    connection.execute(_TABLES % VERSION)
    add_tallies(connection)
