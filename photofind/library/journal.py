"""A TinyDB storage that appends transactions to a journal.

TinyDB's own ``JSONStorage`` rewrites its file in place at every change: slow where there are many
documents, and all is lost when it is interrupted. Here a change costs what it changes, is on disk
when the call returns, and is there as a whole or not at all. ``docs/storage.md`` has the format.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import datetime
from functools import lru_cache
from io import FileIO
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeAlias
from urllib.parse import quote, unquote

from tinydb.storages import Storage

from photofind.disk import explained, sync_file
from photofind.errors import LibraryError, NewerFormatError
from photofind.paths import private_folder, write_atomically

__all__ = ["Change", "JournalStorage", "decode", "encode"]

VERSION = 1
_HEADER = re.compile(rb"photofind catalog (\d+) (\d+)\n")
_COMMIT = re.compile(rb"(= \d+ (\d+) )([0-9a-f]{8})\n")
# A compacted journal is many small transactions, so that damage costs few documents.
_SNAPSHOT = 64


# Table, document id, raw document; None removes it.
_Operation: TypeAlias = tuple[str, int, bytes | None]


class Change(NamedTuple):
    """One document before and after a transaction; ``None`` where it does not exist."""

    table: str
    id: int
    before: bytes | None
    after: bytes | None


def encode(document: Mapping[str, Any]) -> bytes:
    """Return a document as one line of ASCII JSON, lone surrogates escaped."""
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def decode(raw: bytes) -> dict[str, Any]:
    """Return the document that `encode` made ``raw`` of."""
    document: dict[str, Any] = json.loads(raw)
    return document


class JournalStorage(Storage):
    """Documents in memory as raw JSON, and on disk as a journal of transactions.

    A table without documents does not exist.

    Parameters
    ----------
    path
        The journal. A writer creates it where missing; to a reader, a missing one is empty.
    writable
        Whether this is the one writer. That there is only one is up to the caller.

    Attributes
    ----------
    revision
        A number that grows with every transaction and never falls.
    damage
        What could not be read when the journal was opened, in words, or None. The rest is used.
    torn
        Whether it ended in something else than a whole transaction when it was opened.

    Raises
    ------
    NewerFormatError
        The journal was written by a later version of photofind.
    LibraryError
        The journal cannot be read, or a writer cannot write it.
    """

    def __init__(self, path: str | Path, *, writable: bool = True) -> None:
        self._path = Path(path)
        self._writable = writable
        self._tables: dict[str, dict[int, bytes]] = {}
        self._before: dict[tuple[str, int], bytes | None] | None = None
        self._follower: Callable[[Iterable[Change]], None] | None = None
        self._header = b""
        self._end = 0
        self._file: FileIO | None = None
        self.revision = 0
        self.damage: str | None = None
        with explained(self._path):
            lost, self.torn = self._load()
        if lost:
            self.damage = f"{lost} bytes of {self._path} are damaged; indexing restores what was in"
        if writable:
            with explained(self._path):
                self._make_writable(lost)

    # TinyDB's own interface: everything at once.

    def read(self) -> dict[str, dict[str, Any]] | None:
        """Return all tables, decoded, or None where there is none."""
        tables = {
            name: {str(key): decode(raw) for key, raw in documents.copy().items()}
            for name, documents in self._tables.items()
            if documents
        }
        return tables or None

    def write(self, data: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """Replace all tables by ``data``, writing only what differs, in one transaction."""
        with self._joined():
            for name in {*self._tables, *data}:
                documents = {int(key): encode(value) for key, value in data.get(name, {}).items()}
                gone = dict.fromkeys(self.documents(name).keys() - documents.keys())
                self.change(name, gone | documents)

    def close(self) -> None:
        """Close the journal; nothing can be written after."""
        self._writable = False
        if self._file is not None:
            self._file.close()

    # What JournalTable and the catalog use: only what changes.

    def documents(self, table: str) -> Mapping[int, bytes]:
        """Return the raw documents of a table by id, live."""
        return self._tables.get(table, {})

    def change(self, table: str, documents: Mapping[int, bytes | None]) -> None:
        """Put raw documents into a table, or remove them where None."""
        with self._joined():
            assert self._before is not None
            current = self._tables.setdefault(table, {})
            for key, raw in documents.items():
                self._before.setdefault((table, key), current.get(key))
                if raw is None:
                    current.pop(key, None)
                else:
                    current[key] = raw

    @contextmanager
    def transaction(self, *, rewrite: bool = False) -> Iterator[None]:
        """Make all changes inside one: durable together at the end, or undone together.

        Parameters
        ----------
        rewrite
            Write the whole journal anew instead of appending to it. Only this can change what
            numbers in documents mean, for then no older transaction lies beside newer ones.

        Raises
        ------
        LibraryError
            The disk refused; nothing has changed, and the same can be tried again.
        """
        self._require_writable()
        if self._before is not None:
            raise RuntimeError("transactions do not nest")
        self._before = {}
        try:
            yield
            changes = [
                Change(table, key, before, after)
                for (table, key), before in self._before.items()
                if (after := self._tables[table].get(key)) != before
            ]
            if changes:
                self._write(changes, rewrite=rewrite)
        except BaseException:
            self._undo(self._before)
            raise
        finally:
            self._before = None
        if changes and self._follower:
            self._follower(changes)

    def follow(self, follower: Callable[[Iterable[Change]], None]) -> None:
        """Tell ``follower`` of every document there is now, then of all changes as they come."""
        self._follower = follower
        follower(
            Change(table, key, None, raw)
            for table, documents in self._tables.items()
            for key, raw in documents.items()
        )

    def refresh(self) -> bool:
        """Take in what another process has committed since; return whether there was anything."""
        revision = self.revision
        with explained(self._path):
            changes = self._read_on()
        if changes and self._follower:
            self._follower(changes)
        return self.revision != revision

    @property
    def size(self) -> int:
        """Bytes of the journal on disk."""
        return self._end

    @property
    def live_size(self) -> int:
        """Bytes of the documents that are not outdated."""
        return sum(sum(map(len, documents.copy().values())) for documents in self._tables.values())

    def compact(self) -> None:
        """Write the journal anew without what is outdated, and switch to it at once.

        Raises
        ------
        LibraryError
            The disk refused; the old journal is still in use.
        """
        self._require_writable()
        with explained(self._path):
            self._rewrite(self.revision)

    # Reading.

    def _load(self) -> tuple[int, bool]:
        """Read the whole journal; return how many bytes are damaged and whether a tail is torn."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            self._tables, self._header, self._end, self.revision = {}, b"", 0, 0
            return 0, False
        with file:
            header = file.readline()
            if version := _HEADER.fullmatch(header):
                if int(version[1]) > VERSION:
                    raise NewerFormatError(
                        f"{self._path} was written by a newer photofind", "upgrade photofind"
                    )
                end, revision = len(header), int(version[2])
            else:
                header, end, revision = b"", 0, 0
                file.seek(0)
            tables: dict[str, dict[int, bytes]] = {}
            lost = 0
            for transaction in _transactions(file, end):
                _apply(transaction.operations, tables)
                lost += transaction.lost
                end, revision = transaction.end, transaction.revision
            file.seek(end)
            tail = file.read()
        self._tables, self._header, self._end, self.revision = tables, header, end, revision
        return (lost if _is_unfinished(tail) else lost + len(tail)), bool(tail)

    def _read_on(self) -> list[Change]:
        """Read what was appended, or everything where the journal was compacted."""
        with suppress(FileNotFoundError), self._path.open("rb") as file:
            if file.readline() == self._header and file.seek(0, os.SEEK_END) >= self._end:
                file.seek(self._end)
                changes = []
                for transaction in _transactions(file, self._end):
                    changes += [
                        Change(table, key, self.documents(table).get(key), raw)
                        for table, key, raw in transaction.operations
                    ]
                    _apply(transaction.operations, self._tables)
                    self._end, self.revision = transaction.end, transaction.revision
                return changes
        old = self._tables
        self._load()
        return [
            Change(name, key, before, after)
            for name in {*old, *self._tables}
            for key in {**old.get(name, {}), **self.documents(name)}
            if (before := old.get(name, {}).get(key)) != (after := self.documents(name).get(key))
        ]

    # Writing.

    def _require_writable(self) -> None:
        if not self._writable:
            raise LibraryError(f"{self._path} is not open for writing")

    def _make_writable(self, lost: int) -> None:
        private_folder(self._path.parent)
        if lost:
            stamp = datetime.now().strftime("%Y%m%dT%H%M%S")
            copy = self._path.with_name(f"{self._path.name}.damaged-{stamp}")
            shutil.copyfile(self._path, copy)
            copy.chmod(0o600)
            self.damage = f"{self.damage}; a copy is kept as {copy.name}"
            # Skips more revisions than can have been lost, so that none is ever given twice.
            self._rewrite(self.revision + lost)
        elif not self._header:
            self._rewrite(self.revision)
        else:
            self._open()
            if self.torn:
                self._cut()

    def _open(self) -> FileIO:
        self._file = FileIO(self._path, "r+")
        if self._file.readline() != self._header:
            self._file.close()
            raise LibraryError(f"{self._path} was replaced meanwhile", "run the same again")
        return self._file

    def _cut(self) -> None:
        assert self._file is not None
        self._file.truncate(self._end)
        sync_file(self._file.fileno())

    def _write(self, changes: Iterable[Change], *, rewrite: bool) -> None:
        revision = self.revision + 1
        with explained(self._path):
            if rewrite:
                self._rewrite(revision)
            else:
                self._append(_pack([(table, key, raw) for table, key, _, raw in changes], revision))
        self.revision = revision

    def _append(self, data: bytes) -> None:
        file = self._open() if self._file is None or self._file.closed else self._file
        try:
            if file.seek(0, os.SEEK_END) != self._end:
                self._cut()
                file.seek(self._end)
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
            sync_file(file.fileno())
        except BaseException:
            # Should the disk refuse even this, the next append begins with it.
            with suppress(OSError):
                self._cut()
            raise
        self._end += len(data)

    def _rewrite(self, revision: int) -> None:
        if self._file is not None:
            self._file.close()  # Windows does not replace a file that is open.
        header = b"photofind catalog %d %d\n" % (VERSION, revision)
        write_atomically(self._path, chain([header], self._snapshot(revision)))
        self._header, self.revision = header, revision
        self._end = self._open().seek(0, os.SEEK_END)

    def _snapshot(self, revision: int) -> Iterator[bytes]:
        operations = (
            (table, key, raw)
            for table, documents in self._tables.items()
            for key, raw in documents.items()
        )
        while some := list(islice(operations, _SNAPSHOT)):
            yield _pack(some, revision)

    def _undo(self, before: Mapping[tuple[str, int], bytes | None]) -> None:
        for (table, key), raw in before.items():
            if raw is None:
                self._tables[table].pop(key, None)
            else:
                self._tables[table][key] = raw

    def _joined(self) -> AbstractContextManager[None]:
        """Join the transaction that is under way, or begin one."""
        return self.transaction() if self._before is None else nullcontext()


