"""macOS and Windows, as far as that goes elsewhere: with what their systems would say played back.

watchdog's own code for them runs here; only what it calls in the system is a stand-in.
"""

from __future__ import annotations

import ctypes
import os
import queue
import sys
import threading
import time
import unicodedata
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from waiting import patience, wait_until
from watchdog.events import (
    DirCreatedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
)
from watchdog.observers.api import BaseObserver, EventEmitter

from photofind.indexing.excludes import Rules
from photofind.indexing.watching import observers as module
from photofind.indexing.watching.event_collector import EventCollector
from photofind.indexing.watching.events import Change, Kind
from photofind.indexing.watching.mounting import Mount, Mounts
from photofind.indexing.watching.observers import Observers, ObserverWatch, new_observer
from photofind.indexing.watching.watched_folder import WatchedFolder

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the systems themselves are there, or their stand-ins are not"
)
PATIENCE = patience(20.0)


class Noticed:
    """What was noted, and what is done to have it noted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checks_requested: list[None] = []
        self.events = EventCollector(lambda: None)
        self.observers = Observers(self.events, lambda: self.checks_requested.append(None))
        self._seen: list[Change] = []

    def watch(self, *rules: str, mounts: Mounts | None = None, apart=()) -> ObserverWatch:
        watched_folder = WatchedFolder(
            str(self.folder), os.path.realpath(self.folder), Rules(rules), map(str, apart)
        )
        return self.observers.watch(watched_folder, mounts or Mounts(()))

    def seen(self) -> set[Change]:
        self._seen += self.events.take()
        return set(self._seen)

    def wait_for(self, *changes: Change) -> None:
        """Wait until exactly these have been noted since the last time."""
        until = time.monotonic() + PATIENCE
        while not self.seen() >= set(changes):
            assert time.monotonic() < until, f"{changes} are not among {self._seen}"
            time.sleep(0.01)
        # The same may be said twice; the second time counts to this wait, not to the next one.
        queued = self.observers._observer.event_queue
        wait_until(lambda: not queued.unfinished_tasks, "the end of what was said")
        assert self.seen() == set(changes)
        self._seen.clear()

    def wait_until_not_well(self, watch: ObserverWatch) -> None:
        wait_until(lambda: not watch.is_intact, "not being well", PATIENCE)

    def wait_for_check_request(self) -> None:
        wait_until(lambda: self.checks_requested, "a request for a check", PATIENCE)

    def __getattr__(self, kind: str):
        """Return what makes a change of a kind of a path below the folder."""
        return lambda path="": Change(Kind[kind], str(self.folder / path))


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path.resolve() / "p"
    folder.mkdir()
    return folder


@pytest.fixture
def noticed(folder):
    noticed = Noticed(folder)
    yield noticed
    noticed.observers.close()


# macOS.

CREATED, REMOVED, ATTRIBUTES, RENAMED, MODIFIED = 0x100, 0x200, 0x400, 0x800, 0x1000
FILE, FOLDER = 0x10000, 0x20000
MUST_SCAN, USER_DROPPED, ROOT_CHANGED = 0x1, 0x2, 0x20


FLAGS = {
    "must_scan_subdirs": MUST_SCAN,
    "is_user_dropped": USER_DROPPED,
    "is_kernel_dropped": 0x4,
    "is_root_changed": ROOT_CHANGED,
    "is_created": CREATED,
    "is_removed": REMOVED,
    "is_inode_meta_mod": ATTRIBUTES,
    "is_renamed": RENAMED,
    "is_modified": MODIFIED,
    "is_directory": FOLDER,
    "is_xattr_mod": 0x8000,
    "is_owner_change": 0x4000,
}


class NativeEvent:
    def __init__(self, path, inode, flags, event_id) -> None:
        self.path, self.inode, self.flags = path, inode, flags

    def __getattr__(self, name: str) -> bool:
        return bool(self.flags & FLAGS[name])


class Stream:
    """An FSEvents stream that says what a test wants it to."""

    streams: list[Stream] = []  # noqa: RUF012

    def __init__(self, paths, latency) -> None:
        self.paths = paths
        self._stopped = threading.Event()
        self._callback = None
        self.streams.append(self)

    def run(self, callback, started) -> None:
        self._callback = callback
        started()
        self._stopped.wait()

    def stop(self) -> None:
        self._stopped.set()

    def say(self, *events: tuple[str | Path, int]) -> None:
        paths = [str(path) for path, _ in events]
        inodes = [Path(p).lstat().st_ino if os.path.lexists(p) else 99 for p in paths]
        self.say_raw(paths, inodes, [flags for _, flags in events])

    def say_raw(self, paths, inodes, flags) -> None:
        self._callback(paths, inodes, flags, list(range(len(paths))))


@pytest.fixture
def macos(monkeypatch, noticed):
    native = ModuleType("_watchdog_fsevents")
    native.NativeEvent, native.Stream = NativeEvent, Stream
    monkeypatch.setitem(sys.modules, "_watchdog_fsevents", native)
    monkeypatch.setattr(module, "sys", SimpleNamespace(platform="darwin"))
    monkeypatch.delitem(sys.modules, "watchdog.observers.fsevents", raising=False)
    monkeypatch.setattr(Stream, "streams", [])
    yield noticed
    noticed.observers.close()
    sys.modules.pop("watchdog.observers.fsevents", None)


def stream() -> Stream:
    return Stream.streams[-1]


def test_macos_files_count_as_changing_until_they_are_quiet(macos, folder):
    macos.watch()
    (folder / "a.jpg").touch()
    stream().say((folder / "a.jpg", CREATED | MODIFIED | FILE))
    macos.wait_for(macos.CHANGED("a.jpg"))
    stream().say((folder / "a.jpg", MODIFIED | FILE))
    macos.wait_for(macos.CHANGED("a.jpg"))
    stream().say((folder / "a.jpg", ATTRIBUTES | FILE))
    macos.wait_for(macos.COMPLETE("a.jpg"))
    (folder / "a.jpg").unlink()
    stream().say((folder / "a.jpg", REMOVED | FILE))
    macos.wait_for(macos.GONE("a.jpg"))


def test_macos_moves_are_both_ends_at_once(macos, folder):
    macos.watch()
    (folder / "b.jpg").touch()
    inode = (folder / "b.jpg").stat().st_ino
    paths = [str(folder / "a.jpg"), str(folder / "b.jpg")]
    stream().say_raw(paths, [inode] * 2, [RENAMED | FILE] * 2)
    macos.wait_for(macos.GONE("a.jpg"), macos.COMPLETE("b.jpg"))
    (folder / "new").mkdir()
    (folder / "new/a.jpg").touch()
    inode = (folder / "new").stat().st_ino
    paths = [str(folder / "old"), str(folder / "new")]
    stream().say_raw(paths, [inode] * 2, [RENAMED | FOLDER] * 2)
    macos.wait_for(macos.GONE("old"), macos.TREE("new"))


def test_macos_moves_in_and_out(macos, folder):
    macos.watch()
    (folder / "in.jpg").touch()
    stream().say((folder / "in.jpg", RENAMED | FILE), (folder / "out.jpg", RENAMED | FILE))
    macos.wait_for(macos.CHANGED("in.jpg"), macos.GONE("out.jpg"))
    (folder / "in").mkdir()
    (folder / "in/a.jpg").touch()
    stream().say((folder / "in", RENAMED | FOLDER), (folder / "out", RENAMED | FOLDER))
    macos.wait_for(macos.TREE("in"), macos.GONE("out"))


def test_macos_says_where_it_lost_events(macos, folder):
    macos.watch()
    stream().say((folder / "x", MUST_SCAN | USER_DROPPED))
    macos.wait_for(macos.TREE("x"))
    stream().say((folder, MUST_SCAN))
    macos.wait_for(macos.TREE())
    stream().say((folder.parent, MUST_SCAN))
    macos.wait_for(macos.TREE())
    stream().say((folder.parent / "q", MUST_SCAN))
    stream().say((folder / "end.jpg", REMOVED | FILE))
    macos.wait_for(macos.GONE("end.jpg"))


def test_macos_names_have_the_spelling_of_the_disk_and_the_folder_that_of_whoever_added_it(
    macos, folder
):
    real = folder / unicodedata.normalize("NFC", "Été")
    real.mkdir()
    macos.folder = folder / "link"
    macos.folder.symlink_to(real)
    macos.watch()
    decomposed = unicodedata.normalize("NFD", str(real)).replace("E", "e", 1)
    stream().say((f"{decomposed}/{unicodedata.normalize('NFD', 'é')}.jpg", REMOVED | FILE))
    macos.wait_for(macos.GONE(unicodedata.normalize("NFD", "é.jpg")))


def test_macos_ends_a_watch_whose_folder_was_moved(macos, folder):
    watch = macos.watch()
    assert watch.is_intact
    stream().say((folder, ROOT_CHANGED))
    macos.wait_until_not_well(watch)
    macos.wait_for_check_request()


# Windows.


class WindowsError_(OSError):
    def __init__(self, winerror: int) -> None:
        super().__init__(f"error {winerror}")
        self.winerror = winerror


class Function:
    """A function of the system, on which ctypes lets one set what its arguments are."""

    def __init__(self, call) -> None:
        self._call = call

    def __call__(self, *arguments):
        return self._call(*arguments)


class Kernel:
    """A kernel32 that says what a test wants it to."""

    def __init__(self) -> None:
        self.buffers: queue.Queue = queue.Queue()
        self.final_path = None
        for name in (
            *("CloseHandle", "CreateEventW", "SetEvent", "WaitForSingleObjectEx"),
            *("CreateIoCompletionPort", "GetQueuedCompletionStatus"),
            "PostQueuedCompletionStatus",
        ):
            setattr(self, name, Function(lambda *arguments: 1))
        self.CreateFileW = Function(lambda *arguments: 7)
        self.CancelIoEx = Function(lambda *arguments: self.buffers.put(WindowsError_(995)))
        self.GetFinalPathNameByHandleW = Function(self._final_path)
        self.ReadDirectoryChangesW = Function(self._read)
        self.ReadDirectoryChangesExW = Function(self._read)

    def say(self, *events: tuple[int, str]) -> None:
        from watchdog.observers.winapi import FileNotifyExtendedInformation as Record

        start = Record.FileName.offset
        records = []
        for action, name in events:
            encoded = name.encode("utf-16-le")
            size = -(-(start + len(encoded)) // 8) * 8
            is_last = len(records) == len(events) - 1
            header = Record(0 if is_last else size, action, *[0] * 10, len(encoded), b"")
            records.append(bytes(header)[:start] + encoded.ljust(size - start, b"\0"))
        self.buffers.put(b"".join(records))

    def _read(self, handle, buffer, size, recursive, flags, count, *rest) -> int:
        data = self.buffers.get()
        if isinstance(data, Exception):
            raise data
        ctypes.memmove(buffer._obj, data, len(data))
        count._obj.value = len(data)
        return 1

    def _final_path(self, handle, buffer, size, flags) -> int:
        buffer.value = self.final_path or ""
        return 1


ADDED, DELETED, CHANGED, RENAMED_OLD, RENAMED_NEW = 1, 2, 3, 4, 5


@pytest.fixture
def kernel(monkeypatch, noticed):
    kernel = Kernel()
    names = ("watchdog.observers.winapi", "watchdog.observers.read_directory_changes")
    monkeypatch.setattr(ctypes, "WinDLL", lambda name: kernel, raising=False)
    monkeypatch.setattr(module, "sys", SimpleNamespace(platform="win32"))
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield kernel
    noticed.observers.close()
    for name in names:
        sys.modules.pop(name, None)


def test_windows_files_count_as_changing_until_they_are_quiet(kernel, noticed, folder):
    noticed.watch()
    (folder / "a.jpg").touch()
    kernel.say((ADDED, "a.jpg"), (CHANGED, "a.jpg"))
    noticed.wait_for(noticed.CHANGED("a.jpg"))
    kernel.say((CHANGED, "a.jpg"), (CHANGED, "notes.txt"))
    noticed.wait_for(noticed.CHANGED("a.jpg"))


def test_windows_does_not_tell_whether_it_was_a_folder_that_went(kernel, noticed, folder):
    noticed.watch()
    kernel.say((DELETED, "a.jpg"), (DELETED, "2020.05"))
    noticed.wait_for(noticed.GONE("a.jpg"), noticed.GONE("2020.05"))


def test_windows_moves_are_both_ends_at_once(kernel, noticed, folder):
    noticed.watch()
    (folder / "x").mkdir()
    (folder / "x/a.jpg").touch()
    (folder / "b.jpg").touch()
    kernel.say((RENAMED_OLD, "a.jpg"), (RENAMED_NEW, "b.jpg"), (RENAMED_OLD, "w"))
    kernel.say((RENAMED_NEW, "x"))
    noticed.wait_for(
        noticed.GONE("a.jpg"), noticed.COMPLETE("b.jpg"), noticed.GONE("w"), noticed.TREE("x")
    )
    kernel.say((DELETED, "a.jpg"), (ADDED, "x/a.jpg"))  # To another folder.
    noticed.wait_for(noticed.GONE("a.jpg"), noticed.CHANGED("x/a.jpg"))


def test_windows_folders_are_looked_at_as_a_whole(kernel, noticed, folder):
    noticed.watch()
    (folder / "x/y").mkdir(parents=True)
    (folder / "x/y/a.jpg").touch()
    kernel.say((ADDED, "x"))
    noticed.wait_for(noticed.TREE("x"))


def test_windows_says_that_it_lost_events_by_saying_nothing(kernel, noticed, folder):
    watch = noticed.watch()
    kernel.buffers.put(b"")
    noticed.wait_for(noticed.TREE())
    (folder / "a.jpg").touch()
    kernel.say((ADDED, "a.jpg"))
    noticed.wait_for(noticed.CHANGED("a.jpg"))
    assert watch.is_intact


def test_windows_events_come_though_there_is_no_quiet_moment(kernel, noticed, folder):
    noticed.watch()
    (folder / "a.jpg").touch()
    stopped = threading.Event()

    def go_on() -> None:
        while not stopped.wait(0.01):
            kernel.say((CHANGED, "a.jpg"))

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        for _ in range(3):
            noticed.wait_for(noticed.CHANGED("a.jpg"))
    finally:
        stopped.set()
        thread.join()


def test_windows_watches_of_drives_that_went_away_are_not_well(kernel, noticed, folder):
    watch = noticed.watch()
    kernel.final_path = str(folder)
    kernel.buffers.put(WindowsError_(1006))
    noticed.wait_until_not_well(watch)


def test_windows_watches_of_folders_that_are_gone_are_not_well(kernel, noticed, folder):
    watch = noticed.watch()
    kernel.final_path = "elsewhere"
    kernel.buffers.put(WindowsError_(5))
    noticed.wait_until_not_well(watch)
    noticed.wait_for_check_request()


def test_windows_folders_that_cannot_be_opened_raise(kernel, noticed, folder):
    def refuse(*arguments):
        raise WindowsError_(5)

    kernel.CreateFileW._call = refuse
    with pytest.raises(OSError, match="cannot be watched"):
        noticed.watch()


# Both.


class SaidEmitter(EventEmitter):
    """Says nothing by itself."""

    def run(self) -> None:
        self.stopped_event.wait()


@pytest.fixture
def said(noticed):
    noticed.observers = Observers(
        noticed.events,
        lambda: noticed.checks_requested.append(None),
        lambda lost: BaseObserver(SaidEmitter),
    )
    yield noticed
    noticed.observers.close()


def test_what_is_left_out_or_lies_apart_or_is_no_photo_is_not_noted(said, folder):
    inner = folder / "in"
    watch = said.watch("/drafts/", "*.png", apart=[inner, folder.parent / "q"])
    for name in ("a.png", ".a.jpg", "x/.git/a.jpg", "drafts/a.jpg", "in/a.jpg", "a.txt"):
        watch.on_any_event(FileCreatedEvent(str(folder / name)))
        watch.on_any_event(FileMovedEvent(str(folder / name), str(folder / name)))
    for name in ("drafts", "in", "in/x", ".git", "x/.git/y"):
        watch.on_any_event(DirCreatedEvent(str(folder / name)))
    watch.on_any_event(FileModifiedEvent(str(folder / "x/a.jpg")))
    watch.on_any_event(FileClosedEvent(str(folder / "x/b.jpg")))
    watch.on_any_event(FileMovedEvent(str(folder / "a.part"), str(folder / "c.jpg")))
    watch.on_any_event(FileMovedEvent(str(folder / "d.jpg"), str(folder / "d.jpg~")))
    said.wait_for(
        said.CHANGED("x/a.jpg"), said.COMPLETE("x/b.jpg"), said.COMPLETE("c.jpg"),
        said.GONE("d.jpg"),
    )  # fmt: skip
    assert watch.is_intact


def test_sidecars_stand_for_their_photos(said, folder):
    (folder / "a.jpg").touch()
    watch = said.watch()
    watch.on_any_event(FileModifiedEvent(str(folder / "a.xmp")))
    said.wait_for(said.COMPLETE("a.jpg"))


def test_where_links_lead_out_of_the_folder_it_is_polled(said, folder):
    outside = folder.parent / "outside"
    outside.mkdir()
    (folder / "self").symlink_to(folder)
    watch = said.watch()
    assert watch.has_links
    assert not watch.polled
    (folder / "deep").mkdir()
    (folder / "deep" / "out").symlink_to(outside)
    assert watch.is_intact
    watch.on_any_event(FileCreatedEvent(str(folder / "deep" / "out")))
    assert not watch.is_intact
    assert said.checks_requested
    assert said.watch().polled == {str(folder)}


def test_shares_in_the_folder_are_polled_unless_they_are_left_out(said, folder):
    mounts = Mounts(
        Mount(str(path), "smbfs")
        for path in (folder / "nas", folder / ".cache" / "nas", folder.parent / "nas", "/nas")
    )
    assert said.watch(mounts=mounts).polled == {str(folder / "nas")}


def test_a_closed_watch_hears_nothing(said, folder):
    watch = said.watch()
    watch.close()
    watch.close()
    assert not watch.is_intact
    said.observers._events_lost("")
    assert said.seen() == set()
    said.observers.close()
    with pytest.raises(OSError, match="watching has ended"):
        said.watch()


def test_events_lost_nobody_knows_where_concern_everything(said, folder):
    said.watch()
    said.observers._events_lost("")
    said.wait_for(said.TREE())


def test_other_systems_have_no_observer(monkeypatch):
    monkeypatch.setattr(module, "sys", SimpleNamespace(platform="plan9"))
    with pytest.raises(OSError, match="plan9"):
        new_observer(lambda place: None)
