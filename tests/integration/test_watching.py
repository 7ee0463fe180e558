"""Watching real folders, with the system's own events."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import patience
from watcher_reports import Mirror, WatcherReports, eventually

from photofind.indexing.excludes import Rules
from photofind.indexing.watching.events import Change, Kind
from photofind.indexing.watching.watcher import Watcher
from photofind.paths import is_below

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify")

PATIENCE = patience()
INOTIFY = Path("/proc/sys/fs/inotify")


class Album(WatcherReports):
    """A folder that is being watched, and what is reported of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.watcher = Watcher(self.take, check_seconds=0.2)

    def begin(self, **rules: Rules) -> None:
        self.watcher.start()
        self.watch(self.folder)

    def watch(self, *folders: Path, rules: Rules | None = None) -> None:
        self.watcher.watch({str(folder): rules or Rules() for folder in folders})
        assert self.watcher.settle(PATIENCE)
        self.forget()

    @property
    def state(self) -> str | None:
        return self.watcher.state(str(self.folder))

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def expect(self, **names: str) -> None:
        """Wait until these have happened: a kind with names, apart by spaces."""
        self.wait_for(
            *(
                Change(Kind[kind.upper()], self.path(name))
                for kind, some in names.items()
                for name in some.split()
            )
        )

    def expect_only(self, *, new: str = "", **names: str) -> None:
        """Wait until these have happened, and nothing else before a last sign of life.

        Files that are ``new`` are complete; before, they may have been reported as changing.
        """
        self.expect(**names)
        self.expect(complete=new)
        end = self.give_sign()
        expected = {
            (Kind[kind.upper()], self.path(name))
            for kind, some in names.items()
            for name in some.split()
        }
        news = [self.path(name) for name in new.split()]
        expected |= {(Kind.COMPLETE, path) for path in news}
        got = {(c.kind, c.path) for c in self.all if c.path != end}
        assert got - {(Kind.CHANGED, path) for path in news} == expected

    def give_sign(self) -> str:
        """Give a sign of life, and wait for it: all before it is reported then; return its path."""
        end = self.folder / "end.jpg"
        end.touch()
        end.unlink()
        self.expect(gone="end.jpg")
        return str(end)


def own_threads() -> set[threading.Thread]:
    """Return the threads that run, without those that touch files, which end when they are idle."""
    return {thread for thread in threading.enumerate() if thread.name != "touch"}


@pytest.fixture
def album(tmp_path, monkeypatch) -> Iterator[Album]:
    monkeypatch.setattr("photofind.indexing.watching.watcher.RENEWAL_SECONDS", 0.1)
    folder = tmp_path.resolve() / "p"
    (folder / "x").mkdir(parents=True)
    (folder / "y").mkdir()
    before = own_threads()
    album = Album(folder)
    album.begin()
    yield album
    begin = time.monotonic()
    album.watcher.stop()
    assert time.monotonic() - begin < patience(5)
    assert own_threads() <= before


@pytest.fixture
def outside(tmp_path) -> Path:
    outside = tmp_path.resolve() / "outside"
    outside.mkdir()
    return outside


@pytest.fixture
def slow_moves(monkeypatch) -> None:
    """Let it be long until the second half of a move is read, as on a busy machine."""
    monkeypatch.setattr("photofind.indexing.watching.event_collector.MOVE_SECONDS", PATIENCE)


def test_a_file_is_complete_once_its_writer_closed_it(album):
    with (album.folder / "a.jpg").open("wb") as file:
        file.write(b"photo")
        file.flush()
        album.expect(changed="a.jpg")
        assert Change(Kind.COMPLETE, album.path("a.jpg")) not in album.all
        file.write(b"graph")
    album.expect(complete="a.jpg")


def test_a_file_that_is_written_over_is_complete_once_it_is_closed(album):
    (album.folder / "a.jpg").write_bytes(b"photo")
    album.expect(complete="a.jpg")
    album.forget()
    (album.folder / "a.jpg").write_bytes(b"photograph")
    album.expect_only(complete="a.jpg")


