"""Watching the library's folders for changes, so that they need not be scanned again and again.

No photo is read here. A report says where to look; where events may have been missed, the folder as
a whole is reported.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from photofind.errors import NotAnsweringError
from photofind.indexing.excludes import Rules
from photofind.indexing.watching.event_collector import EventCollector
from photofind.indexing.watching.events import Change, Kind
from photofind.indexing.watching.inotify_limits import (
    LimitReachedError,
    about_limit,
    read_limit,
)
from photofind.indexing.watching.mounting import (
    MountMonitor,
    Mounts,
    new_mount_monitor,
    read_mounts,
)
from photofind.indexing.watching.notifier import Notifier, NotifierMaker, new_notifier
from photofind.indexing.watching.suspension import Suspension
from photofind.indexing.watching.watched_folder import WatchedFolder
from photofind.indexing.watching.watched_place import Attempt, WatchedPlace, identity_of
from photofind.system.reach import Reach, probe

__all__ = ["Watcher"]

log = logging.getLogger(__name__)

# How long it may take to notice that a folder is missing, or another than it was.
CHECK_SECONDS = 10.0
# A folder is polled so seldom that scanning it takes no more than a tenth of the time.
SCANS_AT_MOST = 10.0
# The same, in processor time, for watching it again.
RENEWALS_AT_MOST = 5.0
RENEWAL_SECONDS = 1.0
# At a limit, an attempt takes watches from other programs; so attempts are so many times rarer.
RETRIES_AT_LIMIT = 10.0
# How long to wait for a thread: one that asks a file system may never return.
PATIENCE_SECONDS = 5.0


class Watcher:
    """Reports changes in folders.

    Each folder is reported as a :attr:`Kind.TREE` once it is watched, so that what changed before
    is found too; and again whenever something may have been missed: events were lost, a drive was
    mounted or unmounted, the folder is missing or another than before, the machine was asleep.
    A folder without events for all changes, as on a network share, is polled: reported again after
    some time.

    Photos and folders are reported, and for XMP sidecars the photos that they belong to; what is
    left out is not. A change in what a link leads to is reported as the added folder.

    Parameters
    ----------
    report
        Called with changes, from a thread of its own and never twice at the same time. Changes
        that belong together, like both ends of a move, come together.
    poll_seconds
        How often folders without events are reported.
    apart
        What is part of no folder: photofind's home.
    reach
        Looks at the folders.
    notifier, mounts, mount_monitor, suspension, check_seconds
        What it relies on; other ones are for tests.

    Notes
    -----
    Any thread may call any method, and :attr:`report` may too.
    """

    def __init__(
        self,
        report: Callable[[Sequence[Change]], None],
        *,
        poll_seconds: float = 60.0,
        apart: Iterable[str] = (),
        notifier: NotifierMaker | None = None,
        mounts: Callable[[], Mounts] = read_mounts,
        mount_monitor: Callable[[], MountMonitor] = new_mount_monitor,
        suspension: Suspension | None = None,
        check_seconds: float = CHECK_SECONDS,
        reach: Reach | None = None,
    ) -> None:
        self._reach = reach or Reach()
        self._report = report
        self._poll_seconds = poll_seconds
        self._apart = tuple(apart)
        self._make_notifier = notifier or partial(new_notifier, reach=self._reach)
        self._read_mounts = mounts
        self._make_mount_monitor = mount_monitor
        self._suspension = suspension or Suspension()
        self._check_seconds = check_seconds

        self._changed = threading.Condition()  # Held to read and to change what follows.
        self._wanted: dict[str, Rules] = {}
        self._places: dict[str, WatchedPlace] = {}
        self._is_applied = True
        self._is_at_work = False
        self._must_check = False
        self._stopping = threading.Event()

        # Changed by the thread alone.
        self._mounts = Mounts(())
        self._next_check = 0.0

        self._mount_monitor: MountMonitor | None = None
        self._notifier: Notifier | None = None
        self._thread: threading.Thread | None = None
        self._events = EventCollector(self._wake)

    # What others ask.

    def start(self) -> None:
        """Begin to watch."""
        # First, so that no change of mounts is missed.
        self._mount_monitor = self._make_mount_monitor()
        self._mounts = self._read_mounts()
        self._notifier = self._make_notifier(self._events, self._request_check)
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; nothing is reported any more once this returns."""
        with self._changed:
            self._stopping.set()
            self._changed.notify_all()
            busy = [place.renewing for place in self._places.values()]
        if self._notifier is not None:
            self._notifier.stop()
        self._wake()
        until = time.monotonic() + PATIENCE_SECONDS
        for thread in filter(None, [self._thread, *busy]):
            if thread is not threading.current_thread():
                thread.join(max(0.0, until - time.monotonic()))
        if self._notifier is not None:
            self._notifier.close()
        if self._mount_monitor is not None and (
            self._thread is None or not self._thread.is_alive()
        ):
            self._mount_monitor.close()

    def watch(self, folders: Mapping[str, Rules]) -> None:
        """Watch these folders from now on, and no others.

        Parameters
        ----------
        folders
            Absolute paths, and what is left out of each. Folders may lie in one another; the inner
            one is no part of the outer one then.
        """
        with self._changed:
            self._wanted = dict(folders)
            self._is_applied = False
        self._wake()

    def scanned(self, folder: str, seconds: float) -> None:
        """Note how long a scan of a folder took that has ended now."""
        with self._changed:
            place = self._places.get(folder)
            if place is not None:
                place.poll_seconds = max(self._poll_seconds, SCANS_AT_MOST * seconds)
                due = time.monotonic() + place.poll_seconds
                place.due = dict.fromkeys(place.due, due)
        self._wake()

    def state(self, folder: str) -> str | None:
        """Return how changes in a folder are noticed: "events" or "polled".

        None where they are not: it is out of reach, or about to be watched.
        """
        with self._changed:
            place = self._places.get(folder)
            return place.now.state if place is not None and place.now is not None else None

    @property
    def problems(self) -> list[str]:
        """Why folders are polled that could be watched, one line each with what to do."""
        with self._changed:
            errors = {p.folder: p.error for p in self._places.values() if p.error is not None}
        polled = f"looked through every {self._poll_seconds:.0f} s instead of watched"
        problems: list[str] = []
        limits: defaultdict[str, dict[str, LimitReachedError]] = defaultdict(dict)
        for folder, error in errors.items():
            if isinstance(error, LimitReachedError):
                limits[error.limit][folder] = error
            else:
                problems.append(f"{folder} is {polled}: {error}")
        return problems + [about_limit(limits[limit], polled) for limit in sorted(limits)]

    def settle(self, seconds: float = 60.0) -> bool:
        """Wait until all folders are watched and all events are reported.

        Returns
        -------
        bool
            Whether it happened in time.
        """
        with self._changed:
            return self._changed.wait_for(self._is_settled, seconds)

    # The thread.

    def _run(self) -> None:
        assert self._mount_monitor is not None
        while not self._stopping.is_set():
            seconds = self._seconds_to_wait()
            self._suspension.before_wait(seconds)
            mounts_changed = self._mount_monitor.wait(seconds)
            if self._stopping.is_set():
                break
            with self._changed:  # Or what is about to be done could seem to be done already.
                self._is_at_work = True
            try:
                self._step(was_asleep=self._suspension.after_wait(), mounts_changed=mounts_changed)
            except Exception:
                log.exception("watching the folders failed")
                self._stopping.wait(RENEWAL_SECONDS)
            with self._changed:
                self._is_at_work = False
                if self._is_settled():
                    self._changed.notify_all()
        with self._changed:
            places = list(self._places.values())
        for place in places:
            place.close()

    def _step(self, *, was_asleep: bool, mounts_changed: bool) -> None:
        if not self._is_applied:
            self._apply()
        if mounts_changed:
            self._mounts = self._read_mounts()
        with self._changed:
            if was_asleep:
                log.info("the machine was asleep; all folders are scanned")
                for place in self._places.values():
                    self._events.tree(place.watched_folder, place.folder)
            if mounts_changed:
                for place in self._places.values():
                    place.must_renew |= place.has_links or not place.is_mounted_as(self._mounts)
            if self._must_check or time.monotonic() >= self._next_check:
                self._must_check = False
                self._next_check = time.monotonic() + self._check_seconds
                checked = [p for p in self._places.values() if not (p.renewing or p.must_renew)]
            else:
                checked = []
        for place in checked:  # Accesses the disk, which may take long.
            place.must_renew = place.must_renew or not self._is_as_it_was(place)
        now = time.monotonic()
        with self._changed:
            for place in self._places.values():
                if place.may_renew and now >= place.not_before and not self._stopping.is_set():
                    self._renew(place)
                for path, due in place.due.items():
                    if now >= due:
                        place.due[path] = now + place.poll_seconds
                        self._events.tree(place.watched_folder, path)
        due_report = self._events.due
        if due_report is not None and now >= due_report:
            self._report_changes()

    def _seconds_to_wait(self) -> float:
        now = time.monotonic()
        with self._changed:
            if not self._is_applied or self._must_check:
                return 0.0
            times = [self._next_check]
            for place in self._places.values():
                times += place.due.values()
                if place.may_renew:
                    times.append(place.not_before)
        due_report = self._events.due
        if due_report is not None:
            times.append(due_report)
        return max(0.0, min(times) - now)

    def _report_changes(self) -> None:
        """Report the changes; those of files that are still being written apart from the others."""
        try:
            changes = self._events.take()
            changing = [change for change in changes if change.kind is Kind.CHANGED]
            done = [change for change in changes if change.kind is not Kind.CHANGED]
            for some in filter(None, (done, changing)):
                if self._stopping.is_set():
                    return
                self._report(some)
        except Exception:
            log.exception("changes in the folders could not be reported")

    def _apply(self) -> None:
        """Start and end watches as wanted."""
        with self._changed:
            wanted = self._wanted
        reals = {folder: self._real(folder) for folder in wanted}
        apart = frozenset([*reals.values(), *map(self._real, self._apart)])
        with self._changed:
            ended = [self._places.pop(folder) for folder in self._places.keys() - wanted.keys()]
            for folder, rules in wanted.items():
                watched_folder = WatchedFolder(folder, reals[folder], rules, apart)
                place = self._places.get(folder)
                if place is None:
                    self._places[folder] = WatchedPlace(
                        watched_folder, poll_seconds=self._poll_seconds
                    )
                else:
                    place.aim_at(watched_folder)
            for place in self._places.values():  # What was freed may be what others lacked.
                place.must_renew |= isinstance(place.error, LimitReachedError)
            self._is_applied = wanted is self._wanted
        for place in ended:
            place.close()

    def _real(self, folder: str) -> str:
        """Return the path without links, unless finding that out asks another machine."""
        folder = os.path.normpath(folder)
        return self._reach.real_path(folder) if self._mounts.can_watch(folder) else folder

    def _is_as_it_was(self, place: WatchedPlace) -> bool:
        """Return whether a folder is the one that is watched, or it is too early to try again."""
        if place.error is not None:
            since = time.monotonic() - place.renewed
            if isinstance(place.error, LimitReachedError):
                if read_limit(place.error.limit) != place.error.allowed:
                    return False
                since /= RETRIES_AT_LIMIT
            if since > self._poll_seconds:
                return False
        now = place.now
        if now is None:
            return True
        if now.watch is not None and not now.watch.is_intact:
            return False
        try:
            return not now.is_local or now.identity == self._reach.call(
                place.folder, identity_of, place.folder
            )
        except NotAnsweringError:
            return True

    # Watching a folder, again or for the first time, in a thread of its own: a file system may not
    # answer, and the other folders must not wait for it.

    def _renew(self, place: WatchedPlace) -> None:
        place.must_renew = False
        place.renewing = threading.Thread(
            target=self._renewal,
            args=(place, place.watched_folder, self._mounts),
            name=f"watching {place.folder}",
            daemon=True,
        )
        place.renewing.start()

    def _renewal(self, place: WatchedPlace, watched_folder: WatchedFolder, mounts: Mounts) -> None:
        began, worked = time.monotonic(), time.thread_time()
        outcome = self._outcome(watched_folder, mounts)
        took = max(RENEWALS_AT_MOST * (time.thread_time() - worked), time.monotonic() - began)
        outcome.mounts = mounts.concerning(outcome.watched_folder.real)
        with self._changed:
            old = place.now.watch if place.now is not None else None
            is_news = place.take(outcome, max(RENEWAL_SECONDS, took))
            # What happened during the attempt counts too.
            place.must_renew |= not place.is_mounted_as(self._mounts)
            is_over = place.is_closed or self._stopping.is_set()
        if old is not None:
            old.close()
        if is_over:
            place.close()
        elif is_news:
            if outcome.error is not None:
                log.warning("%s is polled: %s", place.folder, outcome.error)
            self._events.tree(place.watched_folder, place.folder)
        with self._changed:  # Last, as settle() takes it that nothing more comes of it.
            place.renewing = None
            place.must_renew |= outcome.watch is not None and not outcome.watch.is_intact
        self._wake()

    def _outcome(self, watched_folder: WatchedFolder, mounts: Mounts) -> Attempt:
        assert self._notifier is not None
        folder = watched_folder.folder
        outcome = Attempt(watched_folder, polled=(folder,))
        if not mounts.can_watch(watched_folder.real):
            return outcome
        outcome.is_local = True
        try:
            outcome.identity = self._reach.call(folder, identity_of, folder)
            if outcome.identity is None:
                outcome.state, outcome.polled = None, ()
                return outcome
            real = self._reach.call(folder, os.path.realpath, folder)
            outcome.watched_folder = WatchedFolder(
                folder, real, watched_folder.rules, watched_folder.apart
            )
            watch = partial(self._notifier.watch, outcome.watched_folder, mounts)
            outcome.watch = self._reach.follow(folder, watch, lambda beat: probe(folder))
        except NotAnsweringError:  # When it answers, its identity is another than none.
            outcome.identity, outcome.state, outcome.polled = None, None, ()
            return outcome
        except PermissionError:  # It is tried again once it has another identity.
            return outcome
        except (LimitReachedError, OSError) as error:
            if identity_of(folder) == outcome.identity:
                outcome.error = error
            return outcome
        outcome.polled = tuple(outcome.watch.polled)
        if folder not in outcome.polled:
            outcome.state = "events"
        return outcome

    # What other threads call.

    def _request_check(self) -> None:
        self._must_check = True
        self._wake()

    def _wake(self) -> None:
        if self._mount_monitor is not None:
            self._mount_monitor.wake()

    def _is_settled(self) -> bool:
        return self._stopping.is_set() or (
            self._is_applied
            and not self._must_check
            and not self._is_at_work
            and self._events.due is None
            and not any(place.renewing or place.must_renew for place in self._places.values())
        )
