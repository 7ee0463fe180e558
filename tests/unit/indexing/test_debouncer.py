"""Changes wait for quiet, those that belong together for the same time."""

from __future__ import annotations

import time

import pytest

from photofind.indexing.debouncer import QUIET, Debouncer
from photofind.indexing.watching.watcher import Change, Kind


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_place_is_due_once_it_was_quiet(clock: list[float]) -> None:
    debouncer = Debouncer()
    debouncer.add([Change(Kind.COMPLETE, "/a.jpg")])
    assert debouncer.take() == {}
    assert debouncer.wait() == pytest.approx(QUIET[Kind.COMPLETE])
    clock[0] += QUIET[Kind.COMPLETE] + 0.01
    assert debouncer.wait() == 0
    assert debouncer.take() == {"/a.jpg": Kind.COMPLETE}
    assert debouncer.take() == {}
    assert debouncer.wait() is None


def test_files_that_wait_are_counted(clock: list[float]) -> None:
    debouncer = Debouncer()
    debouncer.add(
        [Change(Kind.COMPLETE, "/a"), Change(Kind.CHANGED, "/b"), Change(Kind.TREE, "/c")]
    )
    debouncer.add([Change(Kind.GONE, "/d")])
    assert debouncer.files == 2
    clock[0] += 60.0
    debouncer.take()
    assert debouncer.files == 0


def test_another_change_begins_the_wait_anew(clock: list[float]) -> None:
    debouncer = Debouncer()
    debouncer.add([Change(Kind.COMPLETE, "/a.jpg")])
    clock[0] += QUIET[Kind.COMPLETE] * 0.9
    debouncer.add([Change(Kind.COMPLETE, "/a.jpg")])
    clock[0] += QUIET[Kind.COMPLETE] * 0.9
    assert debouncer.take() == {}
    clock[0] += QUIET[Kind.COMPLETE] * 0.2
    assert debouncer.take() == {"/a.jpg": Kind.COMPLETE}
    assert len(debouncer) == 0


def test_a_closed_file_need_not_wait_as_long_as_an_open_one(clock: list[float]) -> None:
    debouncer = Debouncer()
    debouncer.add([Change(Kind.CHANGED, "/a.jpg")])
    debouncer.add([Change(Kind.COMPLETE, "/a.jpg")])
    clock[0] += QUIET[Kind.COMPLETE] + 0.01
    assert debouncer.take() == {"/a.jpg": Kind.COMPLETE}


def test_both_ends_of_a_move_are_due_together(clock: list[float]) -> None:
    debouncer = Debouncer()
    debouncer.add([Change(Kind.GONE, "/old.jpg"), Change(Kind.COMPLETE, "/new.jpg")])
    clock[0] += QUIET[Kind.GONE] + 0.01
    assert debouncer.take() == {}
    clock[0] += QUIET[Kind.COMPLETE]
    assert debouncer.take() == {"/old.jpg": Kind.GONE, "/new.jpg": Kind.COMPLETE}


def test_who_adds_can_say_how_long(clock: list[float]) -> None:
    debouncer = Debouncer()
    debouncer.add([Change(Kind.CHANGED, "/a.jpg")], quiet=1.0)
    clock[0] += 1.01
    assert debouncer.take() == {"/a.jpg": Kind.CHANGED}
