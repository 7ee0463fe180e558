from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from threading import Event, Thread

import pytest
from tinydb.table import Document

from photofind.errors import DamagedError, LibraryError, NewerFormatError
from photofind.library.embedded import journal
from photofind.library.embedded.journal import JournalStorage
from photofind.library.embedded.stable_file import LockedStableFile
from photofind.library.embedded.table import JournalTable


def numbers(storage, table="numbers"):
    return [document["n"] for document in JournalTable(storage, table)]


def fill(path, count):
    """Write documents, one a transaction, and return the journal's lines."""
    storage = JournalStorage(path)
    table = JournalTable(storage, "numbers")
    for n in range(count):
        table.insert({"n": n})
    storage.close()
    return path.read_bytes().splitlines(keepends=True)


@pytest.fixture(params=["posix", "windows"])
def system(request, monkeypatch):
    """How files are read there."""
    if request.param == "windows":
        monkeypatch.setattr(journal, "open_stable", LockedStableFile)
    elif not hasattr(os, "pread"):
        pytest.skip("there is no pread")


def test_what_was_written_is_read_again(tmp_path):
    storage = JournalStorage(tmp_path / "catalog")
    table = JournalTable(storage, "a name\nwith /%\udcff")
    table.insert({"path": "/caf\udce9/日本\n", "half": 0.5})
    table.insert({"n": 2})
    table.remove(doc_ids=[2])
    storage.close()
    again = JournalStorage(tmp_path / "catalog")
    assert again.read() == storage.read()
    assert again.revision == storage.revision == 3
    assert again.damage is None
    assert (tmp_path / "catalog").read_bytes().isascii()


def test_files_are_private(tmp_path):
    JournalStorage(tmp_path / "new" / "catalog").close()
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "new" / "catalog").stat().st_mode) == 0o600


def test_reader_leaves_no_trace_and_cannot_write(tmp_path):
    storage = JournalStorage(tmp_path / "catalog", writable=False)
    assert storage.read() is None
    with pytest.raises(LibraryError, match="not open for writing"):
        JournalTable(storage, "numbers").insert({"n": 1})
    assert list(tmp_path.iterdir()) == []


def test_transaction_over_two_tables_is_undone_by_an_exception(tmp_path):
    storage = JournalStorage(tmp_path / "catalog")
    left, right = JournalTable(storage, "left"), JournalTable(storage, "right")
    left.insert_multiple([{"n": 1}, {"n": 2}])
    size = (tmp_path / "catalog").stat().st_size
    with suppress(ZeroDivisionError), storage.transaction():
        left.update({"n": 9})
        left.remove(doc_ids=[1])
        right.insert({"n": 3})
        raise ZeroDivisionError
    assert sorted(numbers(storage, "left")) == [1, 2]
    assert numbers(storage, "right") == []
    assert (tmp_path / "catalog").stat().st_size == size
    with pytest.raises(RuntimeError), storage.transaction(), storage.transaction():
        pass


def test_nothing_is_written_where_nothing_changes(tmp_path):
    storage = JournalStorage(tmp_path / "catalog")
    table = JournalTable(storage, "numbers")
    table.insert({"n": 1})
    revision, size = storage.revision, storage.size
    table.update({"n": 1})
    with storage.transaction():
        table.insert({"n": 2})
        table.remove(doc_ids=[2])
    assert (storage.revision, storage.size) == (revision, size)


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_torn_tail_is_ignored_and_cut(tmp_path, cut):
    path = tmp_path / "catalog"
    lines = fill(path, 3)
    whole = b"".join(lines[:-2])
    tail = b"".join(lines[-2:])[:-cut] if cut < 40 else b"+ num"
    path.write_bytes(whole + tail)
    reader = JournalStorage(path, writable=False)
    assert numbers(reader) == [0, 1]
    assert reader.damage is None
    assert path.read_bytes() == whole + tail
    writer = JournalStorage(path)
    assert writer.damage is None
    assert path.read_bytes() == whole
    JournalTable(writer, "numbers").insert({"n": 7})
    assert reader.refresh()
    assert numbers(reader) == [0, 1, 7]


def test_damaged_tail_is_told_from_a_torn_one(tmp_path):
    path = tmp_path / "catalog"
    lines = fill(path, 3)
    path.write_bytes(b"".join(lines[:-2]) + bytes(50))
    assert "50 bytes" in JournalStorage(path, writable=False).damage
    storage = JournalStorage(path)
    assert "damaged-" in storage.damage
    assert numbers(storage) == [0, 1]


