"""A folder and those below it, each with an inotify watch, and what their events mean."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    Mask,
    WatchDescriptor,
)

from photofind.errors import NotAnsweringError
from photofind.images.formats import is_photo
from photofind.indexing.watching.inotify_limits import WATCHES, LimitReachedError
from photofind.indexing.watching.watched_folder import WatchedFolder, is_relevant

if TYPE_CHECKING:
    from typing import Self

    from photofind.indexing.watching.inotify import InotifyWatch

__all__ = ["InotifyTree"]

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
    | InotifyConstants.IN_EXCL_UNLINK
)
# The file was moved or deleted before the event was handled; another event follows.
_GONE_AGAIN = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ESTALE}
# Each watch that is removed makes an event, and the queue holds 16,384.
_REMOVED_AT_ONCE = 1024


class _Folder:
    """A folder in a tree; watchdog calls it with the events about it and what is in it."""

    __slots__ = ("below", "descriptor", "is_gone", "parent", "path", "tree")

    def __init__(self, tree: InotifyTree, parent: _Folder | None, path: bytes) -> None:
        self.tree = tree
        self.parent = parent
        self.path = path
        self.descriptor = WatchDescriptor(-1)
        self.below: dict[bytes, _Folder] | None = None
        self.is_gone = False

    @property
    def id(self) -> CallbackId:
        """What distinguishes it, for watchdog, from others that the same watch calls."""
        return CallbackId(id(self))

    def on_event(self, event: InotifyEvent) -> None:
        """Take in an event."""
        self.tree.on_event(self, event)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Note that the folder is gone."""
        self.tree.on_end(self)

    def on_queue_overflow(self) -> None:
        """Note that events were lost."""
        self.tree.watch.mark_broken()


