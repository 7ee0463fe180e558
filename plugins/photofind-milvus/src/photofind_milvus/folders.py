"""The folders of a library, each with who watches it: a user of a machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from photofind.model.records import Folder
from photofind_milvus.changing import Change, Changes
from photofind_milvus.library import Library
from photofind_milvus.rows import Record

__all__ = ["Folders"]

_KIND = "folder"
_NAMES = frozenset(field.name for field in fields(Folder))


class Folders:
    """Reads and writes folders.

    A folder of a share belongs to who added it first: only that one watches it.

    Parameters
    ----------
    library, changes
        Those of the store.
    """

    def __init__(self, library: Library, changes: Changes) -> None:
        self._library = library
        self._changes = changes

    def all(self) -> list[Folder]:
        """Return the folders, oldest first; those of other machines are offline here."""
        found = [self._shown(record.document) for record in self._library.records(_KIND)]
        return sorted(found, key=lambda folder: folder.id)

    def put(self, folder: Folder) -> Folder:
        """Add a folder, or replace the one with its path; return it as it is now."""
        naming = self._library.naming
        name = naming.kept(folder.path)

        def put(change: Change) -> Folder:
            known = self._library.named(_KIND, [name])
            if known and self._watcher(known[name].document):
                return self._shown(known[name].document)
            identifier = known[name].document["id"] if known else change.new_id()
            stored = replace(folder, id=identifier)
            change.end_records(known.values())
            document = asdict(stored) | {"path": name, "watcher": naming.machine.watcher}
            change.put_record(Record(_KIND, name, document))
            return stored

        return self._changes.make(put)

    def remove(self, path: str) -> None:
        """Remove a folder, where it is there."""
        name = self._library.naming.kept(path)
        self._changes.make(
            lambda change: change.end_records(self._library.named(_KIND, [name]).values())
        )

    def _shown(self, document: Mapping[str, Any]) -> Folder:
        naming = self._library.naming
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in document.items()
            if name in _NAMES  # A later version may know more.
        }
        watcher = self._watcher(document)
        folder = Folder(**values | {"path": naming.shown(document["path"]), "host": watcher})
        if naming.is_here(document["path"]):
            return folder
        reason = f"it is on {watcher}, which watches it"
        return replace(folder, state="offline", reason=reason, mounts=(), volumes={})

    def _watcher(self, document: Mapping[str, Any]) -> str:
        """Return who else watches a folder, as in ``ada@attic``; "" where this one does."""
        watcher = str(document["watcher"])
        return "" if watcher == self._library.naming.machine.watcher else watcher