def test_reading_and_listing_tell_nothing(album):
    (album.folder / "x" / "a.jpg").write_bytes(b"photo")
    album.expect(complete="x/a.jpg")
    album.forget()
    (album.folder / "x" / "a.jpg").read_bytes()
    assert list(album.folder.rglob("*"))
    album.expect_only()


def test_an_editor_that_saves_by_replacing_changes_one_file_once(album):
    (album.folder / "a.jpg").write_bytes(b"photo")
    album.expect(complete="a.jpg")
    album.forget()
    (album.folder / "a.jpg.tmp").write_bytes(b"better")
    (album.folder / "a.jpg.tmp").replace(album.folder / "a.jpg")
    album.expect_only(complete="a.jpg")
    album.forget()
    (album.folder / "a.jpg").rename(album.folder / "a.jpg~")
    (album.folder / "a.jpg").write_bytes(b"best")
    (album.folder / "a.jpg~").unlink()
    album.expect(complete="a.jpg")


def test_renames_are_both_ends_at_once(album, slow_moves):
    (album.folder / "a.jpg").touch()
    album.expect(complete="a.jpg")
    for old, new in [("a.jpg", "b.jpg"), ("b.jpg", "x/b.jpg"), ("x/b.jpg", "y/c.jpg")]:
        album.forget()
        (album.folder / old).rename(album.folder / new)
        album.expect(gone=old, complete=new)
        assert [
            Change(Kind.GONE, album.path(old)),
            Change(Kind.COMPLETE, album.path(new)),
        ] in album.batches


def test_moves_from_one_added_folder_to_another_are_both_ends_at_once(album, outside, slow_moves):
    (album.folder / "a.jpg").touch()
    (album.folder / "x" / "b.jpg").touch()
    album.watch(album.folder, outside)
    (album.folder / "a.jpg").rename(outside / "a.jpg")
    moved = [Change(Kind.GONE, album.path("a.jpg")), Change(Kind.COMPLETE, str(outside / "a.jpg"))]
    album.wait_for(*moved)
    assert moved in album.batches
    (album.folder / "x").rename(outside / "x")
    moved = [Change(Kind.GONE, album.path("x")), Change(Kind.TREE, str(outside / "x"))]
    album.wait_for(*moved)
    assert moved in album.batches
    album.forget()
    (outside / "x" / "c.jpg").touch()
    album.wait_for(Change(Kind.COMPLETE, str(outside / "x" / "c.jpg")))


def test_files_come_and_go_by_moves(album, outside):
    (outside / "a.jpg").touch()
    (outside / "a.jpg").rename(album.folder / "a.jpg")
    album.expect_only(complete="a.jpg")
    album.forget()
    (album.folder / "a.jpg").rename(outside / "a.jpg")
    album.expect_only(gone="a.jpg")


def test_a_folder_that_comes_is_looked_at_as_a_whole_and_watched_from_then_on(album, outside):
    (outside / "n" / "m").mkdir(parents=True)
    (outside / "n" / "m" / "a.jpg").touch()
    (outside / "n").rename(album.folder / "n")
    album.expect_only(tree="n")
    album.forget()
    (album.folder / "n" / "m" / "b.jpg").touch()
    album.expect_only(new="n/m/b.jpg")


def test_a_folder_that_is_made_is_watched_however_fast_it_is_filled(album):
    for number in range(20):
        deep = album.folder / f"n{number}" / "a" / "b"
        deep.mkdir(parents=True)
        (deep / "a.jpg").touch()
    for number in range(20):
        top = album.path(f"n{number}")
        assert eventually(
            lambda top=top: any(
                (c.kind is Kind.TREE and c.path == top)
                or (c.kind is Kind.COMPLETE and c.path.startswith(top))
                for c in album.all
            )
        )  # fmt: skip
    album.give_sign()  # A folder may be known while those in it are not watched yet.
    album.forget()
    for number in range(20):
        (album.folder / f"n{number}" / "a" / "b" / "b.jpg").touch()
    album.expect(complete=" ".join(f"n{number}/a/b/b.jpg" for number in range(20)))


