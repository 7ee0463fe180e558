"""JournalTable does what TinyDB's own table does, told by random programs."""

from __future__ import annotations

import tempfile
from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tinydb import TinyDB, where
from tinydb.storages import MemoryStorage
from tinydb.table import Document

from photofind.library.embedded.journal import JournalStorage
from photofind.library.embedded.table import JournalTable

DOCUMENTS = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.one_of(st.integers(-2, 2), st.text(max_size=3), st.lists(st.integers(), max_size=2)),
)
IDS = st.integers(1, 6)
CONDITIONS = st.sampled_from(
    [
        where("a").exists(),
        where("a") == 1,
        (where("a") == 0) | ~(where("b").exists()),
        where("c") == "",
        where("b").test(lambda value: isinstance(value, str)),
    ]
)
FIELDS = st.one_of(DOCUMENTS, st.just(lambda document: document.pop("a", None)))


class Database(TinyDB):
    table_class = JournalTable


class BothTables(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.open()
        self.plain = TinyDB(storage=MemoryStorage).table("t")

    def open(self):
        self.database = Database(self.folder.name + "/catalog", storage=JournalStorage)
        self.ours = self.database.table("t")

    def teardown(self):
        if hasattr(self, "folder"):
            self.database.close()
            self.folder.cleanup()

    def both(self, operation):
        results = []
        for table in (self.plain, self.ours):
            try:
                results.append(operation(table))
            except (ValueError, RuntimeError) as error:
                results.append((type(error), str(error)))
        assert results[0] == results[1]

    @rule(document=DOCUMENTS)
    def insert(self, document):
        self.both(lambda table: table.insert(document))

    @rule(identifier=IDS, document=DOCUMENTS)
    def insert_with_id(self, identifier, document):
        self.both(lambda table: table.insert(Document(document, identifier)))

    @rule(documents=st.lists(DOCUMENTS, max_size=4))
    def insert_multiple(self, documents):
        self.both(lambda table: table.insert_multiple(documents))

    @rule(documents=st.lists(st.tuples(IDS, DOCUMENTS), max_size=3, unique_by=lambda d: d[0]))
    def insert_multiple_with_ids(self, documents):
        self.both(lambda t: t.insert_multiple([Document(d, i) for i, d in documents]))

    @rule(fields=FIELDS, condition=CONDITIONS)
    def update(self, fields, condition):
        self.both(lambda table: table.update(fields, condition))

    @rule(fields=FIELDS, ids=st.lists(IDS, max_size=3, unique=True))
    def update_by_id(self, fields, ids):
        self.both(lambda table: table.update(fields, doc_ids=ids))

    @rule(fields=FIELDS)
    def update_all(self, fields):
        self.both(lambda table: table.update(fields))

    @rule(updates=st.lists(st.tuples(FIELDS, CONDITIONS), max_size=2))
    def update_multiple(self, updates):
        self.both(lambda table: table.update_multiple(updates))

    @rule(document=DOCUMENTS, condition=CONDITIONS)
    def upsert(self, document, condition):
        self.both(lambda table: table.upsert(document, condition))

    @rule(document=DOCUMENTS, identifier=IDS)
    def upsert_by_id(self, document, identifier):
        self.both(lambda table: table.upsert(Document(document, identifier)))

    @rule(condition=CONDITIONS)
    def remove(self, condition):
        self.both(lambda table: table.remove(condition))

    @rule(ids=st.lists(IDS, max_size=3, unique=True))
    def remove_by_id(self, ids):
        self.both(lambda table: table.remove(doc_ids=ids))

    @rule()
    def truncate(self):
        self.both(lambda table: table.truncate())

    @rule(condition=CONDITIONS, ids=st.lists(IDS, max_size=3))
    def ask(self, condition, ids):
        self.both(lambda table: table.search(condition))
        self.both(lambda table: table.count(condition))
        self.both(lambda table: table.get(condition))
        self.both(lambda table: table.contains(condition))
        self.both(lambda table: table.get(doc_ids=ids))
        self.both(lambda table: [table.get(doc_id=one) for one in ids])
        self.both(lambda table: [table.contains(doc_id=one) for one in ids])
        self.both(lambda table: table.get(doc_id="no id"))
        self.both(lambda table: table.remove())

    @rule()
    def compact(self):
        self.database.storage.compact()

    @rule()
    def open_again(self):
        next_id = self.ours._next_id
        self.database.close()
        self.open()
        self.ours._next_id = next_id  # TinyDB keeps it no longer than its table object.

    @rule(documents=st.lists(DOCUMENTS, min_size=1, max_size=3))
    def roll_back(self, documents):
        next_id = self.ours._next_id
        with suppress(KeyError), self.database.storage.transaction():
            self.ours.upsert(Document(documents[0], 1))
            self.ours.remove(doc_ids=[2])
            self.ours.update({"a": 1}, where("b").exists())
            raise KeyError
        self.ours._next_id = next_id  # The plain table did not see the upsert, which resets it.

    @invariant()
    def same_documents(self):
        if hasattr(self, "plain"):
            self.both(lambda table: [(document.doc_id, document) for document in table])
            self.both(len)
            self.both(lambda table: bool(table.all()))


TestBothTables = BothTables.TestCase
TestBothTables.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_database_drops_tables(tmp_path):
    database = Database(tmp_path / "catalog", storage=JournalStorage)
    database.table("a").insert({"n": 1})
    database.table("b").insert({"n": 2})
    database.insert({"n": 3})
    assert database.tables() == {"a", "b", "_default"}
    database.drop_table("a")
    assert database.tables() == {"b", "_default"}
    database.close()
    database = Database(tmp_path / "catalog", storage=JournalStorage)
    assert database.tables() == {"b", "_default"}
    assert database.storage.read() == {"b": {"1": {"n": 2}}, "_default": {"1": {"n": 3}}}
    database.drop_tables()
    assert database.tables() == set()


def test_iterating_while_changing_sees_what_was_there(tmp_path):
    table = JournalTable(JournalStorage(tmp_path / "catalog"), "t")
    table.insert_multiple([{"n": n} for n in range(5)])
    for document in table:
        table.remove(doc_ids=[document.doc_id])
        table.insert({"n": -1})
    assert [document["n"] for document in table] == [-1] * 5


def test_a_change_decodes_nothing_else(tmp_path, monkeypatch):
    from photofind.library.embedded import table as module

    table = JournalTable(JournalStorage(tmp_path / "catalog"), "t")
    table.insert_multiple([{"n": n} for n in range(100)])
    decoded = []
    decode = module.decode
    monkeypatch.setattr(module, "decode", lambda raw: decoded.append(raw) or decode(raw))
    table.insert({"n": 100})
    assert table.get(doc_id=7) == {"n": 6}
    table.update({"n": 0}, doc_ids=[9])
    table.remove(doc_ids=[3])
    assert len(table) == 100
    assert decoded == [b'{"n":6}', b'{"n":8}']