class _Transaction(NamedTuple):
    """A whole transaction in a journal, where it ends, and how much is damaged before it."""

    revision: int
    operations: list[_Operation]
    end: int
    lost: int


def _apply(operations: Iterable[_Operation], tables: dict[str, dict[int, bytes]]) -> None:
    for table, key, raw in operations:
        documents = tables.setdefault(table, {})
        if raw is None:
            documents.pop(key, None)
        else:
            documents[key] = raw


def _pack(operations: Iterable[_Operation], revision: int) -> bytes:
    """Return a transaction as it stands in a journal."""
    lines = []
    for table, key, raw in operations:
        name = quote(table, safe="", errors="surrogatepass").encode("ascii")
        lines.append(
            b"- %b %d\n" % (name, key) if raw is None else b"+ %b %d %b\n" % (name, key, raw)
        )
    data = b"".join(lines) + b"= %d %d " % (revision, len(lines))
    return data + b"%08x\n" % zlib.crc32(data)


def _unpack(lines: Iterable[bytes]) -> list[_Operation]:
    """Return the operations that `_pack` wrote in these lines."""
    operations: list[_Operation] = []
    for line in lines:
        sign, name, key, *raw = line[:-1].split(b" ", 3)
        operations.append((_table(name), int(key), raw[0] if sign == b"+" else None))
    return operations


