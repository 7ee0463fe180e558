"""A TinyDB storage that appends transactions to a journal.

TinyDB's own ``JSONStorage`` rewrites its file in place at every change: slow where there are many
documents, and all is lost when it is interrupted. Here a change costs what it changes, is on disk
when the call returns, and is there as a whole or not at all. ``docs/develop/storage.md`` has the
format.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from io import BytesIO, FileIO
from itertools import chain, islice
from pathlib import Path
from threading import get_ident
from typing import Any

import numpy.typing as npt
from tinydb.storages import Storage

from photofind.errors import DamagedError, LibraryError, NewerFormatError
from photofind.library.embedded.changes import (
    Change,
    apply,
    decode,
    difference,
    encode,
    note_changes,
)
from photofind.library.embedded.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from photofind.library.embedded.documents import ChangedDocuments, Documents, WrittenDocuments
from photofind.library.embedded.journal_format import (
    HEADER,
    VERSION,
    Transaction,
    is_unfinished,
    pack,
    transactions,
)
from photofind.library.embedded.known_journal import KnownJournal
from photofind.library.embedded.stable_file import StableFile, open_stable
from photofind.paths import private_folder, write_atomically
from photofind.system.disk import explain_disk_errors, sync_file

__all__ = ["JournalStorage"]

# A compacted journal is many small transactions, so that damage costs few documents.
_SNAPSHOT = 64

# A checkpoint is worth writing for so many bytes of a journal, ...
SMALL = 1_000_000
# ... and where so much of it came since the last one.
GROWTH = 0.1

_NO_DOCUMENTS = WrittenDocuments()


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
    checkpoint
        Where the writer keeps what its follower knows, for the next one to go on from there.

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

    def __init__(
        self, path: str | Path, *, writable: bool = True, checkpoint: Path | None = None
    ) -> None:
        self._path = Path(path)
        self._checkpoint = checkpoint
        self._kept = 0  # So many bytes of the journal are in the checkpoint.
        # What this went on from, and what changed since, until it is told.
        self._resumed: tuple[Checkpoint, list[Change]] | None = None
        self._told = -1  # The follower knows of everything up to this revision.
        self._writable = writable
        self._tables: dict[str, WrittenDocuments] = {}
        self._changes: dict[str, dict[int, bytes | None]] | None = None  # While in a transaction.
        self._changing = 0  # The thread that is in it.
        self._follower: Callable[[Iterable[Change]], None] | None = None
        self._begin: Callable[[], None] = lambda: None
        self._known = KnownJournal(self._path)
        self._file: FileIO | None = None
        self.revision = 0
        self.damage: str | None = None
        self.replaced: str | None = None
        with explain_disk_errors(self._path):
            lost, self.torn = self._load(read_checkpoint(checkpoint) if checkpoint else None)
        if lost:
            self.damage = f"{lost} bytes of {self._path} are damaged; indexing restores what was in"
        if writable:
            with explain_disk_errors(self._path):
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
        revision = self.revision
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
        self._tell(changes, revision)

    def follow(
        self,
        follower: Callable[[Iterable[Change]], None],
        begin: Callable[[], None] = lambda: None,
        resume: Callable[[Checkpoint], bool] = lambda checkpoint: False,
    ) -> None:
        """Tell ``follower`` of every document there is now, then of all changes as they come.

        ``begin`` is called before it is told of everything anew, because another journal took the
        place of this one. ``resume`` is given the checkpoint that the journal was read from, if
        there is one; where it returns True, the follower knows all photos that were in it.
        """
        self._follower, self._begin = follower, begin
        resumed, self._resumed = self._resumed, None
        known, changes = "", list[Change]()
        if resumed is not None and resume(resumed[0]):
            known = "photos"
            changes = [change for change in resumed[1] if change.table == known]
        else:
            self._kept = 0
        everything = (
            Change(table, key, None, raw)
            for table, documents in self._tables.items()
            if table != known
            for key, raw in documents.items()
        )
        follower(chain(everything, changes))
        self._told = self.revision

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
        with explain_disk_errors(self._path):
            changes = self._go_on() if self._writable else self._read_on()
        self._tell(changes, revision)
        return self.revision != revision

    @property
    def is_changing(self) -> bool:
        """Whether a transaction is under way."""
        return self._changes is not None

    @property
    def size(self) -> int:
        """Bytes of the journal on disk."""
        return self._known.end

    @property
    def live_size(self) -> int:
        """Bytes of the documents that are not outdated."""
        return sum(documents.size for documents in self._tables.values())

    def keep_checkpoint(
        self,
        facts: Callable[[], Mapping[str, Any]],
        arrays: Callable[[], Mapping[str, npt.NDArray[Any]]],
        *,
        now: bool = False,
    ) -> None:
        """Keep what is known as a checkpoint, where much came since the last one, or ``now``.

        Without it opening takes longer; that it cannot be written is no failure.

        ``facts`` and ``arrays`` give what the follower knows of all changes so far.
        """
        known, since = self._known, self._known.end - self._kept
        if self._checkpoint is None or not self._writable or self._changes is not None:
            return
        if since < SMALL or (not now and since < GROWTH * known.end):
            return
        if known.checksum is None or self._told != self.revision:
            return  # Not all is whole, or an exception kept the follower from knowing it.
        self._kept = known.end
        tables = {name: documents.places() for name, documents in self._tables.items()}
        kept = Checkpoint(known.end, known.checksum, self.revision, facts(), arrays(), tables)
        with suppress(OSError):
            write_checkpoint(self._checkpoint, kept)

    def compact(self) -> None:
        """Write the journal anew without what is outdated, and switch to it at once.

        Raises
        ------
        LibraryError
            The disk refused, or the journal was damaged since it was opened; the old one is still
            in use.
        """
        self._require_writable()
        with explain_disk_errors(self._path):
            self._known.check()
            self._rewrite(self.revision)

    def _tell(self, changes: Iterable[Change], revision: int) -> None:
        """Tell the follower of all changes since a revision."""
        if changes and self._follower:
            self._follower(changes)
        if self._told == revision:
            self._told = self.revision

    # Reading.

    def _load(self, checkpoint: Checkpoint | None = None) -> tuple[int, bool]:
        """Read the whole journal; return how many bytes are damaged and whether a tail is torn.

        Of what a checkpoint was made of only the checksum is read.
        """
        try:
            journal = open_stable(self._path)
        except FileNotFoundError:
            self._known, self._tables, self.revision = KnownJournal(self._path), {}, 0
            return 0, False
        header = journal.stream(0).readline()
        if version := HEADER.fullmatch(header):
            if int(version[1]) > VERSION:
                raise NewerFormatError(
                    f"{self._path} was written by a newer photofind", "upgrade photofind"
                )
            end, revision = len(header), int(version[2])
        else:
            header, end, revision = b"", 0, 0
        tables: dict[str, WrittenDocuments] = {}
        lost, checksum, changes = 0, zlib.crc32(header), dict[tuple[str, int], Change]()
        if checkpoint is not None and header and checkpoint.fits(journal):
            tables, revision = checkpoint.documents(journal), checkpoint.revision
            end, checksum = checkpoint.end, checkpoint.checksum
            self._kept = end
        else:
            checkpoint = None
        for transaction in transactions(journal.stream(end), end, checksum):
            if checkpoint is not None:
                note_changes(transaction.operations, tables, changes)
            apply(transaction.operations, tables, journal)
            lost += transaction.lost
            end, revision = transaction.end, transaction.revision
            checksum = transaction.checksum
        tail = journal.stream(end).read()
        self._known = KnownJournal(self._path, journal, header, end, None if lost else checksum)
        self._tables, self.revision = tables, revision
        if checkpoint is not None:
            self._resumed = checkpoint, [*changes.values()]
        return (lost if is_unfinished(tail) else lost + len(tail)), bool(tail)

    def _read_on(self) -> list[Change]:
        """Read what was appended, or everything where the journal was compacted."""
        known = self._known
        if known.file is not None and known.is_in_place:
            changes = []
            stream, checksum = known.file.stream(known.end), known.checksum
            for transaction in transactions(stream, known.end, checksum or 0):
                changes += [
                    Change(table, key, self._tables.get(table, _NO_DOCUMENTS).get(key), raw)
                    for table, key, raw, _ in transaction.operations
                ]
                self._take_in(transaction, known.file)
            return changes
        old = self._tables
        self._load()
        return [
            change
            for name in {*old, *self._tables}
            for change in difference(
                name, old.get(name, _NO_DOCUMENTS), self._tables.get(name, _NO_DOCUMENTS)
            )
        ]

    def _take_in(self, transaction: Transaction, journal: StableFile) -> None:
        apply(transaction.operations, self._tables, journal)
        is_whole = self._known.checksum is not None and not transaction.lost
        self._known.grow(transaction.end, transaction.checksum if is_whole else None)
        self.revision = transaction.revision

    def _names(self) -> list[str]:
        return list(dict.fromkeys([*self._tables, *(self._changes or ())]))

    # Writing.

    def _require_writable(self) -> None:
        if not self._writable:
            raise LibraryError(f"{self._path} is not open for writing")

    def _make_writable(self, lost: int) -> None:
        private_folder(self._path.parent)
        if lost:
            self.damage = f"{self.damage}; a copy is kept as {self._known.keep_copy().name}"
            # Skips more revisions than can have been lost, so that none is ever given twice.
            self._rewrite(self.revision + lost)
        elif not self._known.header:
            self._rewrite(self.revision)
        else:
            self._open()
            if self.torn:
                self._cut()

    def _open(self) -> FileIO:
        self._file = FileIO(self._path, "r+")
        if self._file.readline() != self._known.header:
            self._file.close()
            raise LibraryError(f"{self._path} was replaced meanwhile", "run the same again")
        return self._file

    def _cut(self) -> None:
        assert self._file is not None
        self._file.truncate(self._known.end)
        sync_file(self._file.fileno())

    def _write(self, changes: Iterable[Change], *, rewrite: bool) -> None:
        revision = self.revision + 1
        with explain_disk_errors(self._path):
            if rewrite:
                self._known.check()
                self._rewrite(revision)
            else:
                self._append(pack([(table, key, raw) for table, key, _, raw in changes], revision))

    def _append(self, data: bytes) -> None:
        """Write a transaction at the end of the journal, and take it in."""
        known = self._known
        if known.file is None or not known.is_in_place:
            raise DamagedError(
                f"{self._path} was removed, cut or replaced while it was in use",
                "run the same again",
            )
        file = self._open() if self._file is None or self._file.closed else self._file
        try:
            if file.seek(0, os.SEEK_END) != known.end:
                self._cut()
                file.seek(known.end)
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
            sync_file(file.fileno())
        except BaseException:
            # Should the disk refuse even this, the next append begins with it.
            with suppress(OSError):
                self._cut()
            raise
        for transaction in transactions(BytesIO(data), known.end, known.checksum or 0):
            self._take_in(transaction, known.file)

    def _go_on(self) -> list[Change]:
        """Return what came to the writer's journal; go on with what is there if that is another."""
        known = self._known
        if self._changes is not None:
            return []
        if known.file is not None and known.is_in_place:
            return self._read_on() if known.file.size > known.end else []
        if not self._path.parent.exists():
            raise LibraryError(f"{self._path.parent} was removed", "put it back")
        revision = self.revision
        if known.is_whole and known.is_lost:
            known.set_aside()
            self._rewrite(revision + 1)
            self.replaced = (
                f"{self._path} was removed or damaged while it was in use; it was written anew"
            )
            return []
        lost, _ = self._load()
        if lost:
            self._known.keep_copy()
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

    def _rewrite(self, revision: int) -> None:
        self._kept = 0
        # Windows does not replace a file that is open.
        if self._file is not None:
            self._file.close()
        if self._known.file is not None:
            self._known.file.give_way()
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
            yield pack(some, revision)

    def _joined(self) -> AbstractContextManager[None]:
        """Join the transaction that is under way, or begin one."""
        return self.transaction() if self._changes is None else nullcontext()
