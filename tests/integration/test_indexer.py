"""The library stays true to its folders while files come, change, move and go; nothing decodes."""

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
from photofind.indexing import indexer as keeping
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
        kept = IndexedFolder(home, folder, Settings(**settings))
        made.append(kept)
        return kept

    yield make
    for kept in made:
        kept.extraction.close()
        kept.indexer.stop()
        kept.library.close()


@pytest.fixture
def kept(make: Callable[..., IndexedFolder]) -> IndexedFolder:
    """A kept library of an empty folder, watched."""
    kept = make()
    kept.indexer.start()
    until(lambda: kept.indexer.watched(str(kept.folder)) == "events")
    until(lambda: kept.library.folders()[0].scanned)
    return kept


# One file.


def test_a_new_photo_is_there_within_two_seconds_of_being_complete(kept: IndexedFolder) -> None:
    path = kept.put("a.jpg", "a")
    began = time.monotonic()
    until(lambda: kept.has(path, b"a"))
    assert time.monotonic() - began < patience(2.0)


def test_a_renamed_photo_keeps_its_vector_and_is_not_read(kept: IndexedFolder) -> None:
    path = kept.put("a.jpg", "a")
    until(lambda: kept.has(path, b"a"))
    before = kept.photo(path)
    renamed = path.rename(kept.folder / "b.jpg")
    until(lambda: kept.has(renamed, b"a") and not kept.photo(path))
    assert kept.extraction.read == [str(path)]
    after = kept.photo(renamed)
    assert before
    assert after
    assert (after.id, after.rows) == (before.id, before.rows)
    assert after.tags == before.tags == {"simulated@1": {"simulated": 0.5}}


def test_a_photo_that_moves_to_another_place_by_copying_is_not_decoded_again(
    kept: IndexedFolder,
) -> None:
    path = kept.put("a.jpg", "a")
    until(lambda: kept.has(path, b"a"))
    data = path.read_bytes()
    path.unlink()
    until(lambda: not kept.photo(path))
    copy = kept.put("elsewhere/b.jpg", data)
    until(lambda: kept.has(copy, b"a"))
    assert kept.extraction.decoded == [str(path)]
    moved = kept.photo(copy)
    assert moved
    assert moved.tags == {"simulated@1": {"simulated": 0.5}}


def test_a_renamed_folder_keeps_its_vectors(kept: IndexedFolder) -> None:
    paths = [kept.put(f"old/sub/{n}.jpg", str(n)) for n in range(10)]
    until(lambda: all(kept.vector(path) is not None for path in paths))
    (kept.folder / "old").rename(kept.folder / "new")
    names = sorted(f"new/sub/{n}.jpg" for n in range(10))
    until(lambda: kept.names() == names)
    until(lambda: all(kept.has(kept.folder / f"new/sub/{n}.jpg", b"%d" % n) for n in range(10)))
    assert len(kept.extraction.decoded) == 10


def test_a_deleted_photo_is_gone_at_once(kept: IndexedFolder) -> None:
    path = kept.put("a.jpg", "a")
    until(lambda: kept.photo(path))
    path.unlink()
    until(lambda: not kept.photo(path))


def test_a_deleted_folder_takes_its_photos_along(kept: IndexedFolder) -> None:
    for n in range(30):
        kept.put(f"sub/{n}.jpg", str(n))
    rest = kept.put("rest.jpg", "rest")
    until(lambda: len(kept.library) == 31)
    shutil.rmtree(kept.folder / "sub")
    until(lambda: kept.names() == ["rest.jpg"])
    assert kept.photo(rest)


def test_a_half_written_photo_waits_until_its_writer_closes_it(kept: IndexedFolder) -> None:
    path = kept.folder / "slow.jpg"
    with path.open("wb", buffering=0) as file:
        for part in (b"one ", b"two ", b"three "):
            file.write(part)
            time.sleep(0.7)
        assert kept.extraction.read == []
        file.write(b"four")
    until(lambda: kept.has(path, b"one two three four"))
    assert kept.extraction.read == [str(path)]


def test_saving_by_replacing_is_one_change(kept: IndexedFolder) -> None:
    path = kept.put("a.jpg", "before")
    until(lambda: kept.has(path, b"before"))
    new = kept.put(".a.jpg.tmp", "after")
    new.replace(path)
    until(lambda: kept.has(path, b"after"))
    assert kept.extraction.read == [str(path)] * 2
    assert kept.names() == ["a.jpg"]


def test_a_changed_photo_is_described_again(kept: IndexedFolder) -> None:
    path = kept.put("a.jpg", "before")
    until(lambda: kept.has(path, b"before"))
    kept.put("a.jpg", "after it")
    until(lambda: kept.has(path, b"after it"))


def test_a_sidecar_is_read_without_decoding(kept: IndexedFolder) -> None:
    path = kept.put("a.jpg", "a")
    until(lambda: kept.has(path, b"a"))
    kept.put("a.xmp", "<xmp/>")
    until(lambda: (photo := kept.photo(path)) and photo.sidecar)
    assert kept.extraction.read == [str(path)] * 2
    until(lambda: kept.has(path, b"a"))