@lru_cache
def _table(name: bytes) -> str:
    return unquote(name.decode("ascii"), errors="surrogatepass")


def _transactions(file: IO[bytes], end: int) -> Iterator[_Transaction]:
    """Yield the transactions that verify, from where ``file`` stands, which is at ``end``."""
    lines: list[bytes] = []
    for line in file:
        count = _verify(lines, line) if line.startswith(b"=") else None
        if count is None:
            lines.append(line)
            continue
        whole = len(lines) - count
        end += sum(map(len, lines)) + len(line)
        revision = int(line.split(b" ")[1])
        lost = sum(map(len, lines[:whole]))
        yield _Transaction(revision, _unpack(lines[whole:]), end, lost)
        lines = []


def _verify(lines: list[bytes], line: bytes) -> int | None:
    """Return how many lines are the transaction that ``line`` ends; None where it ends none."""
    if not (commit := _COMMIT.fullmatch(line)) or (count := int(commit[2])) > len(lines):
        return None
    data = b"".join(lines[len(lines) - count :]) + commit[1]
    return count if zlib.crc32(data) == int(commit[3], 16) else None


def _is_unfinished(tail: bytes) -> bool:
    """Tell the beginning of a transaction from one that is damaged."""
    *whole, last = tail.split(b"\n")
    return last[:1] in b"+-=" and all(line[:2] in (b"+ ", b"- ") for line in whole)
