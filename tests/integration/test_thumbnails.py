"""Thumbnails come from real workers, whatever happens to them, and are kept."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from filelock import FileLock
from PIL import Image, ImageColor
from waiting import patience, wait_until

from photofind.app.thumbnails import Thumbnails
from photofind.errors import (
    ImageError,
    VeryLargeError,
    WorkerCrashedError,
    WorkerKilledError,
    WorkerStoppedError,
)
from photofind.images.limits import Limits
from photofind.workers import Worker


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "thumbnails"


@pytest.fixture
def thumbnails(folder):
    with Thumbnails(folder) as thumbnails:
        yield thumbnails


@pytest.fixture
def photo(tmp_path):
    """Return a function that makes a photo of one colour and returns its path."""

    def make(name, colour="red", size=(300, 200)):
        path = tmp_path / name
        Image.new("RGB", size, colour).save(path)
        return str(path)

    return make


@pytest.fixture
def calls(monkeypatch):
    """The paths that workers were asked for."""
    asked = []
    call = Worker.call

    def counted(self, method, **arguments):
        asked.append(arguments["path"])
        return call(self, method, **arguments)

    monkeypatch.setattr(Worker, "call", counted)
    return asked


def stamp(path):
    status = Path(path).stat()
    return status.st_size, status.st_mtime_ns


def shows(thumbnail, size, colour):
    """Whether a thumbnail has this size and one colour."""
    picture = Image.open(io.BytesIO(thumbnail))
    mean = np.asarray(picture).mean(axis=(0, 1))
    if isinstance(colour, str):
        colour = ImageColor.getrgb(colour)
    return picture.size == size and bool((np.abs(mean - colour) < 8).all())


def test_a_thumbnail_is_made_once_and_kept(thumbnails, folder, photo, calls):
    path = photo("photo.png")
    known = stamp(path)
    first = thumbnails.get(path, 150, known)
    assert shows(first, (150, 100), "red")
    Path(path).unlink()
    assert thumbnails.get(path, 150, known) == first
    thumbnails.close()
    with Thumbnails(folder) as others:
        assert others.get(path, 150, known) == first
        assert others.pids == []
    assert calls == [path]


def test_other_sizes_and_other_files_are_others(thumbnails, photo):
    path = photo("photo.png")
    known = stamp(path)
    assert shows(thumbnails.get(path, 100, known), (100, 67), "red")
    assert shows(thumbnails.get(path, 50, known), (50, 33), "red")
    assert shows(thumbnails.get(photo("other.png", "blue"), 100, known), (100, 67), "blue")
    photo("photo.png", "lime", size=(301, 200))
    assert shows(thumbnails.get(path, 100, stamp(path)), (100, 66), "lime")


def test_a_file_that_is_not_as_it_is_known_is_shown_and_not_kept(thumbnails, photo):
    path = photo("photo.png")
    known = stamp(path)
    photo("photo.png", "blue", size=(301, 200))
    assert shows(thumbnails.get(path, 100, known), (100, 66), "blue")
    photo("photo.png", "lime", size=(302, 200))
    assert shows(thumbnails.get(path, 100, known), (100, 66), "lime")


def test_a_damaged_one_is_made_again(thumbnails, folder, photo, calls):
    path = photo("photo.png")
    first = thumbnails.get(path, 100, stamp(path))
    (kept,) = folder.iterdir()
    kept.write_bytes(kept.read_bytes()[:-10])
    assert thumbnails.get(path, 100, stamp(path)) == first
    assert thumbnails.get(path, 100, stamp(path)) == first
    assert len(calls) == 2


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path, photo):
    (tmp_path / "file").touch()
    path = photo("photo.png")
    with Thumbnails(tmp_path / "file" / "thumbnails") as thumbnails:
        for _ in range(2):
            assert shows(thumbnails.get(path, 100, stamp(path)), (100, 67), "red")


def test_the_largest_size_is_kept_to(tmp_path, folder, photo):
    noise = np.random.default_rng(0).integers(0, 255, (100, 100, 3), np.uint8)
    path = str(tmp_path / "noise.png")
    Image.fromarray(noise).save(path)
    with Thumbnails(folder, largest_bytes=40_000) as thumbnails:
        for size in range(100, 60, -1):
            thumbnails.get(path, size, stamp(path))
            assert sum(file.stat().st_size for file in folder.iterdir()) <= 40_000


def test_threads_that_ask_for_the_same_wait_for_one(thumbnails, photo, calls):
    path = photo("photo.png", size=(3000, 2000))
    begin = threading.Barrier(16)

    def ask(_):
        begin.wait()
        return thumbnails.get(path, 150, stamp(path))

    with ThreadPoolExecutor(16) as pool:
        results = set(pool.map(ask, range(16)))
    assert len(results) == 1
    assert calls == [path]


def test_threads_get_what_they_asked_for(thumbnails, photo):
    colours = [(0, 60 * i, 60 * j) for i in range(4) for j in range(4)]
    paths = [photo(f"{number}.png", colour) for number, colour in enumerate(colours)]

    def is_right(path, colour):
        return shows(thumbnails.get(path, 60, stamp(path)), (60, 40), colour)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(is_right, paths * 3, colours * 3))
    assert len(thumbnails.pids) > 1


def test_one_after_another_needs_one_process(thumbnails, photo):
    for number in range(3):
        path = photo(f"{number}.png")
        thumbnails.get(path, 100, stamp(path))
    (pid,) = thumbnails.pids
    assert pid != os.getpid()
    if sys.platform != "win32":
        assert psutil.Process(pid).nice() == psutil.Process().nice()


def test_photos_that_cannot_be_shown_say_why(folder, photo, tmp_path):
    (tmp_path / "text.jpg").write_text("not a photo")
    large = photo("large.png", size=(200, 100))
    with Thumbnails(folder, limits=Limits(pixels=19_999)) as thumbnails:
        for path, reason in (
            (str(tmp_path / "text.jpg"), "not a picture"),
            (str(tmp_path / "none.jpg"), "no such file"),
            (str(tmp_path), "a folder"),
            (large, "limit 19,999"),
            ("null\0character.jpg", "cannot be read"),
        ):
            with pytest.raises(ImageError, match=reason):
                thumbnails.get(path, 100, (1, 1))
        with pytest.raises(ImageError, match="no such file"):
            thumbnails.full(str(tmp_path / "none.jpg"))
        with pytest.raises(ImageError, match="a folder"):
            thumbnails.full(str(tmp_path))
    assert not folder.exists()


def test_a_name_that_is_not_text_is_read(thumbnails, photo):
    path = photo("plain.png")
    try:
        odd = str(Path(path).rename(Path(path).with_name("caf\udce9.png")))
    except (OSError, UnicodeError):  # macOS and Windows have no such names.
        odd = path
    assert shows(thumbnails.get(odd, 100, stamp(odd)), (100, 67), "red")


def test_the_full_picture(thumbnails, photo, calls):
    path = photo("photo.tiff", size=(3000, 1500))
    first = thumbnails.full(path)
    assert shows(first, (2048, 1024), "red")
    assert thumbnails.full(path) == first
    assert calls == [path]


def test_a_worker_that_is_killed_is_replaced(thumbnails, photo, tmp_path, calls):
    warm, path = photo("warm.png"), str(tmp_path / "noise.png")
    noise = np.random.default_rng(0).integers(0, 255, (3000, 4000, 3), np.uint8)
    noise[..., 1:] = 0
    Image.fromarray(noise).save(path, compress_level=1)
    thumbnails.get(warm, 100, stamp(warm))
    (pid,) = thumbnails.pids
    process = psutil.Process(pid)
    process.suspend()  # Or it might be done before it is killed.
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(thumbnails.get, path, 150, stamp(path))
        wait_until(lambda: path in calls)
        assert not asked.done()
        process.kill()
        thumbnail = asked.result(patience())
    assert pid not in thumbnails.pids
    assert shows(thumbnail, (150, 112), (128, 0, 0))


def test_a_photo_that_crashes_its_worker_does_not_get_to_do_so_again(
    thumbnails, photo, monkeypatch
):
    good, bad = photo("good.png"), photo("bad.png")
    call, crashes = Worker.call, []

    def crashing(self, method, **arguments):
        if arguments["path"] == bad:
            crashes.append(bad)
            raise WorkerCrashedError("the thumbnails worker was killed by SIGSEGV")
        return call(self, method, **arguments)

    monkeypatch.setattr(Worker, "call", crashing)
    for _ in range(3):
        with pytest.raises(ImageError, match=r"cannot be shown: .* killed by SIGSEGV"):
            thumbnails.get(bad, 100, stamp(bad))
    assert len(crashes) == 2
    assert shows(thumbnails.get(good, 100, stamp(good)), (100, 67), "red")


def test_no_photo_is_blamed_for_a_worker_that_the_system_kills(thumbnails, photo, monkeypatch):
    path, call = photo("good.png"), Worker.call

    def killed(self, method, **arguments):
        raise WorkerKilledError("the thumbnails worker was killed by SIGKILL")

    monkeypatch.setattr(Worker, "call", killed)
    with pytest.raises(WorkerKilledError):
        thumbnails.get(path, 100, stamp(path))
    monkeypatch.setattr(Worker, "call", call)
    assert shows(thumbnails.get(path, 100, stamp(path)), (100, 67), "red")


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="there is no such signal here")
def test_a_worker_that_hangs_is_replaced(folder, photo):
    warm, path = photo("warm.png"), photo("photo.png")
    with Thumbnails(folder, seconds=2.0) as thumbnails:
        thumbnails.get(warm, 100, stamp(warm))
        (pid,) = thumbnails.pids
        os.kill(pid, signal.SIGSTOP)
        assert shows(thumbnails.get(path, 100, stamp(path)), (100, 67), "red")
        assert pid not in thumbnails.pids


def test_idle_workers_end(folder, photo):
    path = photo("photo.png")
    with Thumbnails(folder, idle_seconds=0.1) as thumbnails:
        thumbnails.get(path, 100, stamp(path))
        wait_until(lambda: not thumbnails.pids)
        assert shows(thumbnails.get(path, 50, stamp(path)), (50, 33), "red")


def test_what_is_under_way_is_ended_with_it(thumbnails, photo):
    paths = [photo(f"{i}.png", size=(6000, 4000)) for i in range(4)]
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(thumbnails.get, path, 150, stamp(path)) for path in paths]
        wait_until(lambda: len(thumbnails.pids) > 1)
        thumbnails.close()
        errors = [future.exception(patience()) for future in waiting]
    assert any(isinstance(error, WorkerStoppedError) for error in errors)
    assert all(error is None or isinstance(error, WorkerStoppedError) for error in errors)
    assert thumbnails.pids == []
    with pytest.raises(WorkerStoppedError):
        thumbnails.get(paths[0], 77, stamp(paths[0]))


@pytest.fixture
def very_large(tmp_path):
    """A picture that would take much memory if it were made narrower, which it is not."""
    path = tmp_path / "very_large.png"
    Image.new("L", (1, 700_000), 200).save(path)
    return str(path)


def test_very_large_photos_wait_for_their_turn_and_others_do_not(
    folder, photo, very_large, tmp_path
):
    with Thumbnails(folder, turn=tmp_path / "turn") as thumbnails, ThreadPoolExecutor(4) as pool:
        with FileLock(tmp_path / "turn"):  # As if another process decoded one.
            coming = [
                pool.submit(thumbnails.get, very_large, n, stamp(very_large)) for n in (256, 257)
            ]
            wait_until(lambda: len(thumbnails._very_large) == 2)
            ordinary = photo("a.png")
            assert shows(thumbnails.get(ordinary, 150, stamp(ordinary)), (150, 100), "red")
            assert not any(one.done() for one in coming)
        for size, one in zip((256, 257), coming, strict=True):
            assert Image.open(io.BytesIO(one.result(patience()))).size == (1, size)


def test_who_cannot_wait_is_told_that_a_photo_is_very_large(folder, very_large, tmp_path):
    with Thumbnails(folder, turn=tmp_path / "turn", waits=False) as thumbnails:
        with pytest.raises(VeryLargeError):
            thumbnails.get(very_large, 256, stamp(very_large))
        again = thumbnails.get(very_large, 256, stamp(very_large))
        assert Image.open(io.BytesIO(again)).size == (1, 256)


def test_what_takes_too_much_memory_is_refused(folder, photo):
    path = photo("a.png")
    with (
        Thumbnails(folder, limits=Limits(memory=100_000)) as thumbnails,
        pytest.raises(ImageError, match="of memory, limit"),
    ):
        thumbnails.get(path, 100, stamp(path))
