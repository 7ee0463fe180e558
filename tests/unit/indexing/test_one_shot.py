from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import pytest
from simulated import SPACE, SimulatedExtraction, add, photo_at, run
from waiting import patience, wait_until

from photofind.errors import LibraryError, WorkerStoppedError
from photofind.indexing import batches, full_scan
from photofind.indexing.batches import BatchProgress
from photofind.indexing.departed import Departed
from photofind.indexing.reading import Reader
from photofind.indexing.scan import Found
from photofind.library.memory import MemoryStore
from photofind.model import Progress, Skipped
from photofind.model.filters import Filter


@pytest.fixture
def library():
    return MemoryStore()


@pytest.fixture
def pictures(tmp_path, library):
    folder = tmp_path / "pictures"
    for number in range(6):
        put(folder / f"{number}.jpg", b"%d" % number)
    add(library, folder)
    return folder


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def paths(library: MemoryStore) -> list[str]:
    return sorted(Path(photo.path).name for photo in library.select())


def test_a_first_run_reads_all_and_a_second_one_nothing(library, pictures):
    put(pictures / "bad.jpg", b"broken")
    extraction = SimulatedExtraction()
    first = run(library, extraction)
    assert (first.found, first.new, first.failed) == (7, 7, 1)
    assert [photo.failure for photo in library.select(Filter(failed=True))] == ["no picture"]
    assert library.space_counts(SPACE).contents == 6
    assert "7 new, 1 failed" in first.summary

    extraction = SimulatedExtraction()
    second = run(library, extraction)
    assert (second.found, second.unchanged, second.new) == (7, 7, 0)
    assert extraction.read == []
    assert "nothing new" in second.summary


def test_a_move_between_folders_keeps_the_embedding_and_reads_nothing(library, pictures, tmp_path):
    run(library, SimulatedExtraction())
    old = photo_at(library, pictures / "3.jpg")
    (tmp_path / "albums").mkdir()
    add(library, tmp_path / "albums")
    moved = (pictures / "3.jpg").rename(tmp_path / "albums" / "best.jpg")
    extraction = SimulatedExtraction()
    report = run(library, extraction)
    new = photo_at(library, moved)
    assert (new.id, new.spaces) == (old.id, old.spaces)
    assert (report.moved, report.removed, extraction.read) == (1, 0, [])


def test_a_move_to_another_drive_is_told_by_content(library, pictures):
    """Copied and deleted: the inode is another, so the file is read, but not embedded."""
    run(library, SimulatedExtraction())
    old = photo_at(library, pictures / "3.jpg")
    shutil.copyfile(pictures / "3.jpg", pictures / "copy.jpg")
    (pictures / "3.jpg").unlink()
    extraction = SimulatedExtraction()
    report = run(library, extraction)
    new = photo_at(library, pictures / "copy.jpg")
    assert (new.id, new.spaces, new.width) == (old.id, old.spaces, old.width)
    assert (report.moved, report.new, report.removed) == (1, 0, 0)
    assert len(extraction.read) == 1
    assert extraction.embedded == []


def test_two_copies_of_a_photo_that_is_gone_are_not_embedded(library, pictures):
    run(library, SimulatedExtraction())
    for name in ("copy.jpg", "copy too.jpg"):
        shutil.copyfile(pictures / "3.jpg", pictures / name)
    (pictures / "3.jpg").unlink()
    extraction = SimulatedExtraction()
    report = run(library, extraction)
    assert (report.moved, report.new, report.removed) == (1, 1, 0)
    assert (len(extraction.read), extraction.embedded) == (2, [])


def test_copies_share_an_embedding_and_are_embedded_once(library, pictures, monkeypatch):
    monkeypatch.setattr(batches, "SMALLEST_BATCH", 1)
    monkeypatch.setattr(batches, "LARGEST_BATCH", 1)
    shutil.copyfile(pictures / "0.jpg", pictures / "copy.jpg")
    extraction = SimulatedExtraction()
    run(library, extraction)
    assert len(extraction.embedded) == 6
    original, copy = (photo_at(library, pictures / name) for name in ("0.jpg", "copy.jpg"))
    assert original.spaces == copy.spaces == (SPACE,)
    assert (original.width, original.format) == (copy.width, copy.format)


