import os
import stat
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from photofind.app.file_cache import FileCache

LARGE = 1 << 30


def total(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_what_is_put_is_got_by_others_too(tmp_path):
    cache = FileCache(tmp_path / "new" / "cache", LARGE)
    assert cache.get("a") is None
    cache.put("a", b"one")
    cache.put("b", b"")
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (b"one", b"", None)
    cache.put("a", b"two")
    assert FileCache(tmp_path / "new" / "cache", LARGE).get("a") == b"two"


@pytest.mark.skipif(sys.platform == "win32", reason="modes are not of Windows")
def test_it_is_its_users_alone(tmp_path):
    FileCache(tmp_path / "cache", LARGE).put("a", b"one")
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700
    (file,) = (tmp_path / "cache").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: data[:7],
        lambda data: bytes(len(data)),
        lambda data: data[:20] + bytes([data[20] ^ 1]) + data[21:],
    ],
)
def test_what_is_damaged_is_gone(tmp_path, damage):
    cache = FileCache(tmp_path, LARGE)
    cache.put("a", b"some bytes")
    (tmp_path / "a").write_bytes(damage((tmp_path / "a").read_bytes()))
    assert cache.get("a") is None
    cache.put("a", b"others")
    assert cache.get("a") == b"others"


def test_the_least_recently_used_go_first(tmp_path):
    for number in range(10):
        FileCache(tmp_path, LARGE).put(str(number), bytes(1000))
        day = time.time() - (20 - number) * 86400
        os.utime(tmp_path / str(number), (day, day))
    cache = FileCache(tmp_path, 8000)
    for used in ("0", "3"):
        assert cache.get(used) == bytes(1000)
    cache.put("new", bytes(1000))
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"0", "3", "new", "6", "7", "8", "9"}


def test_it_never_grows_over_its_size(tmp_path):
    cache = FileCache(tmp_path, 10_000)
    for number in range(100):
        cache.put(str(number), bytes(500))
        assert total(tmp_path) <= 10_000
    assert total(tmp_path) > 8_000
    assert cache.get("99") == bytes(500)


def test_what_others_left_counts(tmp_path):
    for number in range(30):
        (tmp_path / f".{number}.1.new").write_bytes(bytes(500))
    FileCache(tmp_path, 10_000).put("a", b"one")
    assert total(tmp_path) <= 10_000


def test_a_disk_that_refuses_is_no_error(tmp_path):
    (tmp_path / "file").touch()
    cache = FileCache(tmp_path / "file" / "cache", LARGE)
    cache.put("a", b"one")
    assert cache.get("a") is None


def test_a_folder_may_be_removed_at_any_time(tmp_path):
    cache = FileCache(tmp_path / "cache", LARGE)
    cache.put("a", b"one")
    (tmp_path / "cache" / "a").unlink()
    (tmp_path / "cache").rmdir()
    assert cache.get("a") is None
    cache.put("a", b"two")
    assert cache.get("a") == b"two"


def test_threads_and_others_share_it(tmp_path):
    caches = [FileCache(tmp_path, 20_000) for _ in range(2)]
    begin = threading.Barrier(8)

    def use(thread: int) -> None:
        begin.wait()
        for step in range(100):
            key = str((thread + step) % 50)
            cache = caches[thread % 2]
            assert cache.get(key) in (None, key.encode() * 300)
            cache.put(key, key.encode() * 300)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(8)))
    assert total(tmp_path) <= 2 * 20_000
    assert not list(tmp_path.glob(".*"))
