"""The home keeps the newest reports, and gives only what was written."""

import hashlib
import json
import os
import sys

import pytest

from photofind.app.reports import KEPT, keep_report, kept_reports, read_report, record_of
from photofind.errors import LibraryError
from photofind.paths import Home


def keep(home, page="<p>A report", second=0):
    created = f"2024-01-31T12:00:{second:02d}+00:00"
    record = record_of(page, created, "/labelled", 60, 4, ("mobilenet",), complete=True)
    return keep_report(home, page, {"photos": 60}, record), record


def test_reports_are_listed_the_newest_first_and_read_back(home: Home):
    assert kept_reports(home) == []
    _, old = keep(home, "<p>old", 1)
    file, new = keep(home, "<p>new", 2)
    assert kept_reports(home) == [new, old]
    assert read_report(home, new.id) == b"<p>new"
    assert json.loads((file.parent / "evaluation.json").read_text()) == {"photos": 60}
    if os.name != "nt":
        assert {path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {0o600}


def test_only_the_newest_are_kept(home: Home):
    records = [keep(home, second=second)[1] for second in range(KEPT + 2)]
    assert [one.id for one in kept_reports(home)] == [one.id for one in records[:1:-1]]
    assert len([*home.evaluations.iterdir()]) == KEPT


def test_report_that_was_changed_is_not_given(home: Home):
    file, record = keep(home)
    file.write_text("<script>alert(1)</script>")
    with pytest.raises(LibraryError, match="was changed"):
        read_report(home, record.id)


@pytest.mark.parametrize("name", ["../settings.toml", "", "20240131T120000-0a1b2c3d", ".."])
def test_other_names_are_no_reports(home: Home, name: str):
    keep(home)
    with pytest.raises(LibraryError, match="no such report"):
        read_report(home, name)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_links_are_not_followed(home: Home, tmp_path):
    file, record = keep(home)
    secret = tmp_path / "secret"
    secret.write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(secret)
    with pytest.raises(LibraryError, match="cannot be read"):
        read_report(home, record.id)


def test_damaged_records_are_left_out(home: Home):
    file, _ = keep(home)
    described = json.loads((file.parent / "record.json").read_text())
    assert described["digest"] == hashlib.sha256(b"<p>A report").hexdigest()
    for damaged in ("", "[]", "null", json.dumps({**described, "id": "another"})):
        (file.parent / "record.json").write_text(damaged)
        assert kept_reports(home) == []
