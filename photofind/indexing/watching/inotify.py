"""Watching on Linux: one inotify instance for all folders, and a watch for each folder in them.

watchdog reads the instance. Its own recursive watches are not used, since with them

- a queue that overflowed while more than 16,384 folders are watched overflows again and again: all
  watches are removed and added again, and each removal is an event;
- a folder that cannot be watched because a limit is reached is left out silently;
- no folder can be left out, so that hidden folders and those of programs take watches too;
- moves from one added folder to another are not moves.

Events come for files and folders that are created, closed after writing, moved, deleted or given
other attributes. Reading and listing make no events, so that a scan causes none.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

from watchdog.observers.inotify_c import InotifyFD

from photofind.indexing.watching.event_collector import EventCollector
from photofind.indexing.watching.inotify_limits import INSTANCES, LimitReachedError
from photofind.indexing.watching.inotify_tree import InotifyTree
from photofind.indexing.watching.links import Target, leads_out_of_reach, target_of
from photofind.indexing.watching.mounting import Mounts
from photofind.indexing.watching.watched_folder import WatchedFolder
from photofind.paths import is_below
from photofind.system.reach import Beat, Reach

__all__ = ["Inotify"]

Result = TypeVar("Result")

log = logging.getLogger(__name__)


class Inotify:
    """Collects events about changes in folders.

    Parameters
    ----------
    events
        Collects them.
    request_check
        Called, by the thread that reads, when a watch is not intact.
    reach
        Touches files for the thread that reads: a folder may not answer.
    """

    def __init__(
        self, events: EventCollector, request_check: Callable[[], None], reach: Reach
    ) -> None:
        self.reach = reach
        self.events = events
        self.request_check = request_check
        self.stopped = False
        self._opening = threading.Lock()
        self._reader: InotifyFD | None = None
        self._watches: frozenset[InotifyWatch] = frozenset()

    def watch(
        self, watched_folder: WatchedFolder, mounts: Mounts, beat: Beat = lambda: None
    ) -> InotifyWatch:
        """Start to collect the events in a folder; from then on none is missed.

        ``beat`` is called before each touch of the folder; what it raises ends the watch.

        Raises
        ------
        LimitReachedError
            A limit of inotify does not allow it.
        OSError
            It cannot be done for another reason.
        """
        watch = InotifyWatch(self, self._open(), watched_folder, mounts, beat)
        with self._opening:
            self._watches |= {watch}
        return watch

    def forget(self, watch: InotifyWatch) -> None:
        """Note that a watch is closed."""
        with self._opening:
            self._watches -= {watch}

    def scan_everything(self) -> None:
        """Have all folders scanned."""
        for watch in self._watches:
            self.events.tree(watch.watched_folder, watch.watched_folder.folder)

    def stop(self) -> None:
        """Have everything end that is under way."""
        self.stopped = True

    def close(self) -> None:
        """Stop watching, and end the thread that reads."""
        self.stopped = True
        with self._opening:
            reader, self._reader = self._reader, None
        if reader is not None:
            reader.stop()
            if reader is not threading.current_thread():
                reader.join()

    def _open(self) -> InotifyFD:
        with self._opening:
            if self.stopped:
                raise OSError(errno.ECANCELED, "watching has ended")
            if self._reader is None or not _reads(self._reader):
                try:
                    self._reader = InotifyFD()
                except OSError as error:
                    if error.errno == errno.EMFILE:
                        raise LimitReachedError(INSTANCES) from error
                    raise
                self._reader.name = "inotify"
                self._reader.start()
            return self._reader


class InotifyWatch:
    """An added folder that is being watched, together with what links in it lead to."""

    def __init__(
        self,
        inotify: Inotify,
        reader: InotifyFD,
        watched_folder: WatchedFolder,
        mounts: Mounts,
        beat: Beat,
    ) -> None:
        self._beat = beat
        self._begins_in: int | None = threading.get_ident()
        # Another thread for each event takes long while this process is busy, and what the kernel
        # itself keeps has hardly any events where it does not answer.
        mount = mounts.of(watched_folder.real)
        self._is_served = mount is not None and mount.kind.startswith("fuse")
        self.watched_folder = watched_folder
        self.reader = reader
        self.unwatchable = mounts.unwatchable()
        self.polled: set[str] = set()
        self.has_links = False
        self.inotify = inotify
        self._is_intact = True
        self._trees: list[InotifyTree] = []
        try:
            tree = self._add(InotifyTree(self, watched_folder.real, watched_folder.folder))
            self._follow(tree.links_shown(), mounts)
        except BaseException:
            self.close()
            raise
        finally:
            self._begins_in = None

    def touch(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a function that touches files of the folder.

        Raises
        ------
        NotAnsweringError
            The folder does not answer.
        """
        if threading.get_ident() == self._begins_in:
            self._beat()
            return function(*arguments)
        if not self._is_served:
            return function(*arguments)
        return self.inotify.reach.call(self.watched_folder.folder, function, *arguments)

    @property
    def events(self) -> EventCollector:
        """What collects the events."""
        return self.inotify.events

    @property
    def stopped(self) -> bool:
        """Whether watching has ended."""
        return self.inotify.stopped

    @property
    def is_intact(self) -> bool:
        """Whether it still gets all events."""
        return self._is_intact and _reads(self.reader)

    def mark_broken(self) -> None:
        """Note that events are missing, or may be missing from now on."""
        if self._is_intact:
            self._is_intact = False
            self.inotify.request_check()

    def request_check(self) -> None:
        """Have the added folders checked: one may be another than before."""
        self.inotify.request_check()

    def close(self) -> None:
        """Stop watching."""
        self.inotify.forget(self)
        for tree in self._trees:
            tree.close()

    def _add(self, tree: InotifyTree) -> InotifyTree:
        self._trees.append(tree)
        tree.open()
        return tree

    def _follow(self, links: list[str], mounts: Mounts) -> None:
        """Watch what links lead to, in the order in which a scan follows them."""
        watched_folder = self.watched_folder
        walked = set(watched_folder.added)
        beside: defaultdict[str, set[str]] = defaultdict(set)
        targets: list[str] = []
        for link in links:  # Grows by the links in what is followed.
            if leads_out_of_reach(link, mounts):
                self.polled.add(watched_folder.folder)
                continue
            target = target_of(link, watched_folder, walked)
            if target is None:
                self._await(link, beside)
            elif not mounts.can_watch(target.path):
                self.polled.add(watched_folder.folder)
            elif target.is_folder:
                links += self._follow_folder(link, target, walked)
            else:
                targets.append(target.path)
        for path in targets:
            if not any(is_below(path, place) for place in walked):
                beside[os.path.dirname(path)].add(os.path.basename(path))  # noqa: PTH119, PTH120
        for folder, names in beside.items():
            try:
                self._add(InotifyTree(self, folder, watched_folder.folder, only=names))
            except OSError:
                self.polled.add(watched_folder.folder)
        self.has_links = len(self._trees) > 1 or bool(self.polled)

    def _follow_folder(self, link: str, target: Target, walked: set[str]) -> list[str]:
        walked.add(target.path)
        try:
            return self._add(InotifyTree(self, target.path, link, is_whole=True)).links_shown()
        except OSError:
            self.polled.add(self.watched_folder.folder)
            return []

    def _await(self, link: str, beside: defaultdict[str, set[str]]) -> None:
        """Watch for what may come where a link leads, if there is nothing yet."""
        path = os.path.realpath(link)
        if os.path.lexists(path):
            return
        while True:
            parent, name = os.path.split(path)
            if os.path.isdir(parent):  # noqa: PTH112
                beside[parent].add(name)
                return
            if parent == path:
                return
            path = parent


def _reads(reader: InotifyFD) -> bool:
    return reader.is_alive() and reader.should_keep_running()