def test_a_content_whose_photo_was_replaced_meanwhile_is_embedded_again(
    library, pictures, monkeypatch
):
    monkeypatch.setattr(batches, "SMALLEST_BATCH", 1)
    monkeypatch.setattr(batches, "LARGEST_BATCH", 1)
    run(library, SimulatedExtraction())
    for name in ("copy.jpg", "copy too.jpg"):
        shutil.copyfile(pictures / "0.jpg", pictures / name)
        os.utime(pictures / name, (1, 1))  # The newest come first, so these are read last.
    put(pictures / "0.jpg", b"x")
    report = run(library, SimulatedExtraction())
    assert (report.new, report.changed) == (2, 1)
    assert all(SPACE in photo.spaces and photo.width for photo in library.select())


def test_a_changed_sidecar_is_read_without_embedding(library, pictures):
    run(library, SimulatedExtraction())
    put(pictures / "3.xmp", b"<xmp/>")
    extraction = SimulatedExtraction()
    report = run(library, extraction)
    assert report.changed == 1
    assert [Path(path).name for path in extraction.read] == ["3.jpg"]
    assert extraction.embedded == []


@pytest.mark.skipif(sys.platform == "win32", reason="no time there tells it")
def test_a_sidecar_that_changed_under_its_old_size_and_time_is_read(library, pictures):
    sidecar = pictures / "3.xmp"
    put(sidecar, b"<one/>")
    run(library, SimulatedExtraction())
    before = sidecar.stat()
    put(pictures / "new", b"<two/>")
    (pictures / "new").replace(sidecar)

    def has_the_old_time_at_a_later_one() -> bool:
        os.utime(sidecar, ns=(before.st_atime_ns, before.st_mtime_ns))
        return sidecar.stat().st_ctime_ns != before.st_ctime_ns

    wait_until(has_the_old_time_at_a_later_one, "a tick of the file system's clock")
    extraction = SimulatedExtraction()
    run(library, extraction)
    assert [Path(path).name for path in extraction.read] == ["3.jpg"]
    extraction = SimulatedExtraction()
    run(library, extraction)
    assert extraction.read == []


def test_failures_are_read_again_when_they_change_or_when_asked(library, pictures):
    put(pictures / "bad.jpg", b"broken")
    run(library, SimulatedExtraction())
    extraction = SimulatedExtraction()
    run(library, extraction)
    assert extraction.read == []
    run(library, extraction, retry_failed=True)
    assert [Path(path).name for path in extraction.read] == ["bad.jpg"]
    put(pictures / "bad.jpg", b"mended")
    assert run(library, extraction).changed == 1
    assert list(library.select(Filter(failed=True))) == []


def test_files_that_vanish_before_they_are_read_are_no_failures(library, pictures):
    class Late(SimulatedExtraction):
        def extract(self, paths, known=(), *, in_company=False):
            (pictures / "3.jpg").unlink(missing_ok=True)
            return super().extract(paths, known, in_company=in_company)

    assert run(library, Late()).failed == 0
    assert "3.jpg" not in paths(library)


def test_slow_photos_are_read_after_the_others_and_each_by_itself(library, pictures):
    slow = {str(pictures / "1.jpg"), str(pictures / "4.jpg")}
    extraction = SimulatedExtraction(slow=slow)
    report = run(library, extraction)
    assert (report.new, report.failed) == (6, 0)
    assert len(extraction.batches) == 3
    assert {*extraction.batches[0]} == {str(pictures / f"{number}.jpg") for number in range(6)}
    assert sorted(extraction.batches[1:]) == [[path] for path in sorted(slow)]
    assert library.space_counts(SPACE).contents == 6