class InotifyTree:
    """A folder and what is below it, or next to it, being watched.

    Parameters
    ----------
    top
        The folder, without links.
    shown
        The path that is reported instead of it.
    is_whole
        Whether the added folder as a whole is to be scanned when something changes.
    only
        Only files and folders of these names, directly in ``top``, are of interest; when one
        changes, the links have to be followed again.
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
            with self._open(self._top) as handle:
                self._watch(root, handle)
            if root.descriptor == -1:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), self._shown)
            if self._only is None:
                self._fill(root)
        except LimitReachedError as error:
            error.needed = self._count()
            raise

    def close(self) -> None:
        """Stop watching them."""
        with self._changing:
            root, self._root = self._root, None
        if root is not None:
            self._forget(root)

    def links_shown(self) -> list[str]:
        """Return the links in it, sorted."""
        return sorted(map(self._show, self._links))

    # What the thread that reads calls.

    def on_event(self, folder: _Folder, event: InotifyEvent) -> None:
        """Take in an event about a folder or what is in it."""
        if folder.is_gone or self.watch.stopped:
            return
        try:
            self._take(folder, event)
        except (LimitReachedError, NotAnsweringError):
            self.watch.mark_broken()
        except Exception:  # The thread reads for all folders.
            log.exception("an event in %r was not understood: %r", folder.path, event)
            self.watch.mark_broken()

    def on_end(self, folder: _Folder) -> None:
        """Note that a folder is gone."""
        if not folder.is_gone:
            self._detach(folder)
            if folder is self._root:
                self.watch.mark_broken()

    def _take(self, folder: _Folder, event: InotifyEvent) -> None:
        if not event.name:
            ended = event.mask & (InotifyConstants.IN_MOVE_SELF | InotifyConstants.IN_UNMOUNT)
            if ended and folder is self._root:
                self.watch.mark_broken()
        elif self._only is not None:
            if event.name in self._only:
                self.watch.mark_broken()
        else:
            path = os.path.join(folder.path, event.name)  # noqa: PTH118 (bytes)
            if event.mask & InotifyConstants.IN_ISDIR:
                self._take_folder(folder, path, event)
            else:
                self._take_file(path, event)

    def _take_folder(self, parent: _Folder, path: bytes, event: InotifyEvent) -> None:
        events, watched_folder = self.watch.events, self.watch.watched_folder
        if event.mask & _GO:
            with self._changing:
                child = parent.below.get(event.name) if parent.below else None
                if child is not None:
                    self._forget(child)
            self._shut.discard(path)
            if self._leaves_out(path):
                return
            if event.is_moved_from:
                events.leaving(event.cookie)
            self._report(events.gone, path)
            return
        if event.is_moved_to:
            events.arrived(event.cookie)
        if self._leaves_out(path):
            if os.fsdecode(path) in watched_folder.added:
                self.watch.request_check()
            return
        if event.mask & InotifyConstants.IN_ATTRIB and not self._may_be_read_again(parent, path):
            return
        child = self._enter(parent, path)
        if child is not None:
            self._fill(child, self.watch.mark_broken)
        self._report(events.tree, path)

    def _take_file(self, path: bytes, event: InotifyEvent) -> None:
        events, watched_folder = self.watch.events, self.watch.watched_folder
        if event.is_moved_to:
            events.arrived(event.cookie)
        status: os.stat_result | None = None
        if event.mask & _COME:
            try:
                status = self.watch.touch(os.lstat, path)
            except OSError:  # It is gone again, and another event follows.
                return
        if path in self._links or (status is not None and stat.S_ISLNK(status.st_mode)):
            self._take_link(path, event)
            return
        shown = self._show(path)
        if not is_relevant(shown) or watched_folder.excludes(shown, is_folder=False):
            return
        if event.is_moved_from:
            events.leaving(event.cookie)
        if not is_photo(shown):
            self._report(events.sidecar_changed, path)
        elif event.mask & _GO:
            self._report(events.gone, path)
        elif event.is_create and status is not None and status.st_nlink == 1:
            self._report(events.created, path)
        else:
            is_touched = bool(event.mask & InotifyConstants.IN_ATTRIB)
            self._report(events.touched if is_touched else events.complete, path)
            if status is None:
                self._report_other_names(path)

    def _take_link(self, path: bytes, event: InotifyEvent) -> None:
        shown, excludes = self._show(path), self.watch.watched_folder.excludes
        if event.mask & _GO:
            self._links.discard(path)
        elif event.mask & _COME:
            self._links.add(path)
        else:
            return
        if not (excludes(shown, is_folder=True) and excludes(shown, is_folder=False)):
            self.watch.mark_broken()

    def _report(self, note: Callable[[WatchedFolder, str], None], path: bytes) -> None:
        watched_folder = self.watch.watched_folder
        if self._is_whole:
            self.watch.events.tree(watched_folder, watched_folder.folder)
        else:
            note(watched_folder, self._show(path))

    def _report_other_names(self, path: bytes) -> None:
        """Have everything scanned if a file that changed has other names: it changed there too."""
        with contextlib.suppress(OSError):
            if self.watch.touch(os.lstat, path).st_nlink > 1:
                self.watch.inotify.scan_everything()

    def _may_be_read_again(self, parent: _Folder, path: bytes) -> bool:
        """Return whether a folder whose attributes changed may be read again."""
        if not self.watch.touch(_may_read, path):
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
            may_read, names, links = self.watch.touch(_list, folder.path)
            if not may_read:
                self._shut.add(folder.path)
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
        """Watch a folder; return None if there is none that can be watched."""
        folder = _Folder(self, parent, path)
        name = os.path.basename(path)  # noqa: PTH119
        try:
            handle = self._open(path)
        except PermissionError:
            self._shut.add(path)
            return None
        except OSError as error:
            if error.errno in _GONE_AGAIN or self.watch.stopped:
                return None
            raise
        with handle, self._changing:
            if parent.is_gone:
                return None
            try:
                self._watch(folder, handle)
            except OSError:
                if self.watch.stopped:
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

    def _open(self, path: bytes) -> _Handle:
        """Get hold of a folder, which may take for ever.

        watchdog would do so while all others wait for it; with a handle it touches no file system.
        """
        return self.watch.touch(_Handle, path)

    def _watch(self, folder: _Folder, handle: _Handle) -> None:
        """Have watchdog watch a folder; the descriptor is -1 where that is not permitted."""
        try:
            folder.descriptor = self.watch.reader.add_callback(
                handle.path, _MASK, folder, folder.id
            )
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise LimitReachedError(WATCHES) from error
            raise
        if folder.descriptor == -1:
            self.watch.reader.remove_callbacks([(folder.descriptor, folder.id)])

    def _forget(self, folder: _Folder) -> None:
        """Stop watching a folder and those below it."""
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
        """Return how many folders are to be watched."""
        folders = [self._top]
        for folder in folders:  # Grows by those below.
            if self.watch.stopped:
                break
            names = self.watch.touch(_list, folder)[1]
            paths = [os.path.join(folder, name) for name in names]  # noqa: PTH118
            folders += [path for path in paths if not self._leaves_out(path)]
        return len(folders)

    def _leaves_out(self, path: bytes) -> bool:
        """Return whether a folder does not belong to this, or cannot be watched."""
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


class _Handle:
    """A folder that was got hold of, and a path that leads to it without touching any other."""

    def __init__(self, path: bytes) -> None:
        self._descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self.path = b"/proc/self/fd/%d" % self._descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self._descriptor)


def _list(folder: bytes) -> tuple[bool, list[bytes], list[bytes]]:
    """Return whether a folder may be read, and the names of the folders and the links in it."""
    folders: list[bytes] = []
    links: list[bytes] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    links.append(entry.name)
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
    except OSError:  # The scan reports what cannot be read.
        pass
    return _may_read(folder), folders, links


def _may_read(folder: bytes) -> bool:
    return os.access(folder, os.R_OK | os.X_OK)