@pytest.mark.parametrize(
    ("line", "kept"),
    [(0, [0, 1, 2, 3]), (3, [0, 2, 3]), (4, [0, 2, 3])],
    ids=["header", "document", "commit"],
)
def test_damage_in_the_middle_costs_one_transaction(tmp_path, line, kept):
    path = tmp_path / "catalog"
    lines = fill(path, 4)
    revision = JournalStorage(path, writable=False).revision
    lines[line] = lines[line].replace(b" ", b"\x00", 1)
    path.write_bytes(b"".join(lines))
    damaged = path.read_bytes()
    assert numbers(JournalStorage(path, writable=False)) == kept
    assert path.read_bytes() == damaged

    storage = JournalStorage(path)
    assert numbers(storage) == kept
    (copy,) = tmp_path.glob("catalog.damaged-*")
    assert copy.read_bytes() == damaged
    assert copy.name in storage.damage
    assert storage.revision > revision
    storage.close()
    again = JournalStorage(path)
    assert again.damage is None
    assert numbers(again) == kept


def test_damage_to_many_documents_compacted_costs_few(tmp_path):
    path = tmp_path / "catalog"
    storage = JournalStorage(path)
    JournalTable(storage, "numbers").insert_multiple({"n": n} for n in range(1000))
    storage.compact()
    storage.close()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert len(numbers(JournalStorage(path))) == 1000 - journal._SNAPSHOT


def test_a_file_that_is_no_journal_is_kept_aside(tmp_path):
    (tmp_path / "catalog").write_bytes(b'{"_default": {}}')
    storage = JournalStorage(tmp_path / "catalog")
    assert storage.read() is None
    (copy,) = tmp_path.glob("catalog.damaged-*")
    assert copy.read_bytes() == b'{"_default": {}}'


def test_newer_format_is_refused(tmp_path):
    path = tmp_path / "catalog"
    path.write_bytes(b"photofind catalog 2 0\nwhatever\n")
    for writable in (False, True):
        with pytest.raises(NewerFormatError, match="newer photofind; upgrade photofind"):
            JournalStorage(path, writable=writable)
    assert path.read_bytes() == b"photofind catalog 2 0\nwhatever\n"


def test_reader_follows_commits_and_compaction(tmp_path):
    path = tmp_path / "catalog"
    writer = JournalStorage(path)
    table = JournalTable(writer, "numbers")
    reader = JournalStorage(path, writable=False)
    seen = {}
    reader.follow(lambda changes: seen.update({c.id: c.after for c in changes}))
    assert not reader.refresh()
    table.insert_multiple([{"n": 1}, {"n": 2}])
    assert reader.refresh()
    assert numbers(reader) == [1, 2]
    table.remove(doc_ids=[1])
    writer.compact()
    table.insert({"n": 3})
    assert reader.refresh()
    assert numbers(reader) == [2, 3]
    assert seen == {1: None, 2: b'{"n":2}', 3: b'{"n":3}'}
    assert reader.revision == writer.revision
    assert not reader.refresh()


def test_rewriting_transaction_leaves_no_older_one(tmp_path):
    path = tmp_path / "catalog"
    fill(path, 50)
    storage = JournalStorage(path)
    with storage.transaction(rewrite=True):
        JournalTable(storage, "numbers").update(lambda document: document.update(n=-1))
    assert b'"n":7' not in path.read_bytes()
    JournalTable(storage, "numbers").insert({"n": 1})
    assert numbers(JournalStorage(path, writable=False)) == [-1] * 50 + [1]