class Stopped(SimulatedExtraction):
    """Reads a slow photo until it is closed."""

    def __init__(self, slow: set[str]) -> None:
        super().__init__(slow=slow)
        self.closed = threading.Event()

    def extract(self, paths, known=(), *, in_company=False):
        if not in_company and self.slow.issuperset(paths):
            assert self.closed.wait(patience())
            self.closed.clear()
            raise WorkerStoppedError("closed")
        return super().extract(paths, known, in_company=in_company)

    def close(self) -> None:
        self.closed.set()


def reading(library, extraction, path):
    stat = path.stat()
    file = Found(str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino)
    reader = Reader(library, extraction, SPACE, Departed())
    return lambda go_on: reader.read(
        [file], defaultdict(set), BatchProgress("", 1, 1.0), go_on=go_on
    )


def test_a_slow_photo_gives_way_to_what_is_more_urgent(library, pictures):
    run(library, SimulatedExtraction())  # The library has its space.
    path = put(pictures / "slow.jpg", b"slow")
    extraction = Stopped({str(path)})
    read = reading(library, extraction, path)
    assert [file.path for file in read(lambda: True).put_off] == [str(path)]
    for _ in range(3):
        # It may begin, and then something more urgent comes.
        asked = iter([True])
        unread = read(lambda asked=asked: next(asked, False))
        assert [file.path for file in unread.put_off] == [str(path)]
    extraction.slow.clear()  # It has given way often enough, and is read to its end.
    asked = iter([True])
    unread = read(lambda asked=asked: next(asked, False))
    assert (unread.done, unread.put_off) == (1, [])
    assert extraction.embedded == [str(path)]


def test_closing_the_extractor_is_no_giving_way(library, pictures):
    run(library, SimulatedExtraction())  # The library has its space.
    path = put(pictures / "slow.jpg", b"slow")
    extraction = Stopped({str(path)})
    read = reading(library, extraction, path)
    read(lambda: True)
    extraction.close()
    with pytest.raises(WorkerStoppedError):
        read(lambda: True)


def test_an_interruption_keeps_what_was_read(library, pictures, monkeypatch):
    monkeypatch.setattr(batches, "SMALLEST_BATCH", 2)
    monkeypatch.setattr(batches, "LARGEST_BATCH", 2)

    class Interrupted(SimulatedExtraction):
        def extract(self, paths, known=(), *, in_company=False):
            if len(self.read) == 4:
                raise KeyboardInterrupt
            return super().extract(paths, known, in_company=in_company)

    with pytest.raises(KeyboardInterrupt):
        run(library, Interrupted())
    assert library.count() == 4
    extraction = SimulatedExtraction()
    assert run(library, extraction).new == 2
    assert len(extraction.read) == 2


def test_a_disk_that_is_full_ends_the_run_and_says_so(library, pictures, monkeypatch):
    def refuse(*arguments):
        raise LibraryError("the disk is full")

    run(library, SimulatedExtraction())
    put(pictures / "new.jpg", b"new")
    monkeypatch.setattr(library, "commit", lambda photos, *more: refuse() if more else [])
    with pytest.raises(LibraryError, match="the disk is full"):
        run(library, SimulatedExtraction())
    assert library.count() == 6


def test_progress_tells_how_far_it_is(library, pictures):
    told: list[Progress] = []
    run(library, SimulatedExtraction(), progress=told.append)
    assert told[0].phase == "looking for photos"
    assert told[0].total is None
    assert (told[-1].phase, told[-1].done, told[-1].total) == ("reading photos", 6, 6)
    assert told[-1].rate > 0
    assert told[-1].seconds_left == 0


