"""The watcher over a notifier, mounts and a clock of sleep that tests have in their hands."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import pytest
from waiting import patience

from photofind.indexing.excludes import Rules
from photofind.indexing.watching.events import Change, Kind
from photofind.indexing.watching.inotify_limits import INSTANCES, WATCHES, LimitReachedError
from photofind.indexing.watching.mounting import Mount, Mounts
from photofind.indexing.watching.suspension import Suspension
from photofind.indexing.watching.watcher import Watcher
from photofind.system.reach import Reach

PATIENCE = patience(30.0)
RULES = Rules()


def wait_until(is_true: Callable[[], object], seconds: float = PATIENCE) -> None:
    until = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.005)


class Watch:
    def __init__(self, polled: Collection[str] = (), *, has_links: bool = False) -> None:
        self.is_intact = True
        self.is_open = True
        self.polled = polled
        self.has_links = has_links

    def close(self) -> None:
        self.is_open = False


class Notifier:
    """Watches nothing, and notes what tests say."""

    def __init__(self) -> None:
        self.events = self.request_check = None
        self.watches: list[tuple[str, Watch]] = []
        self.watched_folders: list = []
        self.fail: dict[str, Exception] = {}
        self.polled: dict[str, Collection[str]] = {}
        self.linked: set[str] = set()
        self.hang: dict[str, threading.Event] = {}
        self.is_closed = False

    def __call__(self, events, request_check) -> Notifier:
        self.events, self.request_check = events, request_check
        return self

    def watch(self, watched_folder, mounts, beat) -> Watch:
        self.watched_folders.append(watched_folder)
        if watched_folder.folder in self.hang:
            self.hang[watched_folder.folder].wait(PATIENCE)
        if watched_folder.folder in self.fail:
            raise self.fail[watched_folder.folder]
        polled = self.polled.get(watched_folder.folder, ())
        watch = Watch(polled, has_links=watched_folder.folder in self.linked)
        self.watches.append((watched_folder.folder, watch))
        return watch

    def open(self, folder: Path) -> list[Watch]:
        return [watch for path, watch in self.watches if path == str(folder) and watch.is_open]

    def stop(self) -> None:
        for event in self.hang.values():
            event.set()

    def close(self) -> None:
        self.is_closed = True


class MountMonitor:
    """Rings for changes of mounts too."""

    def __init__(self) -> None:
        self._woken = threading.Event()
        self.mounts_changed = True
        self.waits = 0

    def wait(self, seconds: float) -> bool:
        self.waits += 1
        self._woken.wait(seconds)
        self._woken.clear()
        changed, self.mounts_changed = self.mounts_changed, False
        return changed

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        pass


class World:
    def __init__(self) -> None:
        self.notifier = Notifier()
        self.mount_monitor = MountMonitor()
        self.mounts = [Mount("/", "ext4", "1")]
        self.asleep = 0.0
        self.batches: list[Sequence[Change]] = []
        self.watchers: list[Watcher] = []

    def watcher(self, **options) -> Watcher:
        options = {"poll_seconds": 3600.0, "check_seconds": 3600.0} | options
        watcher = Watcher(
            options.pop("report", self.batches.append),
            notifier=self.notifier,
            mounts=lambda: Mounts(self.mounts),
            mount_monitor=lambda: self.mount_monitor,
            suspension=Suspension(lambda: self.asleep),
            **options,
        )
        self.watchers.append(watcher)
        watcher.start()
        return watcher

    def mount(self, *mounts: Mount) -> None:
        self.mounts = [Mount("/", "ext4", "1"), *mounts]
        self.mount_monitor.mounts_changed = True
        self.mount_monitor.wake()

    @property
    def changes(self) -> list[Change]:
        return [change for batch in self.batches for change in batch]

    def trees(self, folder: Path | str) -> int:
        return self.changes.count(Change(Kind.TREE, str(folder)))


@pytest.fixture
def world(monkeypatch):
    monkeypatch.setattr("photofind.indexing.watching.watcher.RENEWAL_SECONDS", 0.1)
    world = World()
    yield world
    for watcher in world.watchers:
        watcher.stop()


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path.resolve() / "p"
    folder.mkdir()
    return folder


def share(path: Path, identity: str = "2") -> Mount:
    return Mount(str(path), "nfs4", identity)


def test_a_folder_is_to_be_looked_through_once_it_is_watched(world, folder):
    watcher = world.watcher()
    assert watcher.state(str(folder)) is None
    watcher.watch({str(folder): RULES})
    assert watcher.settle(PATIENCE)
    assert world.batches == [[Change(Kind.TREE, str(folder))]]
    assert watcher.state(str(folder)) == "events"
    assert watcher.problems == []


def test_folders_can_be_told_before_it_starts(world, folder):
    watcher = Watcher(
        world.batches.append, notifier=world.notifier, mount_monitor=lambda: world.mount_monitor
    )
    world.watchers.append(watcher)
    watcher.watch({str(folder): RULES})
    watcher.start()
    assert watcher.settle(PATIENCE)
    assert world.trees(folder) == 1


def test_what_belongs_together_is_reported_together_and_what_is_unfinished_apart(world, folder):
    def report(changes: Sequence[Change]) -> None:
        world.batches.append(changes)
        if len(world.batches) == 1:  # Here, where none is taken before all three have come.
            watched_folder, events = world.notifier.watched_folders[0], world.notifier.events
            events.created(watched_folder, "c")
            events.gone(watched_folder, "a")
            events.complete(watched_folder, "b")

    watcher = world.watcher(report=report)
    watcher.watch({str(folder): RULES})
    assert watcher.settle(PATIENCE)
    assert world.batches[1:] == [
        [Change(Kind.GONE, "a"), Change(Kind.COMPLETE, "b")],
        [Change(Kind.CHANGED, "c")],
    ]


def test_a_report_that_fails_does_not_end_it(world, folder):
    failures = [ValueError("no")]

    def report(changes: Sequence[Change]) -> None:
        if failures:
            raise failures.pop()
        world.batches.append(changes)

    watcher = world.watcher(report=report)
    watcher.watch({str(folder): RULES})
    assert watcher.settle(PATIENCE)
    wait_until(lambda: not failures)
    world.notifier.events.gone(world.notifier.watched_folders[0], "a")
    wait_until(lambda: Change(Kind.GONE, "a") in world.changes)


def test_a_report_may_call_it(world, folder):
    def report(changes: Sequence[Change]) -> None:
        world.batches.append(changes)
        watcher.scanned(str(folder), 1.0)
        watcher.watch({})
        assert watcher.state(str(folder)) in ("events", None)

    watcher = world.watcher(report=report)
    watcher.watch({str(folder): RULES})
    wait_until(lambda: world.batches and not world.notifier.open(folder))


def test_a_report_may_stop_it(world, folder):
    stopped = threading.Event()

    def report(changes: Sequence[Change]) -> None:
        watcher.stop()
        stopped.set()

    watcher = world.watcher(report=report)
    watcher.watch({str(folder): RULES})
    assert stopped.wait(PATIENCE)


def test_nothing_is_left_when_it_stops(world, folder):
    before = set(threading.enumerate())
    watcher = world.watcher()
    watcher.watch({str(folder): RULES})
    assert watcher.settle(PATIENCE)
    watcher.stop()
    watcher.stop()
    wait_until(lambda: set(threading.enumerate()) <= before)
    assert world.notifier.is_closed
    assert not world.notifier.open(folder)


def test_only_what_changed_is_watched_anew(world, folder):
    other = folder.parent / "q"
    other.mkdir()
    watcher = world.watcher()
    watcher.watch({str(folder): Rules(["a"]), str(other): RULES})
    assert watcher.settle(PATIENCE)
    watcher.watch({str(folder): Rules(["a"]), str(other): Rules(["b"])})
    assert watcher.settle(PATIENCE)
    assert (world.trees(folder), world.trees(other)) == (1, 2)
    assert len(world.notifier.watches) == 3
    assert len(world.notifier.open(other)) == 1
    watcher.watch({str(folder): Rules(["a"])})
    assert watcher.settle(PATIENCE)
    assert not world.notifier.open(other)
    assert world.notifier.open(folder)
    assert watcher.state(str(other)) is None


def test_an_added_folder_inside_is_no_part_of_the_outer_one_as_long_as_it_is_added(world, folder):
    inner = folder / "in"
    inner.mkdir()
    home = folder / "home"
    watcher = world.watcher(apart=[str(home)])
    watcher.watch({str(folder): RULES})
    assert watcher.settle(PATIENCE)
    assert world.notifier.watched_folders[-1].inside == {str(home)}
    watcher.watch({str(folder): RULES, str(inner): RULES})
    assert watcher.settle(PATIENCE)
    assert world.trees(folder) == 2
    outer = [one for one in world.notifier.watched_folders if one.folder == str(folder)][-1]
    assert outer.inside == {str(home), str(inner)}
    watcher.watch({str(folder): RULES})
    assert watcher.settle(PATIENCE)
    assert world.trees(folder) == 3


def test_where_links_lead_elsewhere_every_added_folder_matters(world, folder):
    other = folder.parent / "q"
    other.mkdir()
    world.notifier.linked.add(str(folder))
    watcher = world.watcher()
    watcher.watch({str(folder): RULES})
    assert watcher.settle(PATIENCE)
    watcher.watch({str(folder): RULES, str(other): RULES})
    assert watcher.settle(PATIENCE)
    assert world.trees(folder) == 2


def test_a_watch_that_is_not_well_is_made_anew(world, folder):
    watcher = world.watcher()
    watcher.watch({str(folder): RULES})
    assert watcher.settle(PATIENCE)
    [first] = world.notifier.open(folder)
    first.is_intact = False
    world.notifier.request_check()
    wait_until(lambda: world.trees(folder) == 2)
    assert watcher.settle(PATIENCE)
    [second] = world.notifier.open(folder)
    assert second is not first


def test_it_is_not_settled_before_a_watch_made_anew_is_reported(world, folder):
    watcher = world.watcher()
    watcher.watch({str(folder): RULES})
    assert watcher.settle(PATIENCE)
    [first] = world.notifier.open(folder)
    settled: list[bool] = []
    first.close = lambda: settled.append(watcher.settle(0))
    first.is_intact = False
    world.notifier.request_check()
    wait_until(lambda: world.trees(folder) == 2)
    assert settled == [False]


def test_a_watch_that_is_never_well_is_not_made_anew_all_the_time(world, folder):
    watcher = world.watcher()
    watcher.watch({str(folder): RULES})
    assert watcher.settle(PATIENCE)
    until = time.monotonic() + 1.5

    def is_made_anew_for_long() -> bool:
        for watch in world.notifier.open(folder):
            watch.is_intact = False
        world.notifier.request_check()
        return time.monotonic() >= until and world.trees(folder) >= 2

    wait_until(is_made_anew_for_long)
    assert world.trees(folder) <= 20


def test_shares_are_polled_and_never_asked(world, folder):
    mounted = folder / "never asked for"
    world.mount(share(mounted))
    watcher = world.watcher(poll_seconds=0.2)
    watcher.watch({str(mounted / "x"): RULES})
    wait_until(lambda: world.trees(mounted / "x") >= 3)
    assert watcher.state(str(mounted / "x")) == "polled"
    assert world.notifier.watches == []
    assert watcher.problems == []


def test_a_folder_is_polled_more_seldom_the_longer_it_takes_to_look_through_it(world, folder):
    world.mount(share(folder))
    watcher = world.watcher(poll_seconds=0.1)
    watcher.watch({str(folder): RULES})
    assert watcher.settle(PATIENCE)
    wait_until(lambda: world.trees(folder) >= 3)
    watcher.scanned(str(folder), 360.0)
    watcher.settle(PATIENCE)
    count = world.trees(folder)
    time.sleep(0.5)
    assert world.trees(folder) == count
    watcher.scanned(str(folder), 0.0)
    wait_until(lambda: world.trees(folder) > count)
    watcher.scanned(str(folder / "unknown"), 1.0)


def test_a_share_in_a_folder_is_polled_and_the_rest_watched(world, folder):
    world.notifier.polled[str(folder)] = {str(folder / "nas")}
    watcher = world.watcher(poll_seconds=0.2)
    watcher.watch({str(folder): RULES})
    wait_until(lambda: world.trees(folder / "nas") >= 2)
    assert watcher.state(str(folder)) == "events"
    assert world.trees(folder) == 1


def test_a_folder_that_has_to_be_polled_says_so(world, folder):
    world.notifier.polled[str(folder)] = {str(folder)}
    watcher = world.watcher(poll_seconds=0.2)
    watcher.watch({str(folder): RULES})
    wait_until(lambda: world.trees(folder) >= 3)
    assert watcher.state(str(folder)) == "polled"
    assert watcher.problems == []


def test_a_share_that_goes_away_and_comes_back_is_looked_for_each_time(world, folder):
    world.mount(share(folder))
    watcher = world.watcher()
    watcher.watch({str(folder): RULES})
    assert watcher.settle(PATIENCE)
    assert watcher.state(str(folder)) == "polled"
    world.mount()
    wait_until(lambda: world.trees(folder) == 2 and watcher.state(str(folder)) == "events")
    world.mount(share(folder, "3"))
    wait_until(lambda: world.trees(folder) == 3 and watcher.state(str(folder)) == "polled")
    assert not world.notifier.open(folder)


def test_mounts_matter_that_hold_a_folder_or_lie_in_it_and_no_others(world, folder):
    watcher = world.watcher()
    watcher.watch({str(folder): RULES})
    assert watcher.settle(PATIENCE)
    world.mount(Mount("/mnt/other", "ext4", "2"), Mount(f"{folder}x", "ext4", "3"))
    wait_until(lambda: not world.mount_monitor.mounts_changed)
    assert watcher.settle(PATIENCE)
    assert world.trees(folder) == 1
    world.mount(Mount(str(folder / "drive"), "ext4", "4"))
    wait_until(lambda: world.trees(folder) == 2)
    world.mount(Mount(str(folder / "drive"), "ext4", "5"))
    wait_until(lambda: world.trees(folder) == 3)
    world.mount()
    wait_until(lambda: world.trees(folder) == 4)


def test_mounts_anywhere_matter_where_links_lead_elsewhere(world, folder):
    world.notifier.linked.add(str(folder))
    watcher = world.watcher()
    watcher.watch({str(folder): RULES})
    assert watcher.settle(PATIENCE)
    world.mount(Mount("/mnt/other", "ext4", "2"))
    wait_until(lambda: world.trees(folder) == 2)


def test_a_missing_folder_is_watched_once_it_is_there(world, folder):
    missing = folder / "missing"
    watcher = world.watcher(check_seconds=0.05)
    watcher.watch({str(missing): RULES})
    assert watcher.settle(PATIENCE)
    assert watcher.state(str(missing)) is None
    assert world.trees(missing) == 1
    missing.mkdir()
    wait_until(lambda: watcher.state(str(missing)) == "events")
    wait_until(lambda: world.trees(missing) == 2)
    missing.rmdir()
    wait_until(lambda: watcher.state(str(missing)) is None)
    wait_until(lambda: world.trees(missing) == 3)
    assert not world.notifier.open(missing)
    missing.touch()  # It is no folder.
    time.sleep(0.2)
    assert world.trees(missing) == 3


def test_a_folder_that_is_another_than_it_was_is_watched_anew(world, folder):
    watcher = world.watcher(check_seconds=0.05)
    watcher.watch({str(folder): RULES})
    assert watcher.settle(PATIENCE)
    folder.rename(folder.parent / "old")
    (folder.parent / "new").mkdir()
    (folder.parent / "new").rename(folder)
    # It may have been seen missing in between.
    wait_until(lambda: world.trees(folder) >= 2 and watcher.state(str(folder)) == "events")
    assert watcher.settle(PATIENCE)
    assert len(world.notifier.open(folder)) == 1


def test_after_sleep_everything_is_looked_through(world, folder):
    mounted = folder.parent / "nas"
    missing = folder.parent / "missing"
    world.mount(share(mounted))
    watcher = world.watcher()
    watcher.watch({str(folder): RULES, str(mounted): RULES, str(missing): RULES})
    assert watcher.settle(PATIENCE)
    world.batches.clear()
    world.asleep += 600
    world.mount_monitor.wake()
    wait_until(lambda: all(world.trees(one) == 1 for one in (folder, mounted, missing)))


def test_a_file_system_that_does_not_answer_keeps_nobody_else_waiting(world, folder):
    hung = folder.parent / "hung"
    hung.mkdir()
    world.notifier.hang[str(hung)] = threading.Event()
    watcher = world.watcher(reach=Reach(patience=PATIENCE))  # So it is not given up here.
    watcher.watch({str(hung): RULES, str(folder): RULES})
    wait_until(lambda: watcher.state(str(folder)) == "events" and world.trees(folder) == 1)
    assert watcher.state(str(hung)) is None
    assert not watcher.settle(0.1)
    world.notifier.events.gone(world.notifier.watched_folders[0], "a")
    wait_until(lambda: Change(Kind.GONE, "a") in world.changes)


def test_at_the_limit_of_watches_folders_are_polled_and_one_line_says_what_to_do(
    world, folder, monkeypatch
):
    limit = {"now": 8192}
    for module in ("watcher", "inotify_limits"):
        monkeypatch.setattr(
            f"photofind.indexing.watching.{module}.read_limit", lambda name: limit["now"]
        )
    other = folder.parent / "q"
    other.mkdir()
    for one in (folder, other):
        world.notifier.fail[str(one)] = LimitReachedError(WATCHES, needed=10_000)
    watcher = world.watcher(poll_seconds=0.3, check_seconds=0.05)
    watcher.watch({str(folder): RULES, str(other): RULES})
    wait_until(lambda: all(world.trees(one) >= 2 for one in (folder, other)))
    assert watcher.state(str(folder)) == watcher.state(str(other)) == "polled"
    [line] = watcher.problems
    assert "\n" not in line
    assert line.startswith("2 folders are looked through every 0 s instead of watched")
    assert "20,000" in line
    assert "8,192" in line
    assert "`echo fs.inotify.max_user_watches=524288 | sudo tee " in line
    world.notifier.fail.clear()
    limit["now"] = 524_288
    wait_until(lambda: watcher.state(str(folder)) == watcher.state(str(other)) == "events")
    assert watcher.problems == []
    assert watcher.settle(PATIENCE)
    count = world.trees(folder)
    time.sleep(0.5)
    assert world.trees(folder) == count


def test_what_a_removed_folder_gave_up_is_of_use_to_others(world, folder):
    other = folder.parent / "q"
    other.mkdir()
    world.notifier.fail[str(folder)] = LimitReachedError(WATCHES, needed=10_000)
    watcher = world.watcher()
    watcher.watch({str(folder): RULES, str(other): RULES})
    assert watcher.settle(PATIENCE)
    world.notifier.fail.clear()
    watcher.watch({str(folder): RULES})
    wait_until(lambda: watcher.state(str(folder)) == "events")


@pytest.mark.parametrize("error", [LimitReachedError(INSTANCES), OSError("no memory")])
def test_trying_in_vain_again_and_again_makes_nobody_look(world, folder, error):
    world.notifier.fail[str(folder)] = error
    watcher = world.watcher(poll_seconds=0.2, check_seconds=0.01)
    watcher.watch({str(folder): RULES})
    assert watcher.settle(PATIENCE)
    watcher.scanned(str(folder), 3600.0)
    watcher.settle(PATIENCE)
    count, tried = world.trees(folder), len(world.notifier.watched_folders)
    if isinstance(error, LimitReachedError):
        [line] = watcher.problems
        assert "instances" in line
        assert "`echo fs.inotify.max_user_instances=" in line
        watcher.watch({})  # Limits are tried more seldom; what changes makes them tried at once.
        watcher.watch({str(folder): RULES})
    else:
        assert watcher.problems == [
            f"{folder} is looked through every 0 s instead of watched: no memory"
        ]
        wait_until(lambda: len(world.notifier.watched_folders) >= tried + 2)
        assert world.trees(folder) == count
    world.notifier.fail.clear()
    wait_until(lambda: watcher.state(str(folder)) == "events")
    assert watcher.problems == []


def test_a_folder_that_may_not_be_read_is_watched_once_it_may(world, folder):
    world.notifier.fail[str(folder)] = PermissionError()
    folder.chmod(0)
    if os.access(folder, os.R_OK):
        pytest.skip("root may read everything, and so may everybody on Windows")
    try:
        watcher = world.watcher(check_seconds=0.05)
        watcher.watch({str(folder): RULES})
        assert watcher.settle(PATIENCE)
        assert watcher.state(str(folder)) == "polled"
        assert watcher.problems == []
        world.notifier.fail.clear()
    finally:
        folder.chmod(0o700)
    wait_until(lambda: watcher.state(str(folder)) == "events")


def test_with_nothing_to_do_it_waits(world, folder):
    watcher = world.watcher(check_seconds=10.0)
    watcher.watch({str(folder): RULES})
    assert watcher.settle(PATIENCE)

    def waits_in_a_second() -> int:
        before = world.mount_monitor.waits
        time.sleep(1.0)
        return world.mount_monitor.waits - before

    wait_until(lambda: waits_in_a_second() <= 1)  # It may just have been woken once more.
