"""Watching on Linux: one inotify instance for all folders, and a watch for each folder in them.

watchdog reads the instance. Its own recursive watches are not used, since in them

- a queue that overflowed while more than 16,384 folders are watched overflows again and again: all
  watches are removed and added again, and each removal is an event;
- a folder that cannot be watched because a limit is reached is left out in silence;
- nothing can be left out, so that hidden folders and those of programs take watches too;
- moves from one added folder to another are not moves.

Events are wanted for what is created, closed after writing, moved, deleted or given other
attributes. Reading and listing make none, so that a scan does not wake what watches.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
import threading
import time
from collections import defaultdict
from collections.abc import Callable

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchDescriptor,
)

from photofind.images.formats import is_photo
from photofind.indexing.watching.inotify_limits import INSTANCES, WATCHES, LimitReachedError
from photofind.indexing.watching.links import Target, leads_out_of_reach, target_of
from photofind.indexing.watching.mounting import Mounts
from photofind.indexing.watching.pending import Pending
from photofind.indexing.watching.watched_folder import WatchedFolder, tells
from photofind.paths import is_below

__all__ = ["Inotify"]

log = logging.getLogger(__name__)

_COME = InotifyConstants.IN_CREATE | InotifyConstants.IN_MOVED_TO
_GO = InotifyConstants.IN_DELETE | InotifyConstants.IN_MOVED_FROM
_MASK = Mask(
    _COME
    | _GO
    | InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_ATTRIB
    | InotifyConstants.IN_MOVE_SELF
    | InotifyConstants.IN_ONLYDIR
    | InotifyConstants.IN_DONT_FOLLOW
    | InotifyConstants.IN_EXCL_UNLINK
)
# Between an event and a look at what it told of; another event tells what became of it.
_GONE_AGAIN = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ESTALE}
# Each watch that is removed makes an event, and the queue holds 16,384.
_REMOVED_AT_ONCE = 1024


class Inotify:
    """Notes what changes in folders.

    Parameters
    ----------
    pending
        Where it is noted.
    doubt
        Called, by the thread that reads, where a watch is not well.
    """

    def __init__(self, pending: Pending, doubt: Callable[[], None]) -> None:
        self.pending = pending
        self.doubt = doubt
        self.stopped = False
        self._opening = threading.Lock()
        self._reader: InotifyFD | None = None
        self._watches: frozenset[InotifyWatch] = frozenset()

    def watch(self, watched_folder: WatchedFolder, mounts: Mounts) -> InotifyWatch:
        """Begin to note what changes in a folder; from then on nothing is missed.

        Raises
        ------
        LimitReachedError
            A limit of inotify does not allow it.
        OSError
            It cannot be done for another reason.
        """
        watch = InotifyWatch(self, self._open(), watched_folder, mounts)
        with self._opening:
            self._watches |= {watch}
        return watch

    def forget(self, watch: InotifyWatch) -> None:
        """Take note that a watch is closed."""
        with self._opening:
            self._watches -= {watch}

    def tell_of_everything(self) -> None:
        """Have all folders looked through."""
        for watch in self._watches:
            self.pending.tree(watch.watched_folder, watch.watched_folder.folder)

    def stop(self) -> None:
        """Let whatever is under way end soon."""
        self.stopped = True

    def close(self) -> None:
        """Watch nothing any longer, and end the thread that reads."""
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
                raise OSError(errno.ECANCELED, "nothing is watched any longer")
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
    """An added folder that is being watched, and with it what links in it lead to."""

    def __init__(
        self, inotify: Inotify, reader: InotifyFD, watched_folder: WatchedFolder, mounts: Mounts
    ) -> None:
        self.watched_folder = watched_folder
        self.reader = reader
        self.unwatchable = mounts.unwatchable()
        self.polled: set[str] = set()
        self.has_links = False
        self.inotify = inotify
        self._is_well = True
        self._trees: list[_Tree] = []
        try:
            tree = self._add(_Tree(self, watched_folder.real, watched_folder.folder))
            self._follow(tree.links_shown(), mounts)
        except BaseException:
            self.close()
            raise

    @property
    def pending(self) -> Pending:
        """Where changes are noted."""
        return self.inotify.pending

    @property
    def stopped(self) -> bool:
        """Whether it is of no use to go on."""
        return self.inotify.stopped

    @property
    def is_well(self) -> bool:
        """Whether it still hears of everything."""
        return self._is_well and _reads(self.reader)

    def lose(self) -> None:
        """Take note that not everything is heard of."""
        if self._is_well:
            self._is_well = False
            self.inotify.doubt()

    def doubt(self) -> None:
        """Have the folders looked at: one may be another than before."""
        self.inotify.doubt()

    def close(self) -> None:
        """Watch no longer."""
        self.inotify.forget(self)
        for tree in self._trees:
            tree.close()

    def _add(self, tree: _Tree) -> _Tree:
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
                self._add(_Tree(self, folder, watched_folder.folder, only=names))
            except OSError:
                self.polled.add(watched_folder.folder)
        self.has_links = len(self._trees) > 1 or bool(self.polled)

    def _follow_folder(self, link: str, target: Target, walked: set[str]) -> list[str]:
        walked.add(target.path)
        try:
            return self._add(_Tree(self, target.path, link, is_whole=True)).links_shown()
        except OSError:
            self.polled.add(self.watched_folder.folder)
            return []

    def _await(self, link: str, beside: defaultdict[str, set[str]]) -> None:
        """Where a link leads nowhere, watch for what may come there."""
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


class _Folder:
    """A folder in a tree; watchdog calls it with what happens to and in it."""

    __slots__ = ("below", "descriptor", "is_gone", "parent", "path", "tree")

    def __init__(self, tree: _Tree, parent: _Folder | None, path: bytes) -> None:
        self.tree = tree
        self.parent = parent
        self.path = path
        self.descriptor = WatchDescriptor(-1)
        self.below: dict[bytes, _Folder] | None = None
        self.is_gone = False

    @property
    def id(self) -> CallbackId:
        """What watchdog tells it by from others that the same watch calls."""
        return CallbackId(id(self))

    def on_event(self, event: InotifyEvent) -> None:
        """Take in an event."""
        self.tree.on_event(self, event)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Take note that the folder is no more."""
        self.tree.on_end(self)

    def on_queue_overflow(self) -> None:
        """Take note that events were lost."""
        self.tree.watch.lose()


