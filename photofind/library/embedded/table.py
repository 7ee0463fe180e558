"""A TinyDB table that reads and writes only the documents it is asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from tinydb.table import Table

from photofind.library.embedded.changes import decode, encode
from photofind.library.embedded.journal import JournalStorage
from photofind.library.embedded.stable_file import SnapshotMapping

__all__ = ["JournalTable"]


class JournalTable(Table):
    """TinyDB's table over a `JournalStorage`.

    Behaves as TinyDB's own, but for two things: results of queries are not cached unless asked
    for, because other processes commit too; and a table without documents does not exist.

    Parameters
    ----------
    storage
        Where the documents are.
    name, cache_size, persist_empty
        As for ``tinydb.table.Table``.
    """

    _storage: JournalStorage

    def __init__(
        self,
        storage: JournalStorage,
        name: str,
        cache_size: int = 0,
        persist_empty: bool = False,
    ) -> None:
        super().__init__(storage, name, cache_size, persist_empty)

    def __len__(self) -> int:
        return len(self._storage.documents(self.name))

    def replace(self, identifier: int, document: dict[str, Any]) -> bool:
        """Replace the document with an id, without reading it; return whether there is one."""
        if identifier not in self._storage.documents(self.name):
            return False
        self._update_table(lambda documents: documents.update({identifier: document}))
        return True

    # The two methods through which TinyDB's table does all that it does.

    def _read_table(self) -> Mapping[str, Mapping[str, Any]]:  # type: ignore[override]
        return _Documents(self._storage.documents(self.name))

    def _update_table(self, updater: Callable[[Any], None]) -> None:
        update = _Update(self._storage.documents(self.name))
        updater(update)
        self._storage.change(self.name, update.changes())


class _Documents(SnapshotMapping[str, Mapping[str, Any]]):
    """Raw documents as TinyDB reads them, each decoded when it is asked for."""

    def __init__(self, raw: Mapping[int, bytes]) -> None:
        self._raw = raw

    def __getitem__(self, key: str) -> Mapping[str, Any]:
        try:
            return decode(self._raw[int(key)])
        except ValueError:
            raise KeyError(key) from None

    def __iter__(self) -> Iterator[str]:
        return map(str, self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def snapshot(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Iterate over what is there now, whatever changes meanwhile."""
        return ((str(key), decode(raw)) for key, raw in self._raw.items())


class _Update(MutableMapping[int, dict[str, Any]]):
    """Raw documents as TinyDB updates them; remembers what was touched."""

    def __init__(self, raw: Mapping[int, bytes]) -> None:
        self._raw = raw
        self._touched: dict[int, dict[str, Any] | None] = {}

    def __getitem__(self, key: int) -> dict[str, Any]:
        # TinyDB changes documents in place, so one that was read may have changed.
        if key not in self._touched:
            self._touched[key] = decode(self._raw[key])
        document = self._touched[key]
        if document is None:
            raise KeyError(key)
        return document

    def __setitem__(self, key: int, document: dict[str, Any]) -> None:
        self._touched[key] = document

    def __delitem__(self, key: int) -> None:
        if key not in self:
            raise KeyError(key)
        self._touched[key] = None

    def __contains__(self, key: object) -> bool:
        if key in self._touched:
            return self._touched[key] is not None
        return key in self._raw

    def __iter__(self) -> Iterator[int]:
        yield from (key for key in self._raw if self._touched.get(key, key) is not None)
        yield from (
            key
            for key, document in self._touched.items()
            if key not in self._raw and document is not None
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        self._touched = dict.fromkeys(self._raw)

    def changes(self) -> dict[int, bytes | None]:
        """Return what differs now, encoded; None for what was removed."""
        encoded = {
            key: None if document is None else encode(document)
            for key, document in self._touched.items()
        }
        return {key: raw for key, raw in encoded.items() if self._raw.get(key) != raw}