def test_a_renamed_folder_goes_and_comes_at_once_and_is_watched_under_its_new_name(
    album, slow_moves
):
    (album.folder / "x" / "deep").mkdir()
    album.expect(tree="x/deep")
    album.forget()
    (album.folder / "x").rename(album.folder / "z")
    album.expect(gone="x", tree="z")
    assert [Change(Kind.GONE, album.path("x")), Change(Kind.TREE, album.path("z"))] in album.batches
    album.forget()
    (album.folder / "z" / "deep" / "a.jpg").touch()
    album.expect_only(new="z/deep/a.jpg")


def test_a_folder_that_was_moved_out_is_watched_no_longer(album, outside):
    (album.folder / "x" / "deep").mkdir()
    album.expect(tree="x/deep")
    (album.folder / "x").rename(outside / "x")
    album.expect(gone="x")
    album.forget()
    (outside / "x" / "deep" / "a.jpg").touch()
    album.expect_only()
    (outside / "x").rename(album.folder / "x")
    album.expect(tree="x")
    album.forget()
    (album.folder / "x" / "deep" / "b.jpg").touch()
    album.expect(complete="x/deep/b.jpg")


def test_a_folder_that_is_deleted_is_gone_with_what_was_in_it(album):
    (album.folder / "x" / "deep").mkdir()
    album.expect(tree="x/deep")  # It is watched now; before, a file in it would not be reported.
    (album.folder / "x" / "deep" / "a.jpg").touch()
    album.expect(complete="x/deep/a.jpg")
    album.forget()
    shutil.rmtree(album.folder / "x")
    album.expect_only(gone="x x/deep x/deep/a.jpg")
    album.forget()
    (album.folder / "x").mkdir()
    album.expect(tree="x")
    album.forget()
    (album.folder / "x" / "a.jpg").touch()
    album.expect_only(new="x/a.jpg")


def test_names_may_be_anything(album):
    names = ["a b.jpg", "new\nline.jpg", os.fsdecode(b"\xff\xfe.jpg"), "\U0001f600.JPG", "'\".png"]
    for name in names:
        (album.folder / f"in {name}").mkdir()
    album.wait_for(*(Change(Kind.TREE, album.path(f"in {name}")) for name in names))
    for name in names:
        (album.folder / f"in {name}" / name).write_bytes(b"photo")
    album.wait_for(*(Change(Kind.COMPLETE, album.path(f"in {name}/{name}")) for name in names))
    album.forget()
    for name in names:
        (album.folder / f"in {name}").rename(album.folder / f"now {name}")
    album.wait_for(
        *(Change(Kind.GONE, album.path(f"in {name}")) for name in names),
        *(Change(Kind.TREE, album.path(f"now {name}")) for name in names),
    )


def test_what_is_left_out_or_is_no_photo_is_not_reported_nor_watched(album):
    album.watch(album.folder, rules=Rules(["drafts/", "*.png"]))
    for name in (".git", "drafts", "x/.thumbnails", "x/node_modules"):
        (album.folder / name / "deep").mkdir(parents=True)
        (album.folder / name / "deep" / "a.jpg").touch()
        shutil.rmtree(album.folder / name)
    for name in ("a.png", ".a.jpg", "a.txt", "x/b.png", "a.jpg.part"):
        (album.folder / name).touch()
        (album.folder / name).chmod(0o600)
        (album.folder / name).rename(album.folder / f"{name}.old")
        (album.folder / f"{name}.old").unlink()
    album.expect_only()


def test_what_comes_out_of_hiding_comes_and_what_hides_goes(album):
    (album.folder / ".a").write_bytes(b"photo")
    (album.folder / ".b").mkdir()
    (album.folder / ".a").rename(album.folder / "a.jpg")
    (album.folder / ".b").rename(album.folder / "b")
    album.expect_only(complete="a.jpg", tree="b")
    album.forget()
    (album.folder / "a.jpg").rename(album.folder / ".a.jpg")
    (album.folder / "b").rename(album.folder / ".b")
    album.expect_only(gone="a.jpg b")


