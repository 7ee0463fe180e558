"""Which content each row is of, looked up both ways, behaves as two dicts would."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photofind.library.embedded import contents as module
from photofind.library.embedded.contents import RowContents, digest_of

CONTENTS = st.text(st.characters(exclude_characters="\0"), max_size=50)


@given(
    st.lists(st.dictionaries(st.integers(0, 60), CONTENTS, min_size=1), max_size=8),
    st.lists(CONTENTS),
    st.integers(0, 20),
)
def test_lookups_are_those_of_a_dict(batches, others, recent):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_RECENT", recent)
        patch.setattr(module, "_TOLD", recent)
        known, expected = RowContents(), {}
        for batch in batches:
            # A content is in one row at a time, as in a catalog.
            batch = {row: c for row, c in batch.items() if c not in {"", *expected.values()}}
            batch = {row: c for c, row in {c: row for row, c in batch.items()}.items()}
            gone = {row: "" for row in list(expected)[:2] if row not in batch}
            if not batch and not gone:
                continue
            known.put(batch | gone)
            expected = {row: c for row, c in (expected | batch | gone).items() if c}
            rows = {content: row for row, content in expected.items()}
            wanted = [*others, *rows]
            told = np.array([*expected][:5], np.int64)
            assert known.contents(told) == [expected[row] for row in told.tolist()]
            assert known.rows(wanted).tolist() == [rows.get(content, -1) for content in wanted]
            all_rows = np.arange(70)
            assert known.contents(all_rows) == [expected.get(row, "") for row in range(70)]


def test_a_copy_does_not_follow():
    known = RowContents()
    known.put({0: "a", 1: "b"})
    copy = known.copy()
    known.put({0: "", 1: "a", 2: "c"})
    assert copy.contents(np.arange(3)) == ["a", "b", ""]
    assert copy.rows(["a", "b", "c"]).tolist() == [0, 1, -1]
    assert known.rows(["a", "b", "c"]).tolist() == [1, -1, 2]


def test_contents_with_the_same_digest_are_told_apart():
    known = RowContents()
    known.put({0: "plumless", 2: "buckeroo", 3: "other"})
    assert digest_of("plumless") == digest_of("buckeroo")
    wanted = ["buckeroo", "plumless", "other", "none", ""]
    assert known.rows(wanted).tolist() == [2, 0, 3, -1, -1]
    known.put({0: ""})
    assert known.rows(wanted).tolist() == [2, -1, 3, -1, -1]