def test_a_photo_that_could_not_be_read_is_tried_again_once_it_changes(kept: IndexedFolder) -> None:
    path = kept.put("a.jpg", "broken")
    until(lambda: (photo := kept.photo(path)) and photo.failure == "no picture")
    kept.put("a.jpg", "mended")
    until(lambda: kept.has(path, b"mended"))


def test_a_link_to_a_photo_elsewhere_is_found(kept: IndexedFolder, tmp_path: Path) -> None:
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(b"outside")
    kept.put("other.jpg", "other")  # A folder that turns up empty is taken for one that is away.
    link = kept.folder / "link.jpg"
    link.symlink_to(outside)
    until(lambda: kept.has(link, b"outside"))
    link.unlink()
    until(lambda: not kept.photo(link))


# Many files.


def test_a_backlog_is_searchable_by_thumbnails_first_and_then_refined(make: Any) -> None:
    kept = make()
    for n in range(200):
        path = kept.put(f"{n:03}.jpg", f"thumb {n:03} and the rest")
        os.utime(path, (n + 1, n + 1))
    kept.put("none.jpg", "no such thing inside")
    os.utime(kept.folder / "none.jpg", (500, 500))
    kept.indexer.start()
    until(lambda: kept.library.preliminary or kept.extraction.read)
    until(lambda: len(kept.library) == 201 and not kept.library.preliminary)
    previewed = [Path(path).name for path in kept.extraction.previewed]
    assert previewed == ["none.jpg", *(f"{n:03}.jpg" for n in reversed(range(200)))]
    read = [Path(path).name for path in kept.extraction.read]
    # What has no thumbnail is read first; the rest is refined, the newest first.
    assert read == previewed
    assert all(
        kept.has(kept.folder / f"{n:03}.jpg", f"thumb {n:03} and the rest".encode())
        for n in range(200)
    )


def test_preliminary_photos_are_refined_after_a_restart(make: Any) -> None:
    kept = make()
    for n in range(100):
        os.utime(kept.put(f"{n}.jpg", f"thumb {n}"), (9, 9))
    kept.extraction.delay = 0.5
    kept.indexer.start()
    until(lambda: kept.library.preliminary == 100)
    kept.indexer.stop()
    assert kept.library.preliminary > 0
    kept.library.close()
    again = IndexedFolder(kept.library.home, kept.folder, Settings())
    try:
        again.indexer.start()
        until(lambda: len(again.library) == 100 and not again.library.preliminary)
        assert again.extraction.previewed == []
    finally:
        again.indexer.stop()
        again.library.close()


def test_a_moved_photo_stays_preliminary_and_is_refined(make: Any) -> None:
    kept = make()
    for n in range(100):
        os.utime(kept.put(f"{n}.jpg", f"thumb {n} rest"), (9, 9))
    kept.extraction.delay = 0.05
    kept.indexer.start()
    until(lambda: kept.library.preliminary > 50)
    kept.extraction.delay = 0.0
    (kept.folder / "0.jpg").rename(kept.folder / "moved.jpg")
    until(lambda: len(kept.library) == 100 and not kept.library.preliminary)
    until(lambda: kept.has(kept.folder / "moved.jpg", b"thumb 0 rest"))


def test_a_new_photo_does_not_wait_for_a_backlog(make: Any) -> None:
    kept = make(previews=False)
    for n in range(600):
        os.utime(kept.put(f"{n}.jpg", str(n)), (9, 9))
    kept.extraction.delay = 0.03
    kept.indexer.start()
    until(lambda: len(kept.library) > 16)
    urgent = kept.put("urgent.jpg", "urgent")
    until(lambda: kept.photo(urgent))
    assert len(kept.library) < 500
    assert kept.indexer.pending > 50
    kept.extraction.delay = 0.0
    until(lambda: len(kept.library) == 601)


def test_a_burst_is_found_whole(kept: IndexedFolder) -> None:
    for n in range(3000):
        kept.put(f"{n % 50}/{n}.jpg", str(n))
    until(lambda: len(kept.library) == 3000)
    until(lambda: kept.indexer.idle)
    assert sum(photo.failure is not None for photo in kept.library.photos()) == 0


# Asking, pausing, trouble.


def test_an_indexing_reports_what_it_did(kept: IndexedFolder) -> None:
    kept.indexer.pause(float("inf"))
    for n in range(100):
        kept.put(f"{n}.jpg", f"thumb {n}")
    kept.put("bad.jpg", "broken")
    reports: list[Any] = []
    asking = threading.Thread(target=lambda: reports.append(kept.index()))
    asking.start()  # Before anything is read.
    time.sleep(0.1)
    kept.indexer.resume()
    asking.join()
    (report,) = reports
    assert (report.found, report.new, report.failed) == (101, 101, 1)
    assert not kept.library.preliminary
    again = kept.index()
    assert (again.found, again.unchanged, again.new) == (101, 101, 0)


