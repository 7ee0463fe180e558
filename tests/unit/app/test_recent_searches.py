"""The last searches: the newest first, each once, and none where the file is not theirs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from photofind.app.recent_searches import FILE, recent_searches, remember_search
from photofind.paths import Home


def test_the_newest_comes_first_and_each_once(home: Home) -> None:
    assert recent_searches(home) == []
    for paths in (["/a.jpg"], ["/b.jpg", "/c.jpg"], ["/a.jpg"], ["/c.jpg", "/b.jpg"]):
        remember_search(home, paths)
    assert recent_searches(home) == [("/c.jpg", "/b.jpg"), ("/a.jpg",)]
    assert (home.root / FILE).stat().st_mode & 0o077 == 0 or os.name == "nt"


def test_ten_are_kept_with_names_of_any_bytes(home: Home) -> None:
    names = [os.fsdecode(b"/\xff\xe9 " + str(number).encode()) for number in range(12)]
    for name in names:
        remember_search(home, [name])
    assert recent_searches(home) == [(name,) for name in reversed(names)][:10]


def test_nothing_is_no_search_and_paths_become_absolute(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    remember_search(home, [])
    remember_search(home, ["photo.jpg"])
    assert recent_searches(home) == [(str(tmp_path / "photo.jpg"),)]


@pytest.mark.parametrize("content", ["", "{", "7", '"text"', "[1]", "null", '{"a": 1}', "[[]]"])
def test_a_file_that_holds_something_else_is_none(home: Home, content: str) -> None:
    home.root.mkdir(parents=True)
    (home.root / FILE).write_text(content)
    assert recent_searches(home) == []
    remember_search(home, ["/a.jpg"])
    assert recent_searches(home)[0] == ("/a.jpg",)
