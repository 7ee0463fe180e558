from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from photofind.paths import (
    Home,
    is_below,
    new_private_file,
    open_private,
    private_folder,
    remove_file,
    write_atomically,
)


def test_the_home_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOFIND_HOME", "~/elsewhere")
    assert Home.default().root == Path("~/elsewhere").expanduser()
    monkeypatch.delenv("PHOTOFIND_HOME")
    assert Home.default().root.name == "photofind"


def test_compiled_code_is_kept_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/compiled")
    assert home.numba_cache == Path("/compiled")
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    assert home.numba_cache == home.cache / "numba"


def test_asking_for_the_home_creates_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert [home.catalog, home.spaces, home.settings, home.lock, home.cache, home.logs]
    assert not home.root.exists()


def test_folders_are_private_and_so_are_their_parents(tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "a" / "b")
    assert {path.stat().st_mode & 0o777 for path in (folder, folder.parent)} == {0o700}
    assert private_folder(folder) == folder


def test_a_file_is_replaced_as_a_whole_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    write_atomically(path, [b"n", b"ew"])
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_alone(tmp_path: Path) -> None:
    def parts() -> object:
        yield b"half"
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, parts())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_at_the_place_of_a_file_is_set_aside_with_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for act in (lambda: write_atomically(path, b"new"), lambda: remove_file(path)):
        path.mkdir()
        (path / "kept").write_bytes(b"kept")
        act()
        (aside,) = tmp_path.glob("file.*")
        assert (aside / "kept").read_bytes() == b"kept"
        shutil.rmtree(aside)
        remove_file(path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("path", "folder", "expected"),
    [
        ("/a/b", "/a", True),
        ("/a", "/a", True),
        ("/ab", "/a", False),
        ("/", "/a", False),
        ("/a", "/", True),
    ],
)
def test_below(path: str, folder: str, expected: bool) -> None:
    assert is_below(path, folder) is expected


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="there is no way not to follow a link")
def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    target, path = tmp_path / "target", tmp_path / "file"
    target.write_bytes(b"theirs")
    path.symlink_to(target)
    for flags in (os.O_WRONLY | os.O_TRUNC, os.O_WRONLY | os.O_APPEND, os.O_WRONLY | os.O_EXCL):
        with pytest.raises(OSError, match="file"):
            open_private(path, flags)
    write_atomically(path, b"ours")
    assert (target.read_bytes(), path.read_bytes()) == (b"theirs", b"ours")
    assert not path.is_symlink()


def test_a_new_file_is_private_whatever_the_umask_and_its_name_is_another_each_time(
    tmp_path: Path,
) -> None:
    before = os.umask(0)
    try:
        made = [new_private_file(tmp_path / "file") for _ in range(3)]
    finally:
        os.umask(before)
    for descriptor, path in made:
        os.close(descriptor)
        assert path.parent == tmp_path
        assert path.stat().st_mode & 0o777 == 0o600
    assert len({path for _, path in made}) == 3