def test_a_pause_is_at_once_and_ends_by_itself(make: Any) -> None:
    kept = make(previews=False)
    for n in range(600):
        os.utime(kept.put(f"{n}.jpg", str(n)), (9, 9))
    kept.extraction.delay = 0.01
    kept.indexer.start()
    until(lambda: len(kept.library) > 16)
    kept.indexer.pause(float("inf"))
    until(lambda: kept.indexer.activity is None)
    count = len(kept.extraction.read)
    assert count < 600
    gone = kept.folder / Path(kept.extraction.read[0]).name
    gone.unlink()
    until(lambda: not kept.photo(gone))  # What costs nothing goes on.
    assert len(kept.extraction.read) == count
    assert kept.indexer.waiting == "paused"
    kept.indexer.pause(time.time() + 0.5)
    kept.extraction.delay = 0.0
    until(lambda: len(kept.library) == 599)
    assert kept.indexer.waiting is None


def test_on_battery_a_backlog_waits_and_new_photos_do_not(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    battery = [True]
    monkeypatch.setattr(keeping, "on_battery", lambda: battery[0])
    monkeypatch.setattr(keeping, "POWER_SECONDS", 0.1)
    kept = make()
    for n in range(100):
        os.utime(kept.put(f"{n}.jpg", str(n)), (9, 9))
    kept.indexer.start()
    until(lambda: kept.indexer.waiting == "on battery")
    new = kept.put("new.jpg", "new")
    until(lambda: kept.photo(new))
    assert kept.names() == ["new.jpg"]
    battery[0] = False
    until(lambda: len(kept.library) == 101)
    assert kept.indexer.waiting is None


def test_a_folder_that_is_removed_while_it_is_read_leaves_nothing(make: Any) -> None:
    kept = make(previews=False)
    for n in range(300):
        os.utime(kept.put(f"{n}.jpg", str(n)), (9, 9))
    kept.extraction.delay = 0.01
    kept.indexer.start()
    until(lambda: len(kept.library) > 0)
    with kept.indexer.at_rest():
        kept.library.remove(list(kept.library.photos()))
        kept.library.remove_folder(str(kept.folder))
    kept.indexer.folders_changed()
    kept.extraction.delay = 0.0
    until(lambda: kept.indexer.idle)
    assert len(kept.library) == 0


def test_a_broken_extractor_is_told_and_tried_again(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "TROUBLE_SECONDS", 0.2)
    kept = make()
    path = kept.put("a.jpg", "a")
    kept.extraction.broken = "it does not work"
    kept.indexer.start()
    until(lambda: "it does not work" in kept.indexer.problems)
    with pytest.raises(PhotofindError, match="it does not work"):
        kept.index()
    kept.extraction.broken = ""
    until(lambda: kept.photo(path))
    until(lambda: not kept.indexer.problems)


def test_one_of_two_copies_that_comes_back_is_described_by_another_extractor_too(
    make: Any,
) -> None:
    kept = make(also=("other",))
    other = kept.others["other"] = Extraction("other")
    other.broken = "it is not ready"
    copies = [kept.put("a.jpg", "same"), kept.put("b.jpg", "same")]
    kept.indexer.start()
    until(lambda: all(kept.photo(path) and kept.photo(path).rows for path in copies))
    assert kept.indexer.problems == ["it is not ready"]
    for path in copies:
        path.unlink()
    until(lambda: kept.names() == [])
    kept.put("a.jpg", "same")
    until(lambda: kept.names() == ["a.jpg"])
    assert len(kept.extraction.decoded) <= 2
    other.broken = ""
    kept.index()
    until(lambda: set(kept.photo(copies[0]).rows) == {SPACE, "other@1"})
    until(lambda: kept.indexer.idle)
    assert (other.decoded, kept.indexer.problems) == ([str(copies[0])], [])


def test_a_folder_that_goes_away_is_offline_and_comes_back_unread(kept: IndexedFolder) -> None:
    for n in range(30):
        kept.put(f"{n}.jpg", str(n))
    until(lambda: len(kept.library) == 30 and kept.indexer.idle)
    away = kept.folder.with_name("away")
    kept.folder.rename(away)
    until(lambda: kept.library.folders()[0].state == "offline")
    assert len(kept.library) == 30
    read = len(kept.extraction.read)
    away.rename(kept.folder)
    until(lambda: kept.library.folders()[0].state == "online")
    assert len(kept.library) == 30
    assert len(kept.extraction.read) == read
    new = kept.put("new.jpg", "new")
    until(lambda: kept.photo(new))
    topics = [event.data["topic"] for event in kept.told if event.kind == "notice"]
    assert topics[-2:] == ["offline", "online"]


def test_exclude_rules_that_change_take_photos_out_and_in(kept: IndexedFolder) -> None:
    kept.put("a.jpg", "a")
    kept.put("b.png", "b")
    until(lambda: kept.names() == ["a.jpg", "b.png"])
    kept.indexer.reconfigure(Settings(exclude=("*.png",)))
    until(lambda: kept.names() == ["a.jpg"])
    kept.put("c.png", "c")
    kept.put("d.jpg", "d")
    until(lambda: kept.names() == ["a.jpg", "d.jpg"])
    kept.indexer.reconfigure(Settings())
    until(lambda: kept.names() == ["a.jpg", "b.png", "c.png", "d.jpg"])