def test_a_sidecar_stands_for_its_photos(album):
    (album.folder / "x" / "a.jpg").touch()
    (album.folder / "x" / "b.jpg").touch()
    album.expect(complete="x/a.jpg x/b.jpg")
    album.forget()
    (album.folder / "x" / "a.xmp").write_text("<xmp/>")
    (album.folder / "x" / "a.jpg.xmp").write_text("<xmp/>")
    (album.folder / "x" / "c.xmp").write_text("<xmp/>")
    album.expect_only(complete="x/a.jpg")
    album.forget()
    (album.folder / "x" / "a.xmp").rename(album.folder / "x" / "b.xmp")
    album.expect_only(complete="x/a.jpg x/b.jpg")
    album.forget()
    (album.folder / "x" / "b.xmp").unlink()
    album.expect_only(complete="x/b.jpg")


def test_other_times_and_permissions_are_changes(album):
    (album.folder / "a.jpg").touch()
    album.expect(complete="a.jpg")
    album.forget()
    os.utime(album.folder / "a.jpg", (1, 1))
    album.expect_only(complete="a.jpg")
    album.forget()
    (album.folder / "a.jpg").chmod(0o600)
    album.expect_only(complete="a.jpg")


def test_a_file_with_another_name_is_complete_and_changes_under_all_names(album):
    (album.folder / "a.jpg").write_bytes(b"photo")
    os.link(album.folder / "a.jpg", album.folder / "x" / "b.jpg")
    album.expect(complete="x/b.jpg")
    album.forget()
    (album.folder / "a.jpg").write_bytes(b"photograph")
    album.wait_for(Change(Kind.TREE, str(album.folder)))


def test_folders_in_one_another_are_each_reported_as_themselves(album):
    inner = album.folder / "x"
    album.watch(album.folder, inner)
    (inner / "a.jpg").touch()
    (album.folder / "b.jpg").touch()
    album.expect_only(new="x/a.jpg b.jpg")
    album.forget()
    (inner / "deep").mkdir()
    album.expect(tree="x/deep")
    shutil.rmtree(inner)
    album.expect(tree="x")
    assert eventually(lambda: album.watcher.state(str(inner)) is None)
    album.forget()
    inner.mkdir()
    assert eventually(lambda: album.watcher.state(str(inner)) == "events")
    album.expect(tree="x")
    (inner / "c.jpg").touch()
    album.expect(complete="x/c.jpg")


def test_the_home_is_never_watched(tmp_path):
    folder = tmp_path.resolve()
    reported = WatcherReports()
    watcher = Watcher(reported.take, apart=[str(folder / "home")])
    watcher.start()
    try:
        watcher.watch({str(folder): Rules()})
        assert watcher.settle(PATIENCE)
        (folder / "home" / "cache").mkdir(parents=True)
        (folder / "home" / "cache" / "a.jpg").touch()
        (folder / "b.jpg").touch()
        reported.wait_for(Change(Kind.COMPLETE, str(folder / "b.jpg")))
        assert not [
            change for change in reported.all if is_below(change.path, str(folder / "home"))
        ]
    finally:
        watcher.stop()


def test_a_folder_that_was_added_by_a_link_is_reported_as_it_was_spelled(album, outside):
    link = album.folder.parent / "link"
    link.symlink_to(outside)
    album.watch(link)
    (outside / "a.jpg").touch()
    album.wait_for(Change(Kind.COMPLETE, str(link / "a.jpg")))
    assert album.watcher.state(str(link)) == "events"


def test_what_links_lead_to_is_watched_too(album, outside):
    album.watch(album.folder)
    whole = Change(Kind.TREE, str(album.folder))
    (outside / "deep").mkdir()
    single = outside.parent / "single"
    single.mkdir()
    (single / "photo.jpg").touch()
    (album.folder / "x" / "folder").symlink_to(outside)
    (album.folder / "file.jpg").symlink_to(single / "photo.jpg")
    (album.folder / "loop").symlink_to(album.folder)
    album.wait_for(whole)
    assert album.watcher.settle(PATIENCE)

    def replace() -> None:
        (single / "new").write_bytes(b"best")
        (single / "new").rename(single / "photo.jpg")

    for change in (
        lambda: (outside / "deep" / "a.jpg").touch(),
        lambda: (outside / "deep" / "more").mkdir(),
        lambda: (outside / "deep" / "more" / "a.jpg").touch(),
        lambda: (outside / "deep" / "more" / "a.jpg").unlink(),
        lambda: (single / "photo.jpg").write_bytes(b"better"),
        replace,
        lambda: (single / "photo.jpg").unlink(),
        lambda: (single / "photo.jpg").touch(),
        lambda: shutil.rmtree(outside),
        lambda: outside.mkdir(),
        lambda: (outside / "b.jpg").touch(),
        lambda: (album.folder / "file.jpg").unlink(),
    ):  # fmt: skip
        album.forget()
        change()
        album.wait_for(whole)
        assert eventually(album.watcher.settle)
    assert album.state == "events"
    album.forget()
    (single / "other.jpg").touch()
    album.expect_only()


