"""Documents that stay in their file are as a dict would have them."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from photofind.library.embedded.documents import ChangedDocuments, WrittenDocuments
from photofind.library.embedded.stable_file import open_stable

# Ids of all kinds; those that TinyDB gives grow.
IDS = st.one_of(st.integers(1, 8), st.integers(-3, 100), st.just(2**62))
RAW = st.binary(min_size=1, max_size=12)


def written(path, documents, gaps=None):
    """Write documents, with so much between them, and return them as they stand there."""
    found = []
    with path.open("wb") as file:
        for key, raw in documents.items():
            file.write(b"\0" * (gaps or {}).get(key, 1))
            found.append((key, file.tell(), len(raw)))
            file.write(raw)
    return WrittenDocuments(open_stable(path)), found


class LikeADict(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name, "file")
        self.file = path.open("wb", buffering=0)
        self.documents = WrittenDocuments(open_stable(path))
        self.expected = {}

    def teardown(self):
        if hasattr(self, "folder"):
            self.file.close()
            del self.documents
            self.folder.cleanup()

    @rule(key=IDS, raw=RAW, gap=st.sampled_from([0, 1, 5000]))
    def put(self, key, raw, gap):
        self.file.write(bytes(gap))
        self.documents.put(key, self.file.tell(), len(raw))
        self.file.write(raw)
        self.expected[key] = raw

    @rule(key=IDS)
    def remove(self, key):
        self.documents.remove(key)
        self.expected.pop(key, None)

    @rule(data=st.data())
    def remove_one_that_is_there(self, data):
        if self.expected:
            self.remove(data.draw(st.sampled_from(sorted(self.expected))))

    @rule(key=IDS, part=st.binary(max_size=2))
    def ask(self, key, part):
        assert self.documents.get(key) == self.expected.get(key)
        assert (key in self.documents) == (key in self.expected)
        assert list(self.documents.holding(part)) == [
            (key, raw) for key, raw in self.expected.items() if part in raw
        ]

    @rule(changes=st.dictionaries(IDS, st.none() | RAW, max_size=6), part=st.binary(max_size=1))
    def ask_within_a_transaction(self, changes, part):
        changed = ChangedDocuments(self.documents, changes)
        expected = {**self.expected, **changes}
        expected = {key: raw for key, raw in expected.items() if raw is not None}
        self.same(changed, expected)
        for key in {*changes, *self.expected}:
            assert changed.get(key) == expected.get(key)
            assert (key in changed) == (key in expected)
        assert list(changed.holding(part)) == [
            (key, raw) for key, raw in expected.items() if part in raw
        ]

    @invariant()
    def same_documents(self):
        if hasattr(self, "folder"):
            self.same(self.documents, self.expected)
            assert self.documents.size == sum(map(len, self.expected.values()))

    def same(self, documents, expected):
        assert list(documents.items()) == list(expected.items())
        assert list(documents) == list(expected)
        assert list(documents.values()) == list(expected.values())
        assert len(documents) == len(expected)
        assert documents.some([*expected, *range(-3, 9), 2**70]) == expected


TestLikeADict = LikeADict.TestCase
TestLikeADict.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_many_documents_in_any_place_are_read_in_their_order(tmp_path):
    raws = {key: b"%d:" % key + bytes(key % 700) for key in range(2000)}
    _, places = written(tmp_path / "file", raws, gaps={key: key % 97 * 100 for key in raws})
    file = open_stable(tmp_path / "file")
    for order in (places, places[::-1], places[::2] + places[1::2]):
        documents = WrittenDocuments(file)
        for place in order:
            documents.put(*place)
        assert list(documents.items()) == [(key, raws[key]) for key, _, _ in order]
        assert [key for key, _ in documents.holding(b"199")] == [
            key for key, _, _ in order if b"199" in raws[key]
        ]


def test_who_goes_through_them_sees_what_was_there(tmp_path):
    documents, places = written(tmp_path / "file", {key: b"%d" % key for key in range(2000)})
    for place in places[:-1]:
        documents.put(*place)
    items = iter(documents.items())
    assert next(items) == (0, b"0")
    for key in range(1, 1999):
        documents.remove(key)
    documents.put(0, *places[5][1:])
    documents.put(*places[-1])
    assert list(items) == [(key, b"%d" % key) for key in range(1, 1999)]
    assert list(documents.items()) == [(0, b"5"), (1999, b"1999")]


def test_documents_take_little_memory():
    documents = WrittenDocuments()
    for key in range(10_000):
        documents.put(key, key, 1)
    arrays = (documents._ids, documents._starts, documents._sizes, documents._unordered)
    assert sum(map(sys.getsizeof, arrays)) < 24 * 10_000


def test_an_empty_table_has_no_documents():
    documents = WrittenDocuments()
    assert (len(documents), list(documents), list(documents.items())) == (0, [], [])
    with pytest.raises(KeyError):
        documents[1]


def test_several_documents_are_read_in_one_go(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"one,two,three" + bytes(9000) + b"four")
    documents = WrittenDocuments(open_stable(path))
    for key, start, size in ((5, 0, 3), (2, 4, 3), (9, 8, 5), (11, 9013, 4)):
        documents.put(key, start, size)
    documents.remove(9)
    expected = {11: b"four", 2: b"two", 5: b"one"}
    assert documents.some([11, 2, 9, 5, 77]) == expected
    assert list(documents.some([11, 2, 9, 5, 77])) == [11, 2, 5]
    assert documents.some([]) == {}
    changed = ChangedDocuments(documents, {2: None, 5: b"1", 9: b"3"})
    assert changed.some([11, 2, 9, 5, 77]) == {9: b"3", 5: b"1", 11: b"four"}