def test_batches_grow_until_they_take_long_enough(monkeypatch):
    clock = iter(range(100)).__next__
    monkeypatch.setattr(time, "monotonic", lambda: clock() * 0.1)
    pace = BatchProgress("reading photos", 10_000)
    sizes = []
    for _ in range(6):
        sizes.append(pace.batch)
        pace.advance(pace.batch)
    assert sizes == [16, 32, 64, 128, 256, 512]
    monkeypatch.setattr(time, "monotonic", lambda: 1e9)
    pace.advance(1)
    assert pace.batch == 16


def test_what_the_store_has_forgotten_of_a_photo_that_is_gone_is_embedded_again(
    library, pictures, monkeypatch
):
    run(library, SimulatedExtraction())
    shutil.copyfile(pictures / "3.jpg", pictures / "copy.jpg")
    (pictures / "3.jpg").unlink()
    remove = library.remove
    monkeypatch.setattr(library, "remove", lambda photos: (remove(photos), library.reclaim()))
    extraction = SimulatedExtraction()
    assert run(library, extraction).moved == 1
    assert [Path(path).name for path in extraction.embedded] == ["copy.jpg"]
    assert photo_at(library, pictures / "copy.jpg").spaces == (SPACE,)


# What is still being written is waited for, but not for long.


def test_a_fresh_file_is_read_once_it_has_been_quiet(library, pictures):
    begin = time.monotonic()
    put(pictures / "new.jpg", b"new")
    assert run(library, SimulatedExtraction(), settle=0.3).new == 7
    assert 0.2 < time.monotonic() - begin < patience(20)


@contextmanager
def again_and_again(write):
    """Write in another thread, at once and until the context ends."""
    done = threading.Event()

    def go_on() -> None:
        while not done.wait(0.02):
            write()

    writer = threading.Thread(target=go_on)
    write()
    writer.start()
    try:
        yield
    finally:
        done.set()
        writer.join()


def test_a_file_that_is_still_written_is_skipped(library, pictures):
    slow = put(pictures / "slow.jpg", b"")
    with (
        slow.open("ab", buffering=0) as file,
        again_and_again(lambda: file.write(b"more")),
    ):
        report = run(library, SimulatedExtraction(), settle=1.0)
    assert report.new == 6
    assert report.skipped == (Skipped(str(slow), "it is still being written"),)
    assert "slow.jpg" not in paths(library)


def test_a_copy_with_the_time_of_its_original_is_fresh_too(library, pictures):
    copy = put(pictures / "copy.jpg", b"a part of it")

    def grow() -> None:
        with copy.open("ab") as file:
            file.write(b"more")
        os.utime(copy, (9, 9))

    with again_and_again(grow):
        report = run(library, SimulatedExtraction(), settle=1.0)
    assert report.skipped == (Skipped(str(copy), "it is still being written"),)


# What is out of reach is kept.


def test_nested_folders_are_each_indexed_by_their_own_rules(library, pictures):
    put(pictures / ".private" / "a.jpg", b"a")
    put(pictures / ".private" / "b.png", b"b")
    add(library, pictures / ".private", excludes=("*.png",))
    assert run(library, SimulatedExtraction()).found == 7
    assert "a.jpg" in paths(library)
    extraction = SimulatedExtraction()
    report = run(library, extraction, folders=library.folders()[:1])
    assert (report.found, report.removed, library.count()) == (6, 0, 7)


def test_the_home_of_photofind_is_never_indexed(library, home):
    put(home.root / "cache" / "thumbnail.jpg", b"t")
    put(home.root.parent / "a.jpg", b"a")
    add(library, home.root.parent)
    run(library, SimulatedExtraction(), apart=[str(home.root)])
    assert paths(library) == ["a.jpg"]


def test_a_missing_folder_is_offline_and_comes_back(library, pictures, tmp_path):
    run(library, SimulatedExtraction())
    aside = pictures.rename(tmp_path / "aside")
    report = run(library, SimulatedExtraction(), accept_removals=True)
    assert [folder.path for folder in report.offline] == [str(pictures)]
    assert (report.removed, report.kept, library.count()) == (0, 6, 6)
    (folder,) = library.folders()
    assert folder.state == "offline"
    assert f"{pictures} is offline: {folder.reason}" in report.problems

    aside.rename(pictures)
    extraction = SimulatedExtraction()
    report = run(library, extraction)
    assert (report.offline, report.unchanged, extraction.read) == ((), 6, [])
    (folder,) = library.folders()
    assert (folder.state, folder.reason) == ("online", None)