def test_a_folder_that_is_replaced_moved_or_deleted_is_looked_at_anew(album):
    away = album.folder.parent / "away"
    whole = Change(Kind.TREE, str(album.folder))
    album.folder.rename(away)
    album.wait_for(whole)
    assert eventually(lambda: album.state is None)
    album.forget()
    (away / "x" / "a.jpg").touch()
    album.folder.mkdir()
    album.wait_for(whole)
    assert eventually(lambda: album.state == "events")
    assert album.watcher.settle(PATIENCE)
    album.forget()
    (album.folder / "b.jpg").touch()
    album.expect_only(new="b.jpg")
    shutil.rmtree(album.folder)
    assert eventually(lambda: album.state is None)
    away.rename(album.folder)
    assert eventually(lambda: album.state == "events")


def test_a_folder_below_one_that_is_renamed_is_missed_soon(tmp_path, album):
    above = tmp_path.resolve() / "above"
    deep = above / "deep" / "p"
    deep.mkdir(parents=True)
    album.watch(deep)
    above.rename(tmp_path / "elsewhere")
    assert eventually(lambda: album.watcher.state(str(deep)) is None)
    album.wait_for(Change(Kind.TREE, str(deep)))


def test_a_folder_in_it_that_could_not_be_read_is_looked_at_once_it_can(album):
    shut = album.folder / "shut"
    shut.mkdir()
    (shut / "a.jpg").touch()
    shut.chmod(0)
    if os.access(shut, os.R_OK):
        pytest.skip("root may read everything")
    try:
        album.watch(album.folder, rules=Rules(["none"]))
        shut.chmod(0o700)
        album.expect(tree="shut")
        album.forget()
        shut.chmod(0)
        shut.chmod(0o700)
        album.expect(tree="shut")
    finally:
        shut.chmod(0o700)


