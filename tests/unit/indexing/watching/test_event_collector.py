from __future__ import annotations

import pytest

from photofind.indexing.excludes import Rules
from photofind.indexing.watching import event_collector as module
from photofind.indexing.watching.event_collector import EventCollector
from photofind.indexing.watching.events import Change, Kind
from photofind.indexing.watching.watched_folder import WatchedFolder


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rings() -> list[None]:
    return []


@pytest.fixture
def events(clock, rings) -> EventCollector:
    return EventCollector(lambda: rings.append(None), clock)


def watched_folder(folder: str = "/p", *rules: str) -> WatchedFolder:
    return WatchedFolder(folder, folder, Rules(rules), ())


P = watched_folder()


def test_what_happened_is_taken_once_and_in_order(events):
    events.complete(P, "/p/a.jpg")
    events.gone(P, "/p/b.jpg")
    assert events.take() == [
        Change(Kind.COMPLETE, "/p/a.jpg"),
        Change(Kind.GONE, "/p/b.jpg"),
    ]
    assert events.take() == []


def test_a_waiting_thread_is_woken_once_until_it_is_taken(events, rings):
    events.changed(P, "/p/a.jpg")
    events.complete(P, "/p/a.jpg")
    events.sidecar_changed(P, "/p/a.xmp")
    assert len(rings) == 1
    events.take()
    events.changed(P, "/p/a.jpg")
    assert len(rings) == 2


def test_it_is_due_shortly_after_the_first_event_however_many_follow(events, clock):
    assert events.due is None
    events.changed(P, "/p/a.jpg")
    clock.now += 0.05
    events.changed(P, "/p/b.jpg")
    assert events.due == pytest.approx(100.1)


def test_half_a_move_waits_for_the_other_half(events, clock):
    events.gone(P, "/p/a.jpg")
    clock.now += 0.09
    events.leaving(1)
    events.gone(P, "/p/b.jpg")
    assert events.due == pytest.approx(100.19)
    events.arrived(1)
    assert events.due == pytest.approx(100.1)


def test_the_last_of_a_path_counts(events):
    events.created(P, "/p/a.jpg")
    events.complete(P, "/p/a.jpg")
    events.gone(P, "/p/b.jpg")
    events.complete(P, "/p/b.jpg")
    events.complete(P, "/p/c.jpg")
    events.gone(P, "/p/c.jpg")
    assert events.take() == [
        Change(Kind.COMPLETE, "/p/a.jpg"),
        Change(Kind.COMPLETE, "/p/b.jpg"),
        Change(Kind.GONE, "/p/c.jpg"),
    ]


def test_new_attributes_do_not_make_a_file_incomplete(events):
    events.complete(P, "/p/a.jpg")
    events.touched(P, "/p/a.jpg")
    events.touched(P, "/p/b.jpg")
    assert events.take() == [
        Change(Kind.COMPLETE, "/p/a.jpg"),
        Change(Kind.COMPLETE, "/p/b.jpg"),
    ]


def test_new_attributes_do_not_make_a_file_complete_that_is_being_written(events):
    events.created(P, "/p/a.jpg")
    events.take()
    events.touched(P, "/p/a.jpg")
    assert events.take() == [Change(Kind.CHANGED, "/p/a.jpg")]
    events.complete(P, "/p/a.jpg")
    events.take()
    events.touched(P, "/p/a.jpg")
    assert events.take() == [Change(Kind.COMPLETE, "/p/a.jpg")]


def test_files_whose_writer_ended_are_forgotten_in_the_end(events, clock):
    events.created(P, "/p/a.jpg")
    events.take()
    clock.now += module.WRITING_SECONDS + 1
    events.tree(P, "/p/x")
    events.take()
    events.touched(P, "/p/a.jpg")
    assert events.take() == [Change(Kind.COMPLETE, "/p/a.jpg")]


def test_a_folder_stands_for_what_is_still_changing_below_it(events):
    events.tree(P, "/p/x/y")
    events.created(P, "/p/x/y/a.jpg")
    events.created(P, "/p/x/z/b.jpg")
    events.created(P, "/p/xylophone.jpg")
    events.complete(P, "/p/x/y/c.jpg")
    events.tree(P, "/p/x")
    assert events.take() == [
        Change(Kind.CHANGED, "/p/xylophone.jpg"),
        Change(Kind.COMPLETE, "/p/x/y/c.jpg"),
        Change(Kind.TREE, "/p/x"),
    ]


def test_folders_come_after_what_went_before_something_else_came_there(events):
    events.tree(P, "/p")
    events.gone(P, "/p/x/a.jpg")
    events.tree(P, "/p/x")
    assert events.take() == [
        Change(Kind.GONE, "/p/x/a.jpg"),
        Change(Kind.TREE, "/p"),
    ]


def test_a_folder_does_not_stand_for_an_added_folder_inside(events):
    inner = watched_folder("/p/in")
    events.tree(P, "/p")
    events.tree(inner, "/p/in")
    events.changed(inner, "/p/in/a.jpg")
    assert events.take() == [Change(Kind.TREE, "/p"), Change(Kind.TREE, "/p/in")]


def test_very_much_becomes_the_folders_as_a_whole(events, monkeypatch):
    monkeypatch.setattr(module, "MANY", 10)
    other = watched_folder("/q")
    events.complete(other, "/q/a.jpg")
    for number in range(10):
        events.complete(P, f"/p/{number}.jpg")
    events.complete(P, "/p/last.jpg")
    changes = events.take()
    assert {change for change in changes if change.kind is Kind.TREE} == {
        Change(Kind.TREE, "/p"),
        Change(Kind.TREE, "/q"),
    }
    assert len(changes) == 3


def test_a_sidecar_stands_for_the_photos_that_it_describes(events, tmp_path):
    for name in ("a.jpg", "A.CR2", "b.jpg", "b.png", "ab.jpg", "c.jpg", "a.txt"):
        (tmp_path / name).touch()
    there = watched_folder(str(tmp_path), "b.png")
    events.sidecar_changed(there, str(tmp_path / "a.xmp"))
    events.sidecar_changed(there, str(tmp_path / "b.XMP"))
    events.sidecar_changed(there, str(tmp_path / "c.jpg.xmp"))
    events.sidecar_changed(there, str(tmp_path / "gone" / "d.xmp"))
    changes = events.take()
    assert {change.kind for change in changes} == {Kind.COMPLETE}
    assert {change.path for change in changes} == {
        str(tmp_path / name) for name in ("a.jpg", "A.CR2", "b.jpg", "c.jpg")
    }


def test_a_sidecar_does_not_make_a_photo_complete_that_is_being_written(events, tmp_path):
    (tmp_path / "a.jpg").touch()
    there = watched_folder(str(tmp_path))
    events.created(there, str(tmp_path / "a.jpg"))
    events.take()
    events.sidecar_changed(there, str(tmp_path / "a.xmp"))
    assert events.take() == [Change(Kind.CHANGED, str(tmp_path / "a.jpg"))]


def test_a_sidecar_does_not_bring_back_a_photo_that_is_gone(events, tmp_path):
    (tmp_path / "a.jpg").touch()
    there = watched_folder(str(tmp_path))
    events.sidecar_changed(there, str(tmp_path / "a.xmp"))
    events.gone(there, str(tmp_path / "a.jpg"))
    assert events.take() == [Change(Kind.GONE, str(tmp_path / "a.jpg"))]