def test_an_empty_folder_is_believed_only_when_told_so(library, pictures):
    run(library, SimulatedExtraction())
    for photo in pictures.iterdir():
        photo.unlink()
    report = run(library, SimulatedExtraction())
    assert (len(report.offline), report.removed, library.count()) == (1, 0, 6)
    assert "accept-removals" in report.problems[0]
    put(pictures / "new.jpg", b"new")
    report = run(library, SimulatedExtraction(), accept_removals=True)
    assert (report.offline, report.removed) == ((), 6)
    assert paths(library) == ["new.jpg"]


def test_nearly_all_of_many_photos_gone_at_once_is_not_believed(library, pictures):
    for number in range(6, 40):
        put(pictures / f"{number}.jpg", b"%d" % number)
    run(library, SimulatedExtraction())
    for photo in sorted(pictures.iterdir())[2:]:
        photo.unlink()
    put(pictures / "new.jpg", b"new")
    for _ in range(2):
        report = run(library, SimulatedExtraction())
        assert (report.removed, report.new, library.count()) == (0, 0, 40)
        assert "38 of its 40 photos" in report.offline[0].reason
    report = run(library, SimulatedExtraction(), accept_removals=True)
    assert (report.removed, report.new, library.count()) == (38, 1, 3)


def test_half_of_the_photos_gone_is_believed(library, pictures):
    run(library, SimulatedExtraction())
    for number in range(3):
        (pictures / f"{number}.jpg").unlink()
    assert run(library, SimulatedExtraction()).removed == 3


def test_an_exclude_rule_may_take_everything_away(library, pictures):
    for number in range(6, 40):
        put(pictures / f"{number}.jpg", b"%d" % number)
    run(library, SimulatedExtraction())
    report = run(library, SimulatedExtraction(), excludes=("*.jpg",))
    assert (report.removed, report.offline) == (40, ())


def test_all_moved_elsewhere_is_no_loss(library, pictures, tmp_path):
    run(library, SimulatedExtraction())
    add(library, tmp_path / "new")
    (tmp_path / "new").mkdir()
    for photo in list(pictures.iterdir()):
        photo.rename(tmp_path / "new" / photo.name)
    report = run(library, SimulatedExtraction())
    assert (report.moved, report.offline, report.removed) == (6, (), 0)