def test_a_burst_is_found_to_the_last_file(album):
    folder = str(album.folder)
    mirror = Mirror({folder: Rules()})
    watcher = Watcher(mirror.take)
    watcher.start()
    try:
        watcher.watch({folder: Rules()})
        assert watcher.settle(PATIENCE)
        for number in range(5000):
            place = album.folder / str(number // 500)
            place.mkdir(exist_ok=True)
            (place / f"{number}.jpg").write_bytes(b"%d" % number)
        assert eventually(lambda: len(mirror.known) == 5000)
        assert eventually(lambda: mirror.known == mirror.scanned())
        for number in range(5):
            shutil.rmtree(album.folder / str(number))
        assert eventually(lambda: len(mirror.known) == 2500)
        assert mirror.known == mirror.scanned()
    finally:
        watcher.stop()


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_what_is_reported_leads_to_what_a_scan_finds(tmp_path, seed):
    base = tmp_path.resolve()
    for name in ("a", "a/in", "b", "out"):
        (base / name).mkdir()
    folders = {
        str(base / "a"): Rules(["skip/"]),
        str(base / "a/in"): Rules(),
        str(base / "b"): Rules(),
    }
    mirror = Mirror(folders)
    watcher = Watcher(mirror.take)
    watcher.start()
    watcher.watch(folders)
    try:
        disorder = Disorder(base, random.Random(seed), links=seed % 2 == 1)
        for number in range(200):
            with contextlib.suppress(OSError):
                disorder.make()
            if number % 40 == 0:
                time.sleep(0.05)
        assert eventually(lambda: watcher.settle() and mirror.known == mirror.scanned()), (
            mirror.known,
            mirror.scanned(),
            disorder.done,
        )
    finally:
        watcher.stop()


class Disorder:
    """Does one thing or another to files and folders."""

    FILES = ("a.jpg", "b.jpg", "c.png", "d.txt", "a.xmp", "n\nl.jpg", "x\udcff.jpg")
    FOLDERS = ("1", "2", "3", ".hidden", "skip", "e\udcfe")

    def __init__(self, base: Path, chance: random.Random, *, links: bool) -> None:
        self._base = base
        self._chance = chance
        self._keep = {base / "a" / "in"}
        self._kinds = [self._write, self._write, self._make, self._move, self._move, self._move]
        self._kinds += [self._remove, self._touch, self._bring, *([self._link] if links else [])]
        self.done: list[tuple[str, ...]] = []

    def make(self) -> None:
        self._chance.choice(self._kinds)()

    def _tops(self) -> list[Path]:
        return [self._base / name for name in ("a", "b", "out")]

    def _folder(self) -> Path:
        return Path(self._chance.choice([p for top in self._tops() for p, _, _ in os.walk(top)]))

    def _thing(self) -> Path:
        every = [
            Path(folder, name)
            for top in self._tops()
            for folder, folders, files in os.walk(top)
            for name in (*folders, *files)
        ]
        return self._chance.choice([p for p in every if p not in self._keep] or [self._base / "no"])

    def _name(self, *, is_folder: bool) -> Path:
        names = self.FOLDERS if is_folder else self.FILES
        return self._folder() / self._chance.choice(names)

    def _do(self, what: str, *paths: Path) -> None:
        self.done.append((what, *(str(path.relative_to(self._base)) for path in paths)))

    def _write(self) -> None:
        path = self._name(is_folder=False)
        self._do("write", path)
        with path.open(self._chance.choice(["ab", "wb"])) as file:
            file.write(b"x" * self._chance.randrange(50))

    def _make(self) -> None:
        path = self._name(is_folder=True)
        self._do("make", path)
        path.mkdir()

    def _move(self) -> None:
        source = self._thing()
        target = self._name(is_folder=source.is_dir())
        self._do("move", source, target)
        source.rename(target)

    def _remove(self) -> None:
        path = self._thing()
        self._do("remove", path)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()

    def _touch(self) -> None:
        path = self._thing()
        self._do("touch", path)
        os.utime(path, (self._chance.randrange(10**9),) * 2)

    def _bring(self) -> None:
        source, target = self._base / "new", self._name(is_folder=True)
        self._do("bring", target)
        (source / "1" / "2").mkdir(parents=True, exist_ok=True)
        (source / "1" / "a.jpg").touch()
        (source / "1" / "2" / "b.jpg").touch()
        source.rename(target)

    def _link(self) -> None:
        target, path = self._thing(), self._name(is_folder=self._chance.random() < 0.5)
        self._do("link", target, path)
        path.symlink_to(target)


# What takes many folders, and root.


def put_folders(folder: Path, count: int) -> None:
    for number in range(count):
        (folder / str(number % 50) / str(number)).mkdir(parents=True)


@contextlib.contextmanager
def kernel_setting(name: str, value: int) -> Iterator[None]:
    """Give a block in which a limit of inotify is another."""
    path = INOTIFY / name
    if not os.access(path, os.W_OK):
        pytest.skip(f"{path} cannot be written")
    before = path.read_text()
    try:
        path.write_text(str(value))
        yield
    finally:
        path.write_text(before)


def watches_in_use() -> int:
    """Return how many inotify watches all processes have."""
    count = 0
    for info in Path("/proc").glob("[0-9]*/fdinfo/*"):
        with contextlib.suppress(OSError):
            count += info.read_text().count("inotify wd:")
    return count


def test_three_thousand_folders_cost_nothing_while_others_walk_through_them(album):
    put_folders(album.folder / "x", 3000)
    assert album.watcher.settle(PATIENCE)
    album.watch(album.folder, rules=Rules(["none"]))
    (album.folder / "x" / "7" / "7" / "a.jpg").write_bytes(b"photo")
    album.expect(complete="x/7/7/a.jpg")
    album.forget()
    before = time.process_time()
    for _ in range(3):
        subprocess.run(["find", str(album.folder), "-type", "f"], check=True, capture_output=True)
    assert time.process_time() - before < 0.2
    album.expect_only()


@pytest.mark.alone
def test_a_queue_that_overflows_ends_in_a_look_at_everything_and_then_it_is_quiet(album):
    put_folders(album.folder / "x", 300)
    assert album.watcher.settle(PATIENCE)
    with kernel_setting("max_queued_events", 16):
        album.watcher.stop()  # The length of the queue is that of the instance's beginning.
        again = Album(album.folder)
        again.begin()
        try:
            provoke_overflow(again)
            (album.folder / "x" / "9" / "9" / "late.jpg").touch()
            again.expect(complete="x/9/9/late.jpg")
            assert again.state == "events"
            assert again.watcher.settle(PATIENCE)
            again.forget()
            before = time.process_time()
            time.sleep(1.0)
            assert time.process_time() - before < 0.3
            assert again.all == []
        finally:
            again.watcher.stop()


def provoke_overflow(album: Album) -> None:
    """Make more events than the queue holds, until it is noticed."""
    whole = Change(Kind.TREE, str(album.folder))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.5)  # So that the thread that reads does not get its turn.
    try:
        began = time.monotonic()
        while whole not in album.all:
            assert time.monotonic() - began < patience()
            for number in range(500):
                (album.folder / "x" / "1" / "1" / f"{number}.txt").touch()
            for number in range(500):
                (album.folder / "x" / "1" / "1" / f"{number}.txt").unlink()
            time.sleep(0.05)
    finally:
        sys.setswitchinterval(interval)
    # The queue may have overflowed again: it is read to the end when its last event is reported.
    for number in range(100):
        end = album.folder / f"end {number}.jpg"
        end.touch()
        end.unlink()
        if eventually(lambda end=end: Change(Kind.GONE, str(end)) in album.all, 1.0):
            break
    else:
        pytest.fail("no event is reported any more")
    assert album.watcher.settle(PATIENCE)


