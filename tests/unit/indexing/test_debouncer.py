"""Changes wait until their places are quiet, those that belong together for the same time."""

from __future__ import annotations

import time

import pytest

from photofind.indexing.debouncer import LONGEST, QUIET, Debouncer
from photofind.indexing.scan import Found
from photofind.indexing.watching.events import Change, Kind


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "time", lambda: now[0] + 900.0)
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


def test_a_file_that_a_scan_found_is_settled_once_it_has_not_changed_for_a_while(
    clock: list[float],
) -> None:
    debouncer = Debouncer(settle=1.0)
    old, fresh = found("/old.jpg", changed=900.0), found("/new.jpg", changed=999.5)
    assert debouncer.settled([old, fresh]) == [old]
    clock[0] += 1.01
    assert debouncer.take() == {"/new.jpg": Kind.CHANGED}
    assert debouncer.settled([fresh]) == [fresh]


def test_a_time_in_the_future_does_not_keep_a_file_waiting(clock: list[float]) -> None:
    ahead = found("/a.jpg", changed=2000.0)
    assert Debouncer().settled([ahead]) == [ahead]


def test_a_file_that_is_written_without_a_pause_is_read_after_a_while(clock: list[float]) -> None:
    debouncer = Debouncer(settle=1.0)
    first, waits = clock[0], 0
    while not debouncer.settled([found("/a.jpg", changed=clock[0] + 900.0)]):
        waits += 1
        wait = debouncer.wait()
        assert wait is not None
        clock[0] += wait
        assert debouncer.take() == {"/a.jpg": Kind.CHANGED}
    assert clock[0] - first == pytest.approx(LONGEST, abs=1.0)
    assert waits > 50
    assert debouncer.settled([found("/a.jpg", changed=clock[0] + 900.0)]) == []


def test_a_place_that_changes_without_a_pause_is_looked_at_after_a_while(
    clock: list[float],
) -> None:
    debouncer = Debouncer()
    first = clock[0]
    while not debouncer.take():
        debouncer.add([Change(Kind.GONE, "/old.jpg"), Change(Kind.COMPLETE, "/new.jpg")])
        clock[0] += 0.1
    assert clock[0] - first == pytest.approx(LONGEST, abs=0.2)


def found(path: str, changed: float) -> Found:
    return Found(path, 1, 1, 1, changed=round(changed * 1e9))
