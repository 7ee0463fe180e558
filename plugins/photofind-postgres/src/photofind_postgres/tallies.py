"""How many photos there are of each kind, counted along by the server in each commit.

Statuses and searches ask for counts after every commit, and counting a large library takes the
server long. Photos that are alike in all that is counted have one row of ``tallies``: there are
some tens of rows, however many photos there are. Triggers keep it and ``content_tallies``, the
number of contents of each space, within the transaction that changes photos, whoever makes it.
"""

from __future__ import annotations

from dataclasses import replace

from photofind.model.filters import Filter
from photofind_postgres.sessions import Connection, Cursor

__all__ = ["WRONG", "add_tallies", "count_again", "is_tallied"]

_KINDS = "failed, noted, preliminary, unmarked, spaces, refused"
_PHOTOS = f"SELECT {_KINDS}, count(*) FROM photos GROUP BY {_KINDS}"
_CONTENTS = (
    "SELECT space, count(DISTINCT content) FROM photos, unnest(spaces) AS space GROUP BY space"
)

# What is executed as a text is planned anew for as many photos as there are.
_TABLES = f"""
CREATE TABLE tallies (
    failed boolean NOT NULL,
    noted boolean NOT NULL,
    preliminary boolean NOT NULL,
    unmarked boolean NOT NULL,
    spaces int[] NOT NULL,
    refused text[] NOT NULL,
    photos bigint NOT NULL,
    PRIMARY KEY ({_KINDS})
);
CREATE TABLE content_tallies (space int PRIMARY KEY, contents bigint NOT NULL);
CREATE FUNCTION tally_put() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    EXECUTE $$
        INSERT INTO tallies AS t SELECT {_KINDS}, count(*) FROM put GROUP BY {_KINDS}
        ON CONFLICT ({_KINDS}) DO UPDATE SET photos = t.photos + excluded.photos
    $$;
    EXECUTE $$
        INSERT INTO content_tallies AS t SELECT space, count(*) FROM
            (SELECT content, space, count(*) AS photos FROM put, unnest(spaces) AS space
            GROUP BY content, space) g
        WHERE g.photos = (SELECT count(*) FROM (SELECT FROM photos f
            WHERE f.content = g.content AND f.spaces @> ARRAY[g.space] LIMIT g.photos + 1) o)
        GROUP BY space
        ON CONFLICT (space) DO UPDATE SET contents = t.contents + excluded.contents
    $$;
    RETURN NULL;
END
$function$;
CREATE FUNCTION tally_gone() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    EXECUTE $$
        INSERT INTO tallies AS t SELECT {_KINDS}, -count(*) FROM gone GROUP BY {_KINDS}
        ON CONFLICT ({_KINDS}) DO UPDATE SET photos = t.photos + excluded.photos
    $$;
    EXECUTE $$
        INSERT INTO content_tallies AS t SELECT space, -count(*) FROM
            (SELECT DISTINCT content, space FROM gone, unnest(spaces) AS space) g
        WHERE NOT EXISTS (SELECT FROM photos f
            WHERE f.content = g.content AND f.spaces @> ARRAY[g.space])
        GROUP BY space
        ON CONFLICT (space) DO UPDATE SET contents = t.contents + excluded.contents
    $$;
    RETURN NULL;
END
$function$;
CREATE TRIGGER tally_put AFTER INSERT ON photos REFERENCING NEW TABLE AS put
    FOR EACH STATEMENT EXECUTE FUNCTION tally_put();
CREATE TRIGGER tally_gone AFTER DELETE ON photos REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION tally_gone();
"""


WRONG = f"""
SELECT
    (SELECT count(*) FROM (
        (SELECT * FROM tallies WHERE photos <> 0 EXCEPT {_PHOTOS})
        UNION ALL ({_PHOTOS} EXCEPT SELECT * FROM tallies)) t)
    + (SELECT count(*) FROM (
        (SELECT * FROM content_tallies WHERE contents <> 0 EXCEPT {_CONTENTS})
        UNION ALL ({_CONTENTS} EXCEPT SELECT * FROM content_tallies)) c)
"""
"""How many tallies are not what counting says."""


def add_tallies(connection: Connection) -> None:
    """Have a library count its photos: those that are there, and those to come."""
    connection.execute(_TABLES)
    connection.execute(f"INSERT INTO tallies {_PHOTOS}")
    connection.execute(f"INSERT INTO content_tallies {_CONTENTS}")


def count_again(cursor: Cursor) -> None:
    """Count all photos anew, in a transaction that is alone."""
    for table, query in (("tallies", _PHOTOS), ("content_tallies", _CONTENTS)):
        cursor.execute(f"DELETE FROM {table}")
        cursor.execute(f"INSERT INTO {table} {query}")


def is_tallied(where: Filter) -> bool:
    """Return whether the rows of ``tallies`` tell how many photos a filter lets pass."""
    kinds = replace(where, folder=None, since=None, until=None, tags=(), passing=False)
    return where == kinds