class _Tree:
    """A folder and what is below it, or next to it, being watched.

    Parameters
    ----------
    top
        The folder, without links.
    shown
        What stands for it in what is reported.
    is_whole
        Whether the added folder as a whole is to be looked through when something changes.
    only
        Only files and folders of these names, directly in ``top``, are of interest; when one
        changes, what links lead to is to be found out anew.
    """

    def __init__(
        self,
        watch: InotifyWatch,
        top: str,
        shown: str,
        *,
        is_whole: bool = False,
        only: set[str] | None = None,
    ) -> None:
        self.watch = watch
        self._top = os.fsencode(top)
        self._shown = shown.rstrip(os.sep)
        self._cut = len(self._top.rstrip(b"/"))
        self._is_whole = is_whole
        self._only = None if only is None else frozenset(map(os.fsencode, only))
        self._links: set[bytes] = set()
        self._shut: set[bytes] = set()  # Folders that may not be read.
        self._changing = threading.RLock()  # Held to change which folders there are.
        self._root: _Folder | None = None

    def open(self) -> None:
        """Watch the folder and those below it.

        Raises
        ------
        LimitReachedError
            There are more than may be watched.
        OSError
            The folder itself cannot be watched.
        """
        self._root = root = _Folder(self, None, self._top)
        try:
            self._watch(root)
            if root.descriptor == -1:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), self._shown)
            if self._only is None:
                self._fill(root)
        except LimitReachedError as error:
            error.needed = self._count()
            raise

    def close(self) -> None:
        """Watch none of them any longer."""
        with self._changing:
            root, self._root = self._root, None
        if root is not None:
            self._forget(root)

    def links_shown(self) -> list[str]:
        """Return the links in it, sorted."""
        return sorted(map(self._show, self._links))

    # What the thread that reads calls.

    def on_event(self, folder: _Folder, event: InotifyEvent) -> None:
        """Take in what happened to or in a folder."""
        if folder.is_gone or self.watch.stopped:
            return
        try:
            self._take(folder, event)
        except LimitReachedError:
            self.watch.lose()
        except Exception:  # The thread reads for all folders.
            log.exception("an event in %r was not understood: %r", folder.path, event)
            self.watch.lose()

    def on_end(self, folder: _Folder) -> None:
        """Take note that a folder is no more."""
        if not folder.is_gone:
            self._detach(folder)
            if folder is self._root:
                self.watch.lose()

    def _take(self, folder: _Folder, event: InotifyEvent) -> None:
        if not event.name:
            ended = event.mask & (InotifyConstants.IN_MOVE_SELF | InotifyConstants.IN_UNMOUNT)
            if ended and folder is self._root:
                self.watch.lose()
        elif self._only is not None:
            if event.name in self._only:
                self.watch.lose()
        else:
            path = os.path.join(folder.path, event.name)  # noqa: PTH118 (bytes)
            if event.mask & InotifyConstants.IN_ISDIR:
                self._take_folder(folder, path, event)
            else:
                self._take_file(path, event)

    def _take_folder(self, parent: _Folder, path: bytes, event: InotifyEvent) -> None:
        pending, watched_folder = self.watch.pending, self.watch.watched_folder
        if event.mask & _GO:
            with self._changing:
                child = parent.below.get(event.name) if parent.below else None
                if child is not None:
                    self._forget(child)
            self._shut.discard(path)
            if self._leaves_out(path):
                return
            if event.is_moved_from:
                pending.leaving(event.cookie)
            self._tell(pending.gone, path)
            return
        if event.is_moved_to:
            pending.arrived(event.cookie)
        if self._leaves_out(path):
            if os.fsdecode(path) in watched_folder.added:
                self.watch.doubt()
            return
        if event.mask & InotifyConstants.IN_ATTRIB and not self._may_be_read_again(parent, path):
            return
        child = self._enter(parent, path)
        if child is not None:
            self._fill(child, self.watch.lose)
        self._tell(pending.tree, path)

    def _take_file(self, path: bytes, event: InotifyEvent) -> None:
        pending, watched_folder = self.watch.pending, self.watch.watched_folder
        if event.is_moved_to:
            pending.arrived(event.cookie)
        status: os.stat_result | None = None
        if event.mask & _COME:
            try:
                status = os.lstat(path)
            except OSError:  # It is gone again, and an event will tell.
                return
        if path in self._links or (status is not None and stat.S_ISLNK(status.st_mode)):
            self._take_link(path, event)
            return
        shown = self._show(path)
        if not tells(shown) or watched_folder.excludes(shown, is_folder=False):
            return
        if event.is_moved_from:
            pending.leaving(event.cookie)
        if not is_photo(shown):
            self._tell(pending.described, path)
        elif event.mask & _GO:
            self._tell(pending.gone, path)
        elif event.is_create and status is not None and status.st_nlink == 1:
            self._tell(pending.created, path)
        else:
            is_touched = bool(event.mask & InotifyConstants.IN_ATTRIB)
            self._tell(pending.touched if is_touched else pending.complete, path)
            if status is None:
                self._tell_of_other_names(path)

    def _take_link(self, path: bytes, event: InotifyEvent) -> None:
        shown, excludes = self._show(path), self.watch.watched_folder.excludes
        if event.mask & _GO:
            self._links.discard(path)
        elif event.mask & _COME:
            self._links.add(path)
        else:
            return
        if not (excludes(shown, is_folder=True) and excludes(shown, is_folder=False)):
            self.watch.lose()

    def _tell(self, note: Callable[[WatchedFolder, str], None], path: bytes) -> None:
        watched_folder = self.watch.watched_folder
        if self._is_whole:
            self.watch.pending.tree(watched_folder, watched_folder.folder)
        else:
            note(watched_folder, self._show(path))

    def _tell_of_other_names(self, path: bytes) -> None:
        """Where a file that changed has other names, it changed there too, wherever that is."""
        with contextlib.suppress(OSError):
            if os.lstat(path).st_nlink > 1:
                self.watch.inotify.tell_of_everything()

    def _may_be_read_again(self, parent: _Folder, path: bytes) -> bool:
        """Tell whether a folder of other attributes may be read, and could not be before."""
        if not _may_read(path):
            self._shut.add(path)
            return False
        was_shut = path in self._shut
        self._shut.discard(path)
        return was_shut or os.path.basename(path) not in (parent.below or {})  # noqa: PTH119

    # Which folders there are.

    def _fill(self, folder: _Folder, found_link: Callable[[], None] = lambda: None) -> None:
        """Watch all folders below one, and note the links in them."""
        folders = [folder]
        while folders and not self.watch.stopped:
            folder = folders.pop()
            if not _may_read(folder.path):
                self._shut.add(folder.path)
            names, links = _list(folder.path)
            for name in links:
                self._links.add(os.path.join(folder.path, name))  # noqa: PTH118 (bytes)
                found_link()
            for name in names:
                path = os.path.join(folder.path, name)  # noqa: PTH118
                if not self._leaves_out(path):
                    child = self._enter(folder, path)
                    if child is not None:
                        folders.append(child)

    def _enter(self, parent: _Folder, path: bytes) -> _Folder | None:
        """Watch a folder; return None where there is none that can be watched."""
        folder = _Folder(self, parent, path)
        name = os.path.basename(path)  # noqa: PTH119
        with self._changing:
            if parent.is_gone:
                return None
            try:
                self._watch(folder)
            except OSError as error:
                if error.errno in _GONE_AGAIN or self.watch.stopped:
                    return None
                raise
            if folder.descriptor == -1:
                self._shut.add(path)
                return None
            below = parent.below = {} if parent.below is None else parent.below
            known = below.get(name)
            if known is not None and known.descriptor == folder.descriptor:
                self._release([folder])
                return known
            if known is not None:
                self._forget(known)
            below[name] = folder
        return folder

    def _watch(self, folder: _Folder) -> None:
        """Have watchdog watch a folder; the descriptor is -1 where that is not permitted."""
        try:
            folder.descriptor = self.watch.reader.add_callback(
                folder.path, _MASK, folder, folder.id
            )
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise LimitReachedError(WATCHES) from error
            raise
        if folder.descriptor == -1:
            self.watch.reader.remove_callbacks([(folder.descriptor, folder.id)])

    def _forget(self, folder: _Folder) -> None:
        """Watch a folder and those below it no longer."""
        with self._changing:
            self._detach(folder)
            folders = [folder]
            for one in folders:  # Grows by those below.
                one.is_gone = True
                folders += (one.below or {}).values()
                one.below = None
        self._release(folders)

    def _detach(self, folder: _Folder) -> None:
        with self._changing:
            folder.is_gone = True
            below = folder.parent.below if folder.parent is not None else None
            name = os.path.basename(folder.path)  # noqa: PTH119
            if below is not None and below.get(name) is folder:
                del below[name]

    def _release(self, folders: list[_Folder]) -> None:
        reader = self.watch.reader
        for first in range(0, len(folders), _REMOVED_AT_ONCE):
            if first and reader is not threading.current_thread():
                time.sleep(0.002)  # Let the events be read that this makes.
            some = folders[first : first + _REMOVED_AT_ONCE]
            reader.remove_callbacks([(folder.descriptor, folder.id) for folder in some])

    def _count(self) -> int:
        """Return how many folders there are to be watched."""
        folders = [self._top]
        for folder in folders:  # Grows by those below.
            if self.watch.stopped:
                break
            paths = [os.path.join(folder, name) for name in _list(folder)[0]]  # noqa: PTH118
            folders += [path for path in paths if not self._leaves_out(path)]
        return len(folders)

    def _leaves_out(self, path: bytes) -> bool:
        """Tell whether a folder is no part of this, or cannot be watched."""
        real, shown = os.fsdecode(path), self._show(path)
        watched_folder = self.watch.watched_folder
        if real in watched_folder.added or watched_folder.excludes(shown, is_folder=True):
            return True
        if real in self.watch.unwatchable:
            self.watch.polled.add(watched_folder.folder if self._is_whole else shown)
            return True
        return False

    def _show(self, path: bytes) -> str:
        return self._shown + os.fsdecode(path[self._cut :]) or os.sep


def _reads(reader: InotifyFD) -> bool:
    return reader.is_alive() and reader.should_keep_running()


def _list(folder: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return the names of the folders and the links in a folder."""
    folders: list[bytes] = []
    links: list[bytes] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    links.append(entry.name)
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
    except OSError:  # The scan says what it could not look at.
        pass
    return folders, links


def _may_read(folder: bytes) -> bool:
    return os.access(folder, os.R_OK | os.X_OK)
