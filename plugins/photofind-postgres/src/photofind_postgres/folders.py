"""Folders, each with who looks after it: a user of a machine, who alone scans and watches it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from photofind.model.records import Folder
from photofind_postgres.locations import Locations, encoded
from photofind_postgres.sessions import Cursor, Rows

__all__ = ["FOLDERS", "folders_of", "put_folder", "remove_folder"]

FOLDERS = "SELECT id, watcher, origin, path, document FROM folders ORDER BY id"

_APART = ("path", "id", "host")
_TUPLES = ("mounts", "excludes")


def folders_of(rows: Rows, locations: Locations, watcher: str) -> list[Folder]:
    """Return the folders of rows, one for each path: one's own where others have it too."""
    found: dict[str, Folder] = {}
    for identifier, who, origin, path, document in rows:
        values = json.loads(document)
        values |= {name: tuple(values[name]) for name in _TUPLES if name in values}
        folder = Folder(path=locations.path(origin, path), id=identifier, **values)
        if who != watcher:
            folder = replace(folder, host=who)
            if not locations.is_here(origin):
                folder = replace(folder, state="offline", reason=f"it is on {origin}")
        known = found.get(folder.path)
        if known is None or known.host:
            found[folder.path] = folder
    return sorted(found.values(), key=lambda folder: folder.id)


def put_folder(cursor: Cursor, folder: Folder, locations: Locations, watcher: str) -> Folder:
    """Add a folder that one looks after oneself, or replace it; return it as it is now."""
    origin, path = locations.tree(folder.path)
    values = {name: value for name, value in asdict(folder).items() if name not in _APART}
    cursor.execute(
        "INSERT INTO folders (id, watcher, origin, path, document)"
        " VALUES (nextval('ids'), %s, %s, %s, %s) ON CONFLICT (watcher, origin, sha256(path))"
        " DO UPDATE SET document = excluded.document RETURNING id",
        [watcher, origin, encoded(path), json.dumps(values)],
    )
    row = cursor.fetchone()
    assert row is not None
    return replace(folder, id=row[0])


def remove_folder(cursor: Cursor, path: str, locations: Locations, watcher: str) -> None:
    """Remove the folder at a path: one's own, or else that of others."""
    origin, plain = locations.tree(path)
    place = [origin, encoded(plain)]
    where = "origin = %s AND sha256(path) = sha256(%s)"
    cursor.execute(f"DELETE FROM folders WHERE {where} AND watcher = %s", [*place, watcher])
    if not cursor.rowcount:
        cursor.execute(f"DELETE FROM folders WHERE {where}", place)
