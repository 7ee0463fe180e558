"""A TinyDB storage that appends transactions to a journal.

TinyDB's own ``JSONStorage`` rewrites its file in place at every change: slow where there are many
documents, and all is lost when it is interrupted. Here a change costs what it changes, is on disk
when the call returns, and is there as a whole or not at all. ``docs/develop/storage.md`` has the
format.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import datetime
from functools import lru_cache, partial
from io import BytesIO, FileIO
from itertools import chain, islice
from pathlib import Path
from threading import get_ident
from typing import IO, Any, NamedTuple, TypeAlias
from urllib.parse import quote, unquote

from tinydb.storages import Storage

from photofind.errors import DamagedError, LibraryError, NewerFormatError
from photofind.library.embedded.documents import ChangedDocuments, Documents, WrittenDocuments
from photofind.library.embedded.stable_file import StableFile, open_stable
from photofind.paths import private_folder, write_atomically
from photofind.system.disk import explained, sync_file

__all__ = ["Change", "JournalStorage", "decode", "encode"]

VERSION = 1
_COPIED = 2**20  # Bytes that are copied at a time.
_HEADER = re.compile(rb"photofind catalog (\d+) (\d+)\n")
_COMMIT = re.compile(rb"(= \d+ (\d+) )([0-9a-f]{8})\n")
# A journal is still the one that was read if it has so many bytes at its end, a checksum included.
_ENDING = 64
# A compacted journal is many small transactions, so that damage costs few documents.
_SNAPSHOT = 64


# Table, document id, and raw document; None removes it.
_Operation: TypeAlias = tuple[str, int, bytes | None]
# The same, and where in the journal the raw document begins.
_Placed: TypeAlias = tuple[str, int, bytes | None, int]

_NO_DOCUMENTS = WrittenDocuments()


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
    """Documents as raw JSON in a journal of transactions, read from there when they are asked for.

    A table without documents does not exist. One thread changes them, and sees at once what it
    does; others see what is committed.

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
    replaced
        What became of the journal while it was in use, in words, since this was last set to None.
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
        self._tables: dict[str, WrittenDocuments] = {}
        self._changes: dict[str, dict[int, bytes | None]] | None = None  # While in a transaction.
        self._changing = 0  # The thread that is in it.
        self._follower: Callable[[Iterable[Change]], None] | None = None
        self._begin: Callable[[], None] = lambda: None
        self._journal: StableFile | None = None
        self._header = b""
        self._end = 0
        self._ending = b""
        self._file: FileIO | None = None
        self.revision = 0
        self.damage: str | None = None
        self.replaced: str | None = None
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
            name: {str(key): decode(raw) for key, raw in self.documents(name).items()}
            for name in self._names()
        }
        return {name: documents for name, documents in tables.items() if documents} or None

    def write(self, data: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """Replace all tables by ``data``, writing only what differs, in one transaction."""
        with self._joined():
            for name in {*self._names(), *data}:
                documents = {int(key): encode(value) for key, value in data.get(name, {}).items()}
                gone = dict.fromkeys(self.documents(name).keys() - documents.keys())
                self.change(name, gone | documents)

    def close(self) -> None:
        """Close the journal; nothing can be written after."""
        self._writable = False
        self._follower = None  # Or it and this hold each other, and the journal open.
        if self._file is not None:
            self._file.close()

    # What JournalTable and the catalog use: only what changes.

    def documents(self, table: str) -> Documents:
        """Return the raw documents of a table by id, live."""
        documents, changes = self._tables.get(table, _NO_DOCUMENTS), self._changes
        if changes is None or self._changing != get_ident():
            return documents
        return ChangedDocuments(documents, changes.setdefault(table, {}))

    def change(self, table: str, documents: Mapping[int, bytes | None]) -> None:
        """Put raw documents into a table, or remove them where None."""
        with self._joined():
            assert self._changes is not None
            self._changes.setdefault(table, {}).update(documents)

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
        if self._changes is not None:
            raise RuntimeError("transactions do not nest")
        self._changing = get_ident()
        self._changes = {}
        try:
            yield
            changes = [
                Change(table, key, before, after)
                for table, documents in self._changes.items()
                for key, after in documents.items()
                if (before := self._tables.get(table, _NO_DOCUMENTS).get(key)) != after
            ]
            if changes:
                self._write(changes, rewrite=rewrite)
        finally:
            self._changes = None
        if changes and self._follower:
            self._follower(changes)

    def follow(
        self,
        follower: Callable[[Iterable[Change]], None],
        begin: Callable[[], None] = lambda: None,
    ) -> None:
        """Tell ``follower`` of every document there is now, then of all changes as they come.

        ``begin`` is called before it is told of everything anew, because another journal took the
        place of this one.
        """
        self._follower, self._begin = follower, begin
        follower(
            Change(table, key, None, raw)
            for table, documents in self._tables.items()
            for key, raw in documents.items()
        )

    def refresh(self) -> bool:
        """Take in what another process has committed since; return whether there was anything.

        A writer whose journal was removed or emptied writes it anew. If another one was put in its
        place, or what was in it was cut or written over, the writer goes on with what is there.

        Raises
        ------
        LibraryError
            The disk refused.
        """
        revision = self.revision
        with explained(self._path):
            changes = self._go_on() if self._writable else self._read_on()
        if changes and self._follower:
            self._follower(changes)
        return self.revision != revision

    @property
    def is_changing(self) -> bool:
        """Whether a transaction is under way."""
        return self._changes is not None

    @property
    def size(self) -> int:
        """Bytes of the journal on disk."""
        return self._end

    @property
    def live_size(self) -> int:
        """Bytes of the documents that are not outdated."""
        return sum(documents.size for documents in self._tables.values())

    def compact(self) -> None:
        """Write the journal anew without what is outdated, and switch to it at once.

        Raises
        ------
        LibraryError
            The disk refused, or the journal was damaged since it was opened; the old one is still
            in use.
        """
        self._require_writable()
        with explained(self._path):
            self._check()
            self._rewrite(self.revision)

    # Reading.

    def _load(self) -> tuple[int, bool]:
        """Read the whole journal; return how many bytes are damaged and whether a tail is torn."""
        try:
            journal = open_stable(self._path)
        except FileNotFoundError:
            self._journal, self._tables = None, {}
            self._header, self._end, self._ending, self.revision = b"", 0, b"", 0
            return 0, False
        header = journal.stream(0).readline()
        if version := _HEADER.fullmatch(header):
            if int(version[1]) > VERSION:
                raise NewerFormatError(
                    f"{self._path} was written by a newer photofind", "upgrade photofind"
                )
            end, revision = len(header), int(version[2])
        else:
            header, end, revision = b"", 0, 0
        tables: dict[str, WrittenDocuments] = {}
        lost = 0
        for transaction in _transactions(journal.stream(end), end):
            _apply(transaction.operations, tables, journal)
            lost += transaction.lost
            end, revision = transaction.end, transaction.revision
        tail = journal.stream(end).read()
        self._journal, self._tables = journal, tables
        self._header, self._end, self.revision = header, end, revision
        self._ending = _before(journal, end)
        return (lost if _is_unfinished(tail) else lost + len(tail)), bool(tail)

    def _read_on(self) -> list[Change]:
        """Read what was appended, or everything where the journal was compacted."""
        if self._journal is not None and self._is_same(self._journal):
            changes = []
            for transaction in _transactions(self._journal.stream(self._end), self._end):
                changes += [
                    Change(table, key, self._tables.get(table, _NO_DOCUMENTS).get(key), raw)
                    for table, key, raw, _ in transaction.operations
                ]
                self._take_in(transaction, self._journal)
            return changes
        old = self._tables
        self._load()
        return [
            change
            for name in {*old, *self._tables}
            for change in _difference(
                name, old.get(name, _NO_DOCUMENTS), self._tables.get(name, _NO_DOCUMENTS)
            )
        ]

    def _is_same(self, journal: StableFile) -> bool:
        """Tell whether a journal is still the one of this path, as it was or longer."""
        return journal.is_at(self._path) and self._is_whole(journal)

    def _is_whole(self, journal: StableFile) -> bool:
        """Tell whether a journal holds what was read from it, wherever it is now."""
        return (
            journal.read_some(0, len(self._header)) == self._header
            and _before(journal, self._end) == self._ending
        )

    def _take_in(self, transaction: _Transaction, journal: StableFile) -> None:
        _apply(transaction.operations, self._tables, journal)
        self._end, self.revision = transaction.end, transaction.revision
        self._ending = _before(journal, self._end)

    def _check(self) -> None:
        """Read the journal again: what was damaged since must not be written anew as if whole."""
        assert self._journal is not None
        end = len(self._header)
        for transaction in _transactions(self._journal.stream(end), end):
            if transaction.lost or end == self._end:
                break
            end = transaction.end
        if end != self._end:
            raise DamagedError(
                f"{self._path} was damaged while it was in use",
                "start photofind again: it keeps what is whole",
            )

    def _names(self) -> list[str]:
        return list(dict.fromkeys([*self._tables, *(self._changes or ())]))

    # Writing.

    def _require_writable(self) -> None:
        if not self._writable:
            raise LibraryError(f"{self._path} is not open for writing")

    def _make_writable(self, lost: int) -> None:
        private_folder(self._path.parent)
        if lost:
            self.damage = f"{self.damage}; a copy is kept as {self._keep_copy().name}"
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
                self._check()
                self._rewrite(revision)
            else:
                self._append(_pack([(table, key, raw) for table, key, _, raw in changes], revision))

    def _append(self, data: bytes) -> None:
        """Write a transaction at the end of the journal, and take it in."""
        assert self._journal is not None
        if not self._is_same(self._journal):
            raise DamagedError(
                f"{self._path} was removed, cut or replaced while it was in use",
                "run the same again",
            )
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
        for transaction in _transactions(BytesIO(data), self._end):
            self._take_in(transaction, self._journal)

    def _go_on(self) -> list[Change]:
        """Return what came to the writer's journal; go on with what is there if that is another."""
        assert self._journal is not None
        if self._changes is not None:
            return []
        if self._is_same(self._journal):
            return self._read_on() if self._journal.size > self._end else []
        if not self._path.parent.exists():
            raise LibraryError(f"{self._path.parent} was removed", "put it back")
        revision = self.revision
        if self._is_whole(self._journal) and not _has_transactions(self._path):
            if self._path.exists():
                self._path.replace(self._damaged_path())
            self._rewrite(revision + 1)
            self.replaced = (
                f"{self._path} was removed or damaged while it was in use; it was written anew"
            )
            return []
        lost, _ = self._load()
        if lost:
            self._keep_copy()
        # Skips more revisions than can have been lost, so that none is ever given twice.
        self._rewrite(max(revision, self.revision) + lost + 1)
        self.replaced = (
            f"{self._path} was replaced, cut or written over while it was in use; "
            "indexing restores what it lacks"
        )
        if self._follower is not None:
            self._begin()
            self.follow(self._follower, self._begin)
        return []

    def _damaged_path(self) -> Path:
        stamp = datetime.now().strftime("%Y%m%dT%H%M%S")
        return self._path.with_name(f"{self._path.name}.damaged-{stamp}")

    def _keep_copy(self) -> Path:
        """Copy the journal, damaged as it is."""
        copy = self._damaged_path()
        with self._path.open("rb") as file:
            write_atomically(copy, iter(partial(file.read, _COPIED), b""))
        return copy

    def _rewrite(self, revision: int) -> None:
        # Windows does not replace a file that is open.
        if self._file is not None:
            self._file.close()
        if self._journal is not None:
            self._journal.give_way()
        header = b"photofind catalog %d %d\n" % (VERSION, revision)
        try:
            write_atomically(self._path, chain([header], self._snapshot(revision)))
        finally:
            if self._path.exists():
                self._load()
        self._open()

    def _snapshot(self, revision: int) -> Iterator[bytes]:
        operations = (
            (name, key, raw) for name in self._names() for key, raw in self.documents(name).items()
        )
        while some := list(islice(operations, _SNAPSHOT)):
            yield _pack(some, revision)

    def _joined(self) -> AbstractContextManager[None]:
        """Join the transaction that is under way, or begin one."""
        return self.transaction() if self._changes is None else nullcontext()


def _before(journal: StableFile, end: int) -> bytes:
    """Return what stands in a journal just before a place; nothing if it ends before."""
    size = min(end, _ENDING)
    data = journal.read_some(end - size, size)
    return data if len(data) == size else b""


def _has_transactions(path: Path) -> bool:
    """Return whether there is a journal with something in it."""
    try:
        stream = open_stable(path).stream(0)
    except FileNotFoundError:
        return False
    header = _HEADER.fullmatch(stream.readline())
    return header is not None and next(_transactions(stream, 0), None) is not None


class _Transaction(NamedTuple):
    """A whole transaction in a journal, where it ends, and how much is damaged before it."""

    revision: int
    operations: list[_Placed]
    end: int
    lost: int


def _apply(
    operations: Iterable[_Placed], tables: dict[str, WrittenDocuments], journal: StableFile
) -> None:
    for table, key, raw, start in operations:
        if table not in tables:
            tables[table] = WrittenDocuments(journal)
        if raw is None:
            tables[table].remove(key)
        else:
            tables[table].put(key, start, len(raw))


def _difference(table: str, old: Documents, new: Documents) -> Iterator[Change]:
    """Yield what makes the new documents of a table of the old ones."""
    for key, after in new.items():
        if (before := old.get(key)) != after:
            yield Change(table, key, before, after)
    for key in old.keys() - new.keys():
        yield Change(table, key, old[key], None)


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


def _unpack(lines: Iterable[bytes], start: int) -> list[_Placed]:
    """Return the operations that `_pack` wrote in these lines, the first of which begins there."""
    operations: list[_Placed] = []
    for line in lines:
        sign, name, key, *rest = line.split(b" ", 3)
        start += len(line)
        raw = rest[0][:-1] if sign == b"+" else None
        operations.append((_table(name), int(key), raw, start - len(raw or b"") - 1))
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
        revision = int(line.split(b" ")[1])
        lost = sum(map(len, lines[:whole]))
        operations = _unpack(lines[whole:], end + lost)
        end += sum(map(len, lines)) + len(line)
        yield _Transaction(revision, operations, end, lost)
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