@pytest.mark.alone
def test_an_overflow_with_more_folders_than_the_queue_is_long_does_not_go_on_for_ever(album):
    put_folders(album.folder / "x", 200)
    with kernel_setting("max_queued_events", 100):
        again = Album(album.folder)
        again.begin()
        try:
            provoke_overflow(again)
            again.forget()
            time.sleep(2.0)
            assert again.all == []
            (album.folder / "x" / "9" / "9" / "late.jpg").touch()
            again.expect(complete="x/9/9/late.jpg")
        finally:
            again.watcher.stop()


@pytest.mark.alone
def test_at_the_limit_of_watches_it_polls_and_goes_back_to_events_when_that_is_raised(album):
    put_folders(album.folder / "x", 2000)
    assert album.watcher.settle(PATIENCE)
    album.watcher.stop()
    again = Album(album.folder)
    again.watcher = Watcher(again.take, poll_seconds=0.5, check_seconds=0.2)
    with kernel_setting("max_user_watches", watches_in_use() + 500):
        again.watcher.start()
        try:
            again.watcher.watch({str(album.folder): Rules()})
            assert again.watcher.settle(PATIENCE)
            assert again.state == "polled"
            [problem] = again.watcher.problems
            assert "2,053 folders" in problem
            assert f"allows {int((INOTIFY / 'max_user_watches').read_text()):,}" in problem
            assert "fs.inotify.max_user_watches=524288 | sudo tee" in problem
            assert eventually(lambda: len(again.all) >= 3)
            assert set(again.all) == {Change(Kind.TREE, str(album.folder))}
            (INOTIFY / "max_user_watches").write_text("100000")
            assert eventually(lambda: again.state == "events")
            assert again.watcher.problems == []
            assert again.watcher.settle(PATIENCE)
            again.forget()
            (album.folder / "x" / "7" / "7" / "a.jpg").touch()
            again.expect_only(new="x/7/7/a.jpg")
        finally:
            again.watcher.stop()


@pytest.mark.alone
def test_a_limit_that_is_reached_later_is_noticed_too(album):
    with kernel_setting("max_user_watches", watches_in_use() + 50):
        put_folders(album.folder / "x", 200)
        assert eventually(lambda: album.state == "polled")
        [problem] = album.watcher.problems
        assert "max_user_watches" in problem
    assert eventually(lambda: album.state == "events")