def test_photos_in_an_unreadable_folder_are_kept(library, pictures, monkeypatch):
    put(pictures / "locked" / "a.jpg", b"a")
    run(library, SimulatedExtraction())
    scandir = os.scandir

    def refuse(path):
        if path == str(pictures / "locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    (pictures / "0.jpg").unlink()
    report = run(library, SimulatedExtraction())
    assert (report.removed, report.kept) == (1, 1)
    assert report.problems == [f"{pictures / 'locked'} is skipped: Permission denied"]
    assert "a.jpg" in paths(library)


def test_photos_on_an_unmounted_drive_are_kept(library, pictures, monkeypatch):
    """A drive that was mounted inside the folder is gone; its mount point is left, and empty."""
    drive = pictures / "drive"
    put(drive / "a.jpg", b"a")
    monkeypatch.setattr(full_scan, "mounts", lambda: {"/", str(drive)})
    run(library, SimulatedExtraction())
    drive.rename(pictures.parent / "unplugged")
    drive.mkdir()
    (pictures / "0.jpg").unlink()
    monkeypatch.setattr(full_scan, "mounts", lambda: {"/"})
    for _ in range(2):
        report = run(library, SimulatedExtraction())
        assert report.kept == 1
        assert report.problems == [
            f"{drive} is skipped: it is not mounted; its photos are kept (1)"
        ]
    assert paths(library) == ["1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg", "a.jpg"]

    drive.rmdir()
    (pictures.parent / "unplugged").rename(drive)
    monkeypatch.setattr(full_scan, "mounts", lambda: {"/", str(drive)})
    extraction = SimulatedExtraction()
    assert run(library, extraction).problems == []
    assert extraction.read == []


def test_a_folder_whose_drive_is_not_mounted_is_offline(library, pictures, monkeypatch):
    monkeypatch.setattr(full_scan, "mounts", lambda: {"/", str(pictures.parent)})
    run(library, SimulatedExtraction())
    for photo in list(pictures.iterdir())[1:]:
        photo.unlink()
    monkeypatch.setattr(full_scan, "mounts", lambda: {"/"})
    report = run(library, SimulatedExtraction())
    assert report.offline[0].reason == f"{pictures.parent} is not mounted"
    assert library.count() == 6


# Tags.

TAGS = (("dog", 0.876), ("puppy", 0.1), ("dog", 0.05), ("cur", 0.03), ("a", 0.02), ("b", 0.01))


def tags_of(library: MemoryStore) -> dict[str, dict]:
    return {Path(photo.path).name: photo.tags for photo in library.select()}


def test_a_few_tags_are_kept_the_surest_first_and_rounded(library, pictures):
    run(library, SimulatedExtraction((*TAGS, ("c", 0.009), ("d", 0.001))))
    kept = {"dog": 0.88, "puppy": 0.1, "cur": 0.03, "a": 0.02, "b": 0.01}
    assert tags_of(library) == {f"{number}.jpg": {SPACE: kept} for number in range(6)}
    assert [*photo_at(library, pictures / "0.jpg").tags[SPACE]] == [*kept]


def test_what_is_not_embedded_again_has_the_tags_of_its_content(library, pictures):
    run(library, SimulatedExtraction((("dog", 0.9),)))
    shutil.copyfile(pictures / "0.jpg", pictures / "copy.jpg")
    shutil.copyfile(pictures / "1.jpg", pictures / "moved.jpg")
    (pictures / "1.jpg").unlink()
    put(pictures / "2.xmp", b"<xmp/>")
    (pictures / "3.jpg").rename(pictures / "renamed.jpg")
    put(pictures / "4.jpg", b"another picture")
    run(library, SimulatedExtraction((("cat", 0.8),)))
    names = ["0.jpg", "2.jpg", "5.jpg", "copy.jpg", "moved.jpg", "renamed.jpg"]
    dog, cat = {SPACE: {"dog": 0.9}}, {SPACE: {"cat": 0.8}}
    assert tags_of(library) == dict.fromkeys(names, dog) | {"4.jpg": cat}


def test_each_extractor_has_tags_of_its_own(library, pictures):
    dogs = SimulatedExtraction((("dog", 0.9),))
    run(library, dogs, SimulatedExtraction((("hound", 0.7),), name="other"))
    other = "other@1"
    both = {SPACE: {"dog": 0.9}, other: {"hound": 0.7}}
    assert set(map(str, tags_of(library).values())) == {str(both)}

    # One that left the library and turns up again brings both along, and is not decoded.
    gone = photo_at(library, pictures / "1.jpg")
    library.remove([gone])
    departed = Departed()
    departed.add([gone])
    moved = (pictures / "1.jpg").rename(pictures / "moved.jpg")
    extraction = SimulatedExtraction()
    reader = Reader(library, extraction, SPACE, departed)
    found = Found(str(moved), gone.size, gone.modified, gone.inode)
    reader.read([found], defaultdict(set), BatchProgress("reading photos", 1))
    assert extraction.embedded == []
    assert tags_of(library)["moved.jpg"] == both
    library.remove_space(other)
    assert set(map(str, tags_of(library).values())) == {str({SPACE: {"dog": 0.9}})}
