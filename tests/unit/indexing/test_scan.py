from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from photofind.indexing.excludes import Rules
from photofind.indexing.scan import Found, scan
from photofind.model import Skipped

posix = os.name == "posix"


def put(path: Path, content: bytes = b"photo", *, age: float = 60.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def walk(folder: Path, *, rules: Rules | None = None, apart=()):
    """Scan; return the photos found, relative to the folder, and what was skipped."""
    entries = list(scan(str(folder), rules or Rules(), apart=map(str, apart)))
    found = [os.path.relpath(entry.path, folder) for entry in entries if isinstance(entry, Found)]
    skipped = {
        os.path.relpath(entry.path, folder): entry.reason
        for entry in entries
        if isinstance(entry, Skipped)
    }
    assert len(found) == len(set(found))
    return sorted(found), skipped


def test_photos_are_found_by_name_at_any_depth_and_nothing_else(tmp_path):
    for name in ("a.jpg", "B.JPEG", "deep/er/c.png", "deep/d.heic", "raw/e.CR2"):
        put(tmp_path / name)
    for name in ("notes.txt", "film.mp4", "jpg", "a.jpg.xmp"):
        put(tmp_path / name)
    (tmp_path / "folder.jpg").mkdir()
    found, skipped = walk(tmp_path)
    assert found == sorted(
        map(str, map(Path, ["a.jpg", "B.JPEG", "deep/er/c.png", "deep/d.heic", "raw/e.CR2"]))
    )
    assert skipped == {}


def test_a_found_photo_carries_its_size_times_and_inode(tmp_path):
    photo = put(tmp_path / "a.jpg", b"12345")
    sidecar = put(tmp_path / "a.xmp", age=30)
    put(tmp_path / "b.jpg")
    first, second = sorted(scan(str(tmp_path), Rules()), key=lambda found: found.path)
    status = photo.stat()
    assert first == Found(
        str(photo), 5, status.st_mtime_ns, status.st_ino, sidecar.stat().st_mtime_ns
    )
    assert (first.changed, first.sidecar_changed) == (
        status.st_ctime_ns,
        sidecar.stat().st_ctime_ns,
    )
    assert (second.sidecar, second.sidecar_changed) == (None, 0)


def test_folders_that_are_left_out_are_not_entered(tmp_path):
    put(tmp_path / "a.jpg")
    put(tmp_path / ".hidden" / "b.jpg")
    put(tmp_path / "drafts" / "c.jpg")
    put(tmp_path / "2024" / "d.png")
    assert walk(tmp_path, rules=Rules(["/drafts/", "*.png"])) == (["a.jpg"], {})


def test_the_added_folder_itself_is_never_left_out(tmp_path):
    put(tmp_path / ".hidden" / "a.jpg")
    assert walk(tmp_path / ".hidden") == (["a.jpg"], {})


def test_folders_apart_are_not_entered(tmp_path):
    put(tmp_path / "a.jpg")
    put(tmp_path / "nested" / "b.jpg")
    put(tmp_path / "nested2" / "c.jpg")
    found, _ = walk(tmp_path, apart=[tmp_path / "nested"])
    assert found == ["a.jpg", str(Path("nested2/c.jpg"))]


def test_a_missing_folder_is_skipped_as_a_whole(tmp_path):
    folder = str(tmp_path / "gone")
    assert list(scan(folder, Rules())) == [Skipped(folder, "it is missing")]


if posix:

    def test_links_to_folders_never_lead_round_in_a_loop(tmp_path):
        put(tmp_path / "p" / "a.jpg")
        (tmp_path / "p" / "self").symlink_to(".")
        (tmp_path / "p" / "up").symlink_to("..")
        (tmp_path / "p" / "root").symlink_to("/")
        (tmp_path / "p" / "x").symlink_to(tmp_path / "out")
        put(tmp_path / "out" / "b.jpg")
        (tmp_path / "out" / "back").symlink_to(tmp_path / "p")
        (tmp_path / "out" / "again").symlink_to(tmp_path / "out")
        (tmp_path / "p" / "me").symlink_to("me")
        assert walk(tmp_path / "p") == (["a.jpg", "x/b.jpg"], {"me": "the link leads nowhere"})

    def test_what_two_links_lead_to_is_found_once(tmp_path):
        put(tmp_path / "out" / "a.jpg")
        put(tmp_path / "out" / "deep" / "b.jpg")
        pictures = tmp_path / "p"
        pictures.mkdir()
        (pictures / "1").symlink_to(tmp_path / "out" / "deep")
        (pictures / "2").symlink_to(tmp_path / "out")
        (pictures / "3").symlink_to(tmp_path / "out")
        (pictures / "4.jpg").symlink_to(tmp_path / "out" / "a.jpg")
        assert walk(pictures) == (["1/b.jpg", "2/a.jpg"], {})

    def test_a_link_to_a_file_is_a_photo_where_the_file_lies_outside(tmp_path):
        put(tmp_path / "out.jpg")
        put(tmp_path / "p" / "a.jpg")
        put(tmp_path / "other" / "b.jpg")
        pictures = tmp_path / "p"
        (pictures / "inside.jpg").symlink_to("a.jpg")
        (pictures / "outside.jpg").symlink_to("../out.jpg")
        (pictures / "outside too.jpg").symlink_to("../out.jpg")
        (pictures / "other.jpg").symlink_to("../other/b.jpg")
        (pictures / "broken.jpg").symlink_to("nothing.jpg")
        assert walk(pictures, apart=[tmp_path / "other"]) == (
            ["a.jpg", "outside too.jpg"],
            {"broken.jpg": "the link leads nowhere"},
        )

    def test_an_added_folder_may_be_a_link(tmp_path):
        put(tmp_path / "real" / "deep" / "a.jpg")
        put(tmp_path / "real" / "nested" / "b.jpg")
        (tmp_path / "link").symlink_to("real")
        nested = tmp_path / "real" / "nested"
        assert walk(tmp_path / "link", apart=[nested]) == (["deep/a.jpg"], {})

    def test_pipes_and_sockets_are_no_photos(tmp_path):
        os.mkfifo(tmp_path / "a.jpg")
        assert walk(tmp_path) == ([], {})


if sys.platform == "linux":

    def test_names_that_are_not_utf8_survive(tmp_path):
        folder = os.fsencode(tmp_path) + b"/\xe9t\xe9"
        os.mkdir(folder)  # noqa: PTH102
        put(Path(os.fsdecode(folder + b"/\xff\n.jpg")))
        (found,) = scan(str(tmp_path), Rules())
        assert os.fsencode(found.path) == folder + b"/\xff\n.jpg"


def test_an_unreadable_folder_is_reported_and_the_rest_is_found(tmp_path, monkeypatch):
    put(tmp_path / "a.jpg")
    put(tmp_path / "locked" / "b.jpg")
    scandir = os.scandir

    def refuse(path):
        if path == str(tmp_path / "locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert walk(tmp_path) == (["a.jpg"], {"locked": "Permission denied"})


def test_a_file_that_vanishes_during_a_scan_is_not_an_error(tmp_path):
    fresh = put(tmp_path / "a.jpg", age=0)
    put(tmp_path / "b" / "c.jpg", age=0)
    entries = scan(str(tmp_path), Rules())
    fresh.unlink()
    assert [Path(entry.path).name for entry in entries] == ["c.jpg"]