@pytest.mark.alone
def test_at_the_limit_of_instances_it_polls_and_goes_back_to_events_when_that_is_raised(album):
    with kernel_setting("max_user_instances", 1):
        again = Album(album.folder)
        again.watcher.start()
        try:
            again.watcher.watch({str(album.folder): Rules()})
            assert again.watcher.settle(PATIENCE)
            assert again.state == "polled"
            [problem] = again.watcher.problems
            assert "allows 1 instances" in problem
            assert "fs.inotify.max_user_instances=1024 | sudo tee" in problem
            (INOTIFY / "max_user_instances").write_text("1000")
            assert eventually(lambda: again.state == "events")
        finally:
            again.watcher.stop()


@contextlib.contextmanager
def mounted(kind: str, target: Path, *options: str) -> Iterator[None]:
    """Give a block in which something is mounted."""
    command = ["mount", *options, *(["-t", kind, kind] if kind else []), str(target)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(target)], capture_output=True, check=False)


def test_a_drive_that_comes_and_goes_in_a_folder_is_looked_at_each_time(album):
    drive = album.folder / "x"
    whole = Change(Kind.TREE, str(album.folder))
    with mounted("tmpfs", drive):
        album.wait_for(whole)
        assert album.watcher.settle(PATIENCE)
        album.forget()
        (drive / "a.jpg").touch()
        album.expect_only(new="x/a.jpg")
        album.forget()
        subprocess.run(["umount", str(drive)], check=True)  # Being watched does not keep it busy.
        album.wait_for(whole)
        assert album.watcher.settle(PATIENCE)
        album.forget()
        (drive / "b.jpg").touch()
        album.expect_only(new="x/b.jpg")
        subprocess.run(["mount", "--bind", album.path("y"), str(drive)], check=True)
        album.wait_for(whole)
        assert album.watcher.settle(PATIENCE)
        album.forget()
        (album.folder / "y" / "c.jpg").touch()
        album.expect(complete="y/c.jpg")


def test_a_folder_that_is_a_drive_is_looked_at_when_it_comes_and_goes(album, outside):
    album.watch(outside)
    whole = Change(Kind.TREE, str(outside))
    with mounted("tmpfs", outside):
        album.wait_for(whole)
        assert album.watcher.settle(PATIENCE)
        album.forget()
        (outside / "a.jpg").touch()
        album.wait_for(Change(Kind.COMPLETE, str(outside / "a.jpg")))
        album.forget()
    album.wait_for(whole)
    assert album.watcher.settle(PATIENCE)
    assert album.watcher.state(str(outside)) == "events"


def test_a_share_in_a_folder_is_polled_and_not_walked_through(album, monkeypatch):
    monkeypatch.setattr("photofind.indexing.watching.mounting._REMOTE", frozenset({"tmpfs"}))
    again = Album(album.folder)
    again.watcher = Watcher(again.take, poll_seconds=0.3, check_seconds=0.2)
    with mounted("tmpfs", album.folder / "x"):
        (album.folder / "x" / "deep").mkdir()
        again.watcher.start()
        try:
            again.watcher.watch({str(album.folder): Rules(), album.path("x/deep"): Rules()})
            assert again.watcher.settle(PATIENCE)
            assert again.state == "events"
            assert again.watcher.state(album.path("x/deep")) == "polled"
            assert again.watcher.problems == []
            again.forget()
            again.expect(tree="x x/deep")
            (album.folder / "y" / "a.jpg").touch()
            again.expect(complete="y/a.jpg")
        finally:
            again.watcher.stop()


def test_what_reads_the_events_is_replaced_when_it_ends(album):
    reader = next(thread for thread in threading.enumerate() if thread.name == "inotify")
    reader.stop()
    album.wait_for(Change(Kind.TREE, str(album.folder)))
    assert album.watcher.settle(PATIENCE)
    assert album.state == "events"
    album.forget()
    (album.folder / "x" / "a.jpg").touch()
    album.expect_only(new="x/a.jpg")


def test_idle_it_takes_no_time(album):
    put_folders(album.folder / "x", 500)
    assert album.watcher.settle(PATIENCE)
    before = time.process_time()
    time.sleep(3.0)
    assert time.process_time() - before < 0.1
