from __future__ import annotations

import gc
import os
import weakref
from threading import Thread

import pytest

from photofind.errors import DamagedError, LibraryError
from photofind.library.embedded.stable_file import LockedStableFile, StableFile, open_stable

CONTENT = bytes(range(256)) * 1000

needs_pread = pytest.mark.skipif(not hasattr(os, "pread"), reason="there is no pread")


@pytest.fixture(params=[pytest.param(StableFile, marks=needs_pread), LockedStableFile])
def steady(request, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return request.param(path)


def is_open(descriptor, status):
    """Return whether a descriptor is still of a file; another test may have taken it again."""
    try:
        return os.path.samestat(os.fstat(descriptor), status)
    except OSError:
        return False


def replace(steady, tmp_path):
    """Replace the file as a compaction does."""
    (tmp_path / "new").write_bytes(b"another")
    steady.give_way()
    os.replace(tmp_path / "new", tmp_path / "file")  # noqa: PTH105


def test_it_is_read_at_any_place(steady, tmp_path):
    assert steady.size == len(CONTENT)
    assert steady.read(1000, 5000) == CONTENT[1000:6000]
    assert steady.read(7, 0) == b""
    stream = steady.stream(10)
    assert stream.read(3) == CONTENT[10:13]
    assert steady.read(200_000, 20) == CONTENT[200_000:200_020]
    assert stream.read() == CONTENT[13:]
    with (tmp_path / "file").open("ab") as file:
        file.write(b"more")
    assert steady.read(len(CONTENT), 4) == b"more"


def test_it_stays_when_another_takes_its_name(steady, tmp_path):
    path = tmp_path / "file"
    stream = steady.stream(0)
    stream.read(100)
    assert steady.is_at(path)
    replace(steady, tmp_path)
    assert path.read_bytes() == b"another"
    assert steady.read(5000, 5000) == CONTENT[5000:10_000]
    assert stream.read() == CONTENT[100:]
    assert open_stable(path).read(0, 7) == b"another"


@needs_pread
def test_another_at_its_path_is_told_from_it(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    steady = StableFile(path)
    replace(steady, tmp_path)
    assert not steady.is_at(path)
    path.unlink()
    assert not steady.is_at(path)


def test_one_that_was_cut_is_damaged(steady, tmp_path):
    os.truncate(tmp_path / "file", 1000)
    assert steady.read(0, 1000) == CONTENT[:1000]
    with pytest.raises(DamagedError, match="file was cut short"):
        steady.read(0, 1001)


def test_a_disk_that_refuses_is_explained(steady, monkeypatch):
    def refuse(*arguments):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", refuse)
    monkeypatch.setattr(os, "read", refuse)
    with pytest.raises(LibraryError, match="Input/output error; check the disk"):
        steady.read(0, 1)


def test_it_is_closed_when_nobody_refers_to_it(steady, tmp_path):
    file = type(steady)(tmp_path / "file")
    descriptor, gone = file._descriptor, weakref.ref(file)
    opened = os.fstat(descriptor)
    assert is_open(descriptor, opened)
    stream = file.stream(0)
    del file
    assert stream.read(1) == CONTENT[:1]
    del stream
    gc.collect()
    assert gone() is None
    assert not is_open(descriptor, opened)


def test_threads_read_what_they_ask_for(steady, tmp_path):
    wrong = []

    def read(start):
        for turn in range(300):
            place = (start * 1237 + turn * 997) % 200_000
            if steady.read(place, 3000) != CONTENT[place : place + 3000]:
                wrong.append(place)

    threads = [Thread(target=read, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    replace(steady, tmp_path)
    for thread in threads:
        thread.join()
    assert wrong == []
