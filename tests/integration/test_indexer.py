"""The library follows its folders while files come, change, move and go; nothing is decoded."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from indexed_folder import SPACE, Extraction, IndexedFolder, until
from waiting import patience

from photofind.errors import PhotofindError
from photofind.indexing import indexer as indexing
from photofind.indexing import pausing, retries
from photofind.paths import Home
from photofind.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.fixture
def make(home: Home, folder: Path) -> Iterator[Callable[..., IndexedFolder]]:
    made: list[IndexedFolder] = []

    def make(**settings: Any) -> IndexedFolder:
        watched = IndexedFolder(home, folder, Settings(**settings))
        made.append(watched)
        return watched

    yield make
    for watched in made:
        watched.extraction.close()
        watched.indexer.stop()
        watched.library.close()


@pytest.fixture
def watched(make: Callable[..., IndexedFolder]) -> IndexedFolder:
    """A library of one empty folder, which is watched."""
    watched = make()
    watched.indexer.start()
    until(lambda: watched.indexer.watched(str(watched.folder)) == "events")
    until(lambda: watched.library.folders()[0].scanned)
    return watched


# One file.


def test_a_new_photo_is_there_within_seconds_of_being_complete(watched: IndexedFolder) -> None:
    path = watched.put("a.jpg", "a")
    began = time.monotonic()
    until(lambda: watched.has(path, b"a"))
    assert time.monotonic() - began < patience(30)


def test_a_renamed_photo_keeps_its_embedding_and_is_not_read(watched: IndexedFolder) -> None:
    path = watched.put("a.jpg", "a")
    until(lambda: watched.has(path, b"a"))
    before = watched.photo(path)
    renamed = path.rename(watched.folder / "b.jpg")
    until(lambda: watched.has(renamed, b"a") and not watched.photo(path))
    assert watched.extraction.read == [str(path)]
    after = watched.photo(renamed)
    assert before
    assert after
    assert (after.id, after.spaces) == (before.id, before.spaces)
    assert after.tags == before.tags == {"simulated@1": {"simulated": 0.5}}


def test_a_photo_that_moves_to_another_place_by_copying_is_not_decoded_again(
    watched: IndexedFolder,
) -> None:
    path = watched.put("a.jpg", "a")
    until(lambda: watched.has(path, b"a"))
    data = path.read_bytes()
    path.unlink()
    until(lambda: not watched.photo(path))
    copy = watched.put("elsewhere/b.jpg", data)
    until(lambda: watched.has(copy, b"a"))
    assert watched.extraction.decoded == [str(path)]
    moved = watched.photo(copy)
    assert moved
    assert moved.tags == {"simulated@1": {"simulated": 0.5}}


def test_a_renamed_folder_keeps_its_embeddings(watched: IndexedFolder) -> None:
    paths = [watched.put(f"old/sub/{n}.jpg", str(n)) for n in range(10)]
    until(lambda: all(watched.embedding(path) is not None for path in paths))
    (watched.folder / "old").rename(watched.folder / "new")
    names = sorted(f"new/sub/{n}.jpg" for n in range(10))
    until(lambda: watched.names() == names)
    until(
        lambda: all(watched.has(watched.folder / f"new/sub/{n}.jpg", b"%d" % n) for n in range(10))
    )
    assert len(watched.extraction.decoded) == 10


def test_a_deleted_photo_is_gone_at_once(watched: IndexedFolder) -> None:
    path = watched.put("a.jpg", "a")
    until(lambda: watched.photo(path))
    path.unlink()
    until(lambda: not watched.photo(path))


def test_a_deleted_folder_takes_its_photos_along(watched: IndexedFolder) -> None:
    for n in range(30):
        watched.put(f"sub/{n}.jpg", str(n))
    rest = watched.put("rest.jpg", "rest")
    until(lambda: watched.library.count() == 31)
    shutil.rmtree(watched.folder / "sub")
    until(lambda: watched.names() == ["rest.jpg"])
    assert watched.photo(rest)


def test_a_half_written_photo_waits_until_its_writer_closes_it(watched: IndexedFolder) -> None:
    path = watched.folder / "slow.jpg"
    with path.open("wb", buffering=0) as file:
        for part in (b"one ", b"two ", b"three "):
            file.write(part)
            time.sleep(0.7)
        assert watched.extraction.read == []
        file.write(b"four")
    until(lambda: watched.has(path, b"one two three four"))
    assert watched.extraction.read == [str(path)]


def test_saving_by_replacing_is_one_change(watched: IndexedFolder) -> None:
    path = watched.put("a.jpg", "before")
    until(lambda: watched.has(path, b"before"))
    new = watched.put(".a.jpg.tmp", "after")
    new.replace(path)
    until(lambda: watched.has(path, b"after"))
    assert watched.extraction.read == [str(path)] * 2
    assert watched.names() == ["a.jpg"]


def test_a_changed_photo_is_embedded_again(watched: IndexedFolder) -> None:
    path = watched.put("a.jpg", "before")
    until(lambda: watched.has(path, b"before"))
    watched.put("a.jpg", "after it")
    until(lambda: watched.has(path, b"after it"))


def test_a_sidecar_is_read_without_decoding(watched: IndexedFolder) -> None:
    path = watched.put("a.jpg", "a")
    until(lambda: watched.has(path, b"a"))
    watched.put("a.xmp", "<xmp/>")
    until(lambda: (photo := watched.photo(path)) and photo.sidecar)
    assert watched.extraction.read == [str(path)] * 2
    until(lambda: watched.has(path, b"a"))


def test_a_photo_that_could_not_be_read_is_tried_again_once_it_changes(
    watched: IndexedFolder,
) -> None:
    path = watched.put("a.jpg", "broken")
    until(lambda: (photo := watched.photo(path)) and photo.failure == "no picture")
    watched.put("a.jpg", "mended")
    until(lambda: watched.has(path, b"mended"))


def test_a_photo_is_tried_again_when_its_attributes_change(watched: IndexedFolder) -> None:
    path = watched.folder / "a.jpg"
    watched.extraction.unreadable.add(str(path))
    watched.put("a.jpg", "a")
    until(lambda: (photo := watched.photo(path)) and photo.failure == "Input/output error")
    watched.extraction.unreadable.clear()
    path.chmod(0o640)
    until(lambda: watched.has(path, b"a"))
    photo = watched.photo(path)
    assert photo is not None
    assert (photo.failure, photo.retry) == (None, None)


def test_a_photo_is_tried_again_by_itself(
    watched: IndexedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "PAUSES", (1, 2))
    path = watched.folder / "a.jpg"
    watched.extraction.unreadable.add(str(path))
    watched.put("a.jpg", "a")
    until(lambda: (photo := watched.photo(path)) and photo.retry and photo.retry.times >= 2)
    watched.extraction.unreadable.clear()
    until(lambda: watched.has(path, b"a"))


def test_a_link_to_a_photo_elsewhere_is_found(watched: IndexedFolder, tmp_path: Path) -> None:
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(b"outside")
    watched.put("other.jpg", "other")  # A folder that turns up empty is taken for one that is away.
    link = watched.folder / "link.jpg"
    link.symlink_to(outside)
    until(lambda: watched.has(link, b"outside"))
    link.unlink()
    until(lambda: not watched.photo(link))


# Many files.


def test_a_backlog_is_searchable_by_thumbnails_first_and_then_refined(make: Any) -> None:
    watched = make()
    for n in range(200):
        path = watched.put(f"{n:03}.jpg", f"thumb {n:03} and the rest")
        os.utime(path, (n + 1, n + 1))
    watched.put("none.jpg", "no such thing inside")
    os.utime(watched.folder / "none.jpg", (500, 500))
    watched.start_on_old_files()
    until(lambda: watched.library.counts().preliminary or watched.extraction.read)
    until(lambda: watched.library.count() == 201 and not watched.library.counts().preliminary)
    previewed = [Path(path).name for path in watched.extraction.previewed]
    assert previewed == ["none.jpg", *(f"{n:03}.jpg" for n in reversed(range(200)))]
    read = [Path(path).name for path in watched.extraction.read]
    # What has no thumbnail is read first; the rest is refined, the newest first.
    assert read == previewed
    assert all(
        watched.has(watched.folder / f"{n:03}.jpg", f"thumb {n:03} and the rest".encode())
        for n in range(200)
    )


def test_preliminary_photos_are_refined_after_a_restart(make: Any) -> None:
    watched = make()
    for n in range(100):
        os.utime(watched.put(f"{n}.jpg", f"thumb {n}"), (9, 9))
    watched.extraction.delay = 0.5
    watched.start_on_old_files()
    until(lambda: watched.library.counts().preliminary == 100)
    watched.indexer.stop()
    assert watched.library.counts().preliminary > 0
    watched.library.close()
    again = IndexedFolder(watched.home, watched.folder, Settings())
    try:
        again.indexer.start()
        until(lambda: again.library.count() == 100 and not again.library.counts().preliminary)
        assert again.extraction.previewed == []
    finally:
        again.indexer.stop()
        again.library.close()


def test_a_moved_photo_stays_preliminary_and_is_refined(make: Any) -> None:
    watched = make()
    for n in range(100):
        os.utime(watched.put(f"{n}.jpg", f"thumb {n} rest"), (9, 9))
    watched.extraction.delay = 0.5
    watched.start_on_old_files()
    until(lambda: watched.library.counts().preliminary > 50)
    watched.extraction.delay = 0.0
    (watched.folder / "0.jpg").rename(watched.folder / "moved.jpg")
    until(lambda: watched.library.count() == 100 and not watched.library.counts().preliminary)
    until(lambda: watched.has(watched.folder / "moved.jpg", b"thumb 0 rest"))


def test_a_new_photo_does_not_wait_for_a_backlog(make: Any) -> None:
    watched = make(previews=False)
    for n in range(600):
        os.utime(watched.put(f"{n}.jpg", str(n)), (9, 9))
    watched.extraction.delay = 0.1
    watched.start_on_old_files()
    until(lambda: watched.library.count() > 16)
    urgent = watched.put("urgent.jpg", "urgent")
    until(lambda: watched.photo(urgent))
    assert watched.library.count() < 500
    assert watched.indexer.pending > 50
    watched.extraction.delay = 0.0
    until(lambda: watched.library.count() == 601)


def test_what_is_committed_is_pending_no_longer(make: Any) -> None:
    """Also while the rest is still being read."""
    watched = make(previews=False)
    for n in range(200):
        os.utime(watched.put(f"{n}.jpg", str(n)), (9, 9))
    watched.extraction.delay = 0.1
    watched.start_on_old_files()
    until(lambda: 16 <= watched.library.count() == 200 - watched.indexer.pending < 150)
    watched.extraction.delay = 0.0
    until(lambda: watched.library.count() == 200)
    until(lambda: watched.indexer.pending == 0)


def test_a_burst_is_found_whole(watched: IndexedFolder) -> None:
    for n in range(3000):
        watched.put(f"{n % 50}/{n}.jpg", str(n))
    until(lambda: watched.library.count() == 3000)
    until(lambda: watched.indexer.idle)
    assert sum(photo.failure is not None for photo in watched.library.select()) == 0


# Asking, pausing, trouble.


def test_an_indexing_reports_what_it_did(watched: IndexedFolder) -> None:
    watched.indexer.pause(float("inf"))
    for n in range(100):
        watched.put(f"{n}.jpg", f"thumb {n}")
    watched.put("bad.jpg", "broken")
    reports: list[Any] = []
    asking = threading.Thread(target=lambda: reports.append(watched.index()))
    asking.start()
    until(lambda: watched.indexer._agenda._requests)  # Before anything is read.
    watched.indexer.resume()
    asking.join()
    (report,) = reports
    assert (report.found, report.new, report.failed) == (101, 101, 1)
    assert not watched.library.counts().preliminary
    again = watched.index()
    assert (again.found, again.unchanged, again.new) == (101, 101, 0)


def test_a_pause_is_at_once_and_ends_by_itself(make: Any) -> None:
    watched = make(previews=False)
    for n in range(600):
        os.utime(watched.put(f"{n}.jpg", str(n)), (9, 9))
    watched.extraction.delay = 0.05
    watched.start_on_old_files()
    until(lambda: watched.library.count() > 16)
    watched.indexer.pause(float("inf"))
    until(lambda: watched.indexer.activity is None)
    count = len(watched.extraction.read)
    assert count < 600
    gone = watched.folder / Path(watched.extraction.read[0]).name
    gone.unlink()
    until(lambda: not watched.photo(gone))  # What costs nothing goes on.
    assert len(watched.extraction.read) == count
    assert watched.indexer.waiting == "paused"
    watched.indexer.pause(time.time() + 0.5)
    watched.extraction.delay = 0.0
    until(lambda: watched.library.count() == 599)
    assert watched.indexer.waiting is None


def test_on_battery_a_backlog_waits_and_new_photos_do_not(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    battery = [True]
    monkeypatch.setattr(pausing, "on_battery", lambda: battery[0])
    monkeypatch.setattr(pausing, "POWER_SECONDS", 0.1)
    watched = make()
    for n in range(100):
        os.utime(watched.put(f"{n}.jpg", str(n)), (9, 9))
    watched.start_on_old_files()
    until(lambda: watched.indexer.waiting == "on battery")
    new = watched.put("new.jpg", "new")
    until(lambda: watched.photo(new))
    assert watched.names() == ["new.jpg"]
    battery[0] = False
    until(lambda: watched.library.count() == 101)
    assert watched.indexer.waiting is None


def test_a_folder_that_is_removed_while_it_is_read_leaves_nothing(make: Any) -> None:
    watched = make(previews=False)
    for n in range(300):
        os.utime(watched.put(f"{n}.jpg", str(n)), (9, 9))
    watched.extraction.delay = 0.01
    watched.start_on_old_files()
    until(lambda: watched.library.count() > 0)
    with watched.indexer.between_steps():
        watched.library.remove(list(watched.library.select()))
        watched.library.remove_folder(str(watched.folder))
    watched.indexer.folders_changed()
    watched.extraction.delay = 0.0
    until(lambda: watched.indexer.idle)
    assert watched.library.count() == 0


def test_a_broken_extractor_is_told_and_tried_again(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "LONGEST_WAIT", 0.2)
    watched = make()
    path = watched.put("a.jpg", "a")
    watched.extraction.broken = "it does not work"
    watched.indexer.start()
    until(lambda: "it does not work" in watched.indexer.problems)
    with pytest.raises(PhotofindError, match="it does not work"):
        watched.index()
    watched.extraction.broken = ""
    until(lambda: watched.photo(path))
    until(lambda: not watched.indexer.problems)


def test_one_of_two_copies_that_comes_back_is_embedded_by_another_extractor_too(
    make: Any,
) -> None:
    watched = make(also=("other",))
    other = watched.others["other"] = Extraction("other")
    other.broken = "it is not ready"
    copies = [watched.put("a.jpg", "same"), watched.put("b.jpg", "same")]
    watched.indexer.start()
    until(lambda: all(watched.photo(path) and watched.photo(path).spaces for path in copies))
    until(lambda: watched.indexer.problems == ["it is not ready"])
    for path in copies:
        path.unlink()
    until(lambda: watched.names() == [])
    watched.put("a.jpg", "same")
    until(lambda: watched.names() == ["a.jpg"])
    assert len(watched.extraction.decoded) <= 2
    other.broken = ""
    watched.index()
    until(lambda: set(watched.photo(copies[0]).spaces) == {SPACE, "other@1"})
    until(lambda: watched.indexer.idle)
    assert (other.decoded, watched.indexer.problems) == ([str(copies[0])], [])


def test_a_folder_that_goes_away_is_offline_and_comes_back_unread(watched: IndexedFolder) -> None:
    for n in range(30):
        watched.put(f"{n}.jpg", str(n))
    until(lambda: watched.library.count() == 30 and watched.indexer.idle)
    away = watched.folder.with_name("away")
    watched.folder.rename(away)
    until(lambda: watched.library.folders()[0].state == "offline")
    assert watched.library.count() == 30
    read = len(watched.extraction.read)
    away.rename(watched.folder)
    until(lambda: watched.library.folders()[0].state == "online")
    assert watched.library.count() == 30
    assert len(watched.extraction.read) == read
    new = watched.put("new.jpg", "new")
    until(lambda: watched.photo(new))
    topics = [event.data["topic"] for event in watched.events if event.kind == "notice"]
    assert topics[-2:] == ["offline", "online"]


def test_exclude_rules_that_change_take_photos_out_and_in(watched: IndexedFolder) -> None:
    watched.put("a.jpg", "a")
    watched.put("b.png", "b")
    until(lambda: watched.names() == ["a.jpg", "b.png"])
    watched.indexer.reconfigure(Settings(exclude=("*.png",)))
    until(lambda: watched.names() == ["a.jpg"])
    watched.put("c.png", "c")
    watched.put("d.jpg", "d")
    until(lambda: watched.names() == ["a.jpg", "d.jpg"])
    watched.indexer.reconfigure(Settings())
    until(lambda: watched.names() == ["a.jpg", "b.png", "c.png", "d.jpg"])
