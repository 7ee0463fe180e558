from __future__ import annotations

import pytest

from photofind.indexing.excludes import Rules
from photofind.indexing.watching import pending as module
from photofind.indexing.watching.pending import Change, Kind, Pending
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
def pending(clock, rings) -> Pending:
    return Pending(lambda: rings.append(None), clock)


def watched_folder(folder: str = "/p", *rules: str) -> WatchedFolder:
    return WatchedFolder(folder, folder, Rules(rules), ())


P = watched_folder()


def test_what_happened_is_taken_once_and_in_order(pending):
    pending.complete(P, "/p/a.jpg")
    pending.gone(P, "/p/b.jpg")
    assert pending.take() == [
        Change(Kind.COMPLETE, "/p/a.jpg"),
        Change(Kind.GONE, "/p/b.jpg"),
    ]
    assert pending.take() == []


def test_whoever_waits_is_rung_once_until_it_is_taken(pending, rings):
    pending.changed(P, "/p/a.jpg")
    pending.complete(P, "/p/a.jpg")
    pending.described(P, "/p/a.xmp")
    assert len(rings) == 1
    pending.take()
    pending.changed(P, "/p/a.jpg")
    assert len(rings) == 2


def test_it_is_due_shortly_after_the_first_event_however_many_follow(pending, clock):
    assert pending.due is None
    pending.changed(P, "/p/a.jpg")
    clock.now += 0.05
    pending.changed(P, "/p/b.jpg")
    assert pending.due == pytest.approx(100.1)


def test_half_a_move_waits_for_the_other_half(pending, clock):
    pending.gone(P, "/p/a.jpg")
    clock.now += 0.09
    pending.leaving(1)
    pending.gone(P, "/p/b.jpg")
    assert pending.due == pytest.approx(100.19)
    pending.arrived(1)
    assert pending.due == pytest.approx(100.1)


def test_the_last_of_a_path_counts(pending):
    pending.created(P, "/p/a.jpg")
    pending.complete(P, "/p/a.jpg")
    pending.gone(P, "/p/b.jpg")
    pending.complete(P, "/p/b.jpg")
    pending.complete(P, "/p/c.jpg")
    pending.gone(P, "/p/c.jpg")
    assert pending.take() == [
        Change(Kind.COMPLETE, "/p/a.jpg"),
        Change(Kind.COMPLETE, "/p/b.jpg"),
        Change(Kind.GONE, "/p/c.jpg"),
    ]


def test_new_attributes_do_not_make_a_file_incomplete(pending):
    pending.complete(P, "/p/a.jpg")
    pending.touched(P, "/p/a.jpg")
    pending.touched(P, "/p/b.jpg")
    assert pending.take() == [
        Change(Kind.COMPLETE, "/p/a.jpg"),
        Change(Kind.COMPLETE, "/p/b.jpg"),
    ]


def test_new_attributes_do_not_make_a_file_complete_that_is_being_written(pending):
    pending.created(P, "/p/a.jpg")
    pending.take()
    pending.touched(P, "/p/a.jpg")
    assert pending.take() == [Change(Kind.CHANGED, "/p/a.jpg")]
    pending.complete(P, "/p/a.jpg")
    pending.take()
    pending.touched(P, "/p/a.jpg")
    assert pending.take() == [Change(Kind.COMPLETE, "/p/a.jpg")]


def test_files_whose_writer_vanished_are_not_remembered_for_ever(pending, clock):
    pending.created(P, "/p/a.jpg")
    pending.take()
    clock.now += module.WRITING_SECONDS + 1
    pending.tree(P, "/p/x")
    pending.take()
    pending.touched(P, "/p/a.jpg")
    assert pending.take() == [Change(Kind.COMPLETE, "/p/a.jpg")]


def test_a_folder_stands_for_what_is_still_changing_below_it(pending):
    pending.tree(P, "/p/x/y")
    pending.created(P, "/p/x/y/a.jpg")
    pending.created(P, "/p/x/z/b.jpg")
    pending.created(P, "/p/xylophone.jpg")
    pending.complete(P, "/p/x/y/c.jpg")
    pending.tree(P, "/p/x")
    assert pending.take() == [
        Change(Kind.CHANGED, "/p/xylophone.jpg"),
        Change(Kind.COMPLETE, "/p/x/y/c.jpg"),
        Change(Kind.TREE, "/p/x"),
    ]


def test_folders_come_after_what_went_before_something_else_came_there(pending):
    pending.tree(P, "/p")
    pending.gone(P, "/p/x/a.jpg")
    pending.tree(P, "/p/x")
    assert pending.take() == [
        Change(Kind.GONE, "/p/x/a.jpg"),
        Change(Kind.TREE, "/p"),
    ]


def test_a_folder_does_not_stand_for_an_added_folder_inside(pending):
    inner = watched_folder("/p/in")
    pending.tree(P, "/p")
    pending.tree(inner, "/p/in")
    pending.changed(inner, "/p/in/a.jpg")
    assert pending.take() == [Change(Kind.TREE, "/p"), Change(Kind.TREE, "/p/in")]


def test_very_much_becomes_the_folders_as_a_whole(pending, monkeypatch):
    monkeypatch.setattr(module, "MANY", 10)
    other = watched_folder("/q")
    pending.complete(other, "/q/a.jpg")
    for number in range(10):
        pending.complete(P, f"/p/{number}.jpg")
    pending.complete(P, "/p/last.jpg")
    changes = pending.take()
    assert {change for change in changes if change.kind is Kind.TREE} == {
        Change(Kind.TREE, "/p"),
        Change(Kind.TREE, "/q"),
    }
    assert len(changes) == 3


def test_a_sidecar_stands_for_the_photos_that_it_describes(pending, tmp_path):
    for name in ("a.jpg", "A.CR2", "b.jpg", "b.png", "ab.jpg", "c.jpg", "a.txt"):
        (tmp_path / name).touch()
    there = watched_folder(str(tmp_path), "b.png")
    pending.described(there, str(tmp_path / "a.xmp"))
    pending.described(there, str(tmp_path / "b.XMP"))
    pending.described(there, str(tmp_path / "c.jpg.xmp"))
    pending.described(there, str(tmp_path / "gone" / "d.xmp"))
    changes = pending.take()
    assert {change.kind for change in changes} == {Kind.COMPLETE}
    assert {change.path for change in changes} == {
        str(tmp_path / name) for name in ("a.jpg", "A.CR2", "b.jpg", "c.jpg")
    }


def test_a_sidecar_does_not_make_a_photo_complete_that_is_being_written(pending, tmp_path):
    (tmp_path / "a.jpg").touch()
    there = watched_folder(str(tmp_path))
    pending.created(there, str(tmp_path / "a.jpg"))
    pending.take()
    pending.described(there, str(tmp_path / "a.xmp"))
    assert pending.take() == [Change(Kind.CHANGED, str(tmp_path / "a.jpg"))]


def test_a_sidecar_does_not_bring_back_a_photo_that_is_gone(pending, tmp_path):
    (tmp_path / "a.jpg").touch()
    there = watched_folder(str(tmp_path))
    pending.described(there, str(tmp_path / "a.xmp"))
    pending.gone(there, str(tmp_path / "a.jpg"))
    assert pending.take() == [Change(Kind.GONE, str(tmp_path / "a.jpg"))]