@pytest.mark.parametrize("rewrite", [False, True])
def test_full_disk_changes_nothing_and_can_be_tried_again(tmp_path, monkeypatch, rewrite):
    path = tmp_path / "catalog"
    fill(path, 3)
    storage = JournalStorage(path)
    table = JournalTable(storage, "numbers")
    before = path.read_bytes()

    def refuse(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    def write():
        with storage.transaction(rewrite=rewrite):
            table.insert({"n": 3})

    with monkeypatch.context() as patch:
        patch.setattr(journal, "write_atomically" if rewrite else "sync_file", refuse)
        with pytest.raises(LibraryError, match="is full; free some space"):
            write()
    assert numbers(storage) == [0, 1, 2]
    assert path.read_bytes() == before
    write()
    assert numbers(JournalStorage(path, writable=False)) == [0, 1, 2, 3]


def test_only_the_thread_that_changes_documents_sees_it_before_the_commit(tmp_path):
    storage = JournalStorage(tmp_path / "catalog")
    table = JournalTable(storage, "numbers")
    table.insert_multiple([{"n": 1}, {"n": 2}])
    seen = []

    def look():
        thread = Thread(target=lambda: seen.append((numbers(storage), numbers(storage, "new"))))
        thread.start()
        thread.join()

    with storage.transaction():
        table.update({"n": 9}, doc_ids=[1])
        table.remove(doc_ids=[2])
        table.insert({"n": 3})
        JournalTable(storage, "new").insert({"n": 4})
        assert (numbers(storage), numbers(storage, "new")) == ([9, 3], [4])
        assert (len(table), table.contains(doc_id=2)) == (2, False)
        look()
    look()
    assert seen == [([1, 2], []), ([9, 3], [4])]


@pytest.mark.parametrize("writable", [False, True], ids=["reader", "writer"])
def test_who_goes_through_documents_goes_on_while_they_are_compacted(tmp_path, system, writable):
    path = tmp_path / "catalog"
    writer = JournalStorage(path)
    table = JournalTable(writer, "numbers")
    table.insert_multiple({"n": n} for n in range(2000))
    storage = writer if writable else JournalStorage(path, writable=False)
    documents = storage.documents("numbers")
    raws = iter(documents.values())
    assert next(raws) == b'{"n":0}'
    table.remove(doc_ids=range(1, 1001))
    writer.compact()
    storage.refresh()
    assert list(raws) == [b'{"n":%d}' % n for n in range(1, 2000)]
    assert numbers(storage) == list(range(1000, 2000))


def test_threads_read_whole_documents_while_others_are_written_and_compacted(tmp_path, system):
    storage = JournalStorage(tmp_path / "catalog")
    table = JournalTable(storage, "t")
    table.insert_multiple({"id": n, "text": str(n) * 30} for n in range(1, 301))
    done, wrong, reads = Event(), [], [0] * 3

    def is_wrong(key, document):
        return document["text"] != str(document["id"]) * 30 or document["id"] % 10_000 != key

    def read(reader):
        try:
            while not done.is_set():
                for key in range(1 + reader, 301, 7):
                    document = table.get(doc_id=key)
                    if document is not None and is_wrong(key, document):
                        wrong.append(document)
                wrong.extend(one for one in table if is_wrong(one.doc_id, one))
                reads[reader] += 1
        except BaseException as error:
            wrong.append(error)
            raise

    threads = [Thread(target=read, args=(reader,)) for reader in range(3)]
    for thread in threads:
        thread.start()
    turn = 0
    while (turn < 30 or min(reads) < 3) and not wrong:
        turn += 1
        with storage.transaction(rewrite=turn % 7 == 0):
            keys = range(1 + turn % 5, 301, 5)
            table.remove(doc_ids=keys[::2])
            for key in keys[1::2]:
                new = key + 10_000 * turn
                table.update({"id": new, "text": str(new) * 30}, doc_ids=[key])
        with storage.transaction():
            for key in keys[::2]:
                table.insert(Document({"id": key, "text": str(key) * 30}, key))
        if turn % 3 == 0:
            storage.compact()
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(table) == 300


def test_reader_follows_a_writer_that_compacts_again_and_again(tmp_path, system):
    path = tmp_path / "catalog"
    writer = JournalStorage(path)
    table = JournalTable(writer, "numbers")
    reader = JournalStorage(path, writable=False)
    seen = {}

    def follow(changes):
        for change in changes:
            assert seen.get(change.id) == change.before
            seen[change.id] = change.after

    reader.follow(follow)
    for turn in range(20):
        table.insert_multiple({"n": n} for n in range(50))
        table.update({"n": -turn}, doc_ids=range(20 * turn + 1, 20 * turn + 41))
        table.remove(doc_ids=range(20 * turn + 10, 20 * turn + 30))
        if turn % 3:
            writer.compact()
        if turn % 4:
            assert reader.refresh()
            assert reader.read() == writer.read()
            documents = {key: raw for key, raw in seen.items() if raw is not None}
            assert documents == dict(writer.documents("numbers"))
    assert reader.size == writer.size == path.stat().st_size
    assert reader.live_size == sum(map(len, writer.documents("numbers").values()))


@pytest.mark.parametrize("rewrite", [False, True])
def test_what_was_damaged_while_open_is_not_written_anew_as_whole(tmp_path, rewrite):
    path = tmp_path / "catalog"
    lines = fill(path, 4)
    storage = JournalStorage(path)
    with path.open("r+b") as file:
        file.seek(len(b"".join(lines[:3])) + len(lines[3]) - 3)
        file.write(b"7")
    damaged = path.read_bytes()

    def write_anew():
        if rewrite:
            with storage.transaction(rewrite=True):
                JournalTable(storage, "numbers").insert({"n": 4})
        else:
            storage.compact()

    with pytest.raises(DamagedError, match="was damaged while it was in use"):
        write_anew()
    assert path.read_bytes() == damaged
    assert numbers(JournalStorage(path)) == [0, 2, 3]


def test_one_that_was_cut_while_open_is_told(tmp_path):
    path = tmp_path / "catalog"
    lines = fill(path, 4)
    storage = JournalStorage(path, writable=False)
    os.truncate(path, len(b"".join(lines[:6])))
    with pytest.raises(DamagedError, match="was cut short while it was in use"):
        numbers(storage)
    assert numbers(JournalStorage(path, writable=False)) == [0, 1]


def test_a_closed_one_leaves_no_file_open(tmp_path):
    storage = JournalStorage(tmp_path / "catalog")
    JournalTable(storage, "numbers").insert({"n": 1})

    class Follower:  # It and the storage refer to each other, as a catalog does.
        def __init__(self, storage):
            self.storage = storage
            storage.follow(self.follow)

        def follow(self, changes):
            list(changes)

    follower = Follower(storage)
    descriptor = storage._known.file._descriptor
    storage.close()
    assert numbers(storage) == [1]
    del storage, follower
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
