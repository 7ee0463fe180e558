"""Watching on macOS and Windows, where one watch covers all that is below a folder.

Neither says when a file is complete, so what is created or modified counts as changing until it has
been quiet. Both may lose events. watchdog ignores that; its readers are extended here to report it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import BaseObserver

from photofind.images.formats import is_photo
from photofind.indexing.watching.event_collector import EventCollector
from photofind.indexing.watching.links import links_in, target_of
from photofind.indexing.watching.mounting import Mounts
from photofind.indexing.watching.watched_folder import WatchedFolder, is_relevant
from photofind.paths import is_below
from photofind.system.reach import Beat

if TYPE_CHECKING:
    from watchdog.observers.api import ObservedWatch

__all__ = ["Observers", "new_observer"]

_EVENTS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]

Lost = Callable[[str], None]
"""Called with the real path of a folder in which events were lost; empty where it is unknown."""


class Observers:
    """Collects events about changes in folders.

    Parameters
    ----------
    events
        Collects them.
    request_check
        Called, in any thread, when a watch is not intact.
    make
        Makes the observer, given what is to be called when events are lost.
    """

    def __init__(
        self,
        events: EventCollector,
        request_check: Callable[[], None],
        make: Callable[[Lost], BaseObserver] | None = None,
    ) -> None:
        self.events = events
        self.request_check = request_check
        self.stopped = False
        self._make = make or new_observer
        self._opening = threading.Lock()
        self._observer: BaseObserver | None = None
        self._watches: set[ObserverWatch] = set()

    def watch(
        self, watched_folder: WatchedFolder, mounts: Mounts, beat: Beat = lambda: None
    ) -> ObserverWatch:
        """Start to collect the events in a folder; from then on none is missed.

        Raises
        ------
        OSError
            It cannot be done.
        """
        beat()
        watch = ObserverWatch(self, self._open(), watched_folder, mounts)
        self._watches = {*self._watches, watch}
        return watch

    def forget(self, watch: ObserverWatch) -> None:
        """Note that a watch is closed."""
        self._watches = self._watches - {watch}

    def stop(self) -> None:
        """Have everything end that is under way."""
        self.stopped = True

    def close(self) -> None:
        """Stop watching, and end all threads."""
        self.stopped = True
        with self._opening:
            observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            if observer is not threading.current_thread():
                observer.join()

    def _open(self) -> BaseObserver:
        with self._opening:
            if self.stopped:
                raise OSError("watching has ended")
            if self._observer is None or not self._observer.is_alive():
                self._observer = self._make(self._events_lost)
                self._observer.start()
            return self._observer

    def _events_lost(self, place: str) -> None:
        for watch in self._watches:
            watch.mark_broken(place)


class ObserverWatch(FileSystemEventHandler):
    """An added folder that is being watched."""

    def __init__(
        self,
        observers: Observers,
        observer: BaseObserver,
        watched_folder: WatchedFolder,
        mounts: Mounts,
    ) -> None:
        self.watched_folder = watched_folder
        self.polled: set[str] = set()
        self.has_links = False
        self._observers = observers
        self._observer = observer
        self._is_intact = True
        self._parts = _parts(watched_folder.real)
        self._watch: ObservedWatch | None = observer.schedule(
            self, watched_folder.real, recursive=True, event_filter=_EVENTS
        )
        self._look_for_mounts(mounts)
        self._look_for_links(mounts)

    @property
    def is_intact(self) -> bool:
        """Whether it still gets all events."""
        return (
            self._is_intact
            and self._observer.is_alive()
            and any(e.watch == self._watch and e.is_alive() for e in set(self._observer.emitters))
        )

    def close(self) -> None:
        """Stop watching."""
        self._observers.forget(self)
        watch, self._watch = self._watch, None
        if watch is not None:
            with contextlib.suppress(KeyError, OSError):  # The observer may have ended.
                self._observer.unschedule(watch)

    def mark_broken(self, place: str) -> None:
        """Note that events were lost in a folder, or in an unknown one (empty)."""
        shown = self._show(place) if place else self.watched_folder.folder
        if shown is not None:
            self._observers.events.tree(self.watched_folder, shown)
        elif place and is_below(self.watched_folder.real, place):
            self._observers.events.tree(self.watched_folder, self.watched_folder.folder)

    # What watchdog calls, from a thread of its own.

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Take in an event."""
        if event.is_synthetic:  # The folder is looked at as a whole.
            return
        place = os.fsdecode(event.src_path)
        match event:
            case DirCreatedEvent():
                self._came(place, is_folder=True)
            case DirMovedEvent():
                self._went(place, is_folder=True)
                self._came(os.fsdecode(event.dest_path), is_folder=True)
            case DirDeletedEvent():
                self._went(place, is_folder=True)
            case FileMovedEvent():
                self._went(place)
                self._came(os.fsdecode(event.dest_path), self._observers.events.complete)
            case FileDeletedEvent():
                # Windows does not say whether it was a folder.
                self._went(place, is_folder=sys.platform == "win32")
            case FileCreatedEvent() | FileModifiedEvent():
                self._came(place, self._observers.events.changed)
            case FileAttribEvent():
                self._came(place, self._observers.events.touched)
            case FileClosedEvent():
                self._came(place, self._observers.events.complete)

    def _came(
        self,
        place: str,
        note: Callable[[WatchedFolder, str], None] | None = None,
        *,
        is_folder: bool = False,
    ) -> None:
        shown = self._show(place)
        if shown is None:
            self._watch_again(place)
        elif os.path.islink(place):  # noqa: PTH114 (what the link leads to is not looked at)
            self._watch_again("")
        elif is_folder or note is None:
            if self.watched_folder.holds(shown, is_folder=True):
                self._observers.events.tree(self.watched_folder, shown)
        else:
            self._note(note, shown)

    def _went(self, place: str, *, is_folder: bool = False) -> None:
        shown = self._show(place)
        if shown is None or shown == self.watched_folder.folder:
            self._watch_again(place)
        elif not is_folder:
            self._note(self._observers.events.gone, shown)
        elif self.watched_folder.holds(shown, is_folder=True):
            self._observers.events.gone(self.watched_folder, shown)

    def _note(self, note: Callable[[WatchedFolder, str], None], shown: str) -> None:
        if is_relevant(shown) and self.watched_folder.holds(shown):
            if not is_photo(shown):
                note = self._observers.events.sidecar_changed
            note(self.watched_folder, shown)

    def _watch_again(self, place: str) -> None:
        """Have the folder watched again: it, or what links in it lead to, has changed."""
        if place and any(is_below(place, real) for real in self.watched_folder.inside):
            return
        if self._is_intact:
            self._is_intact = False
            self._observers.request_check()

    def _show(self, place: str) -> str | None:
        """Return a path as it is reported; None where it is not in the folder."""
        parts = _parts(place)
        if len(parts) < len(self._parts):
            return None
        same = zip(self._parts, parts, strict=False)
        if not all(one == other or _alike(one, other) for one, other in same):
            return None
        return self.watched_folder.path(os.sep.join(parts[len(self._parts) :]))  # noqa: PTH118

    def _look_for_mounts(self, mounts: Mounts) -> None:
        for real in mounts.unwatchable():
            shown = self._show(real)
            if shown is not None and self.watched_folder.holds(shown, is_folder=True):
                self.polled.add(shown)

    def _look_for_links(self, mounts: Mounts) -> None:
        """Have the folder polled if a link leads to something that belongs to it."""
        watched_folder = self.watched_folder
        for link in links_in(watched_folder, self.polled, lambda: self._observers.stopped):
            self.has_links = True
            if target_of(link, watched_folder, watched_folder.added) is not None:
                self.polled = {watched_folder.folder}
                return


def new_observer(lost: Lost) -> BaseObserver:
    """Return the observer of this system.

    Raises
    ------
    OSError
        Where there is none.
    """
    if sys.platform == "darwin":
        return _fsevents_observer(lost)
    if sys.platform == "win32":
        return _windows_observer(lost)
    raise OSError(f"folders cannot be watched on {sys.platform}")


def _fsevents_observer(lost: Lost) -> BaseObserver:
    from watchdog.observers.fsevents import FSEventsEmitter

    class Emitter(FSEventsEmitter):
        """watchdog's, extended: it does not report that macOS lost events."""

        def queue_events(self, timeout: float, events: list[Any]) -> None:  # type: ignore[override]
            for event in events:
                if event.must_scan_subdirs or event.is_user_dropped or event.is_kernel_dropped:
                    lost(os.fsdecode(event.path))
            super().queue_events(timeout, events)

    return BaseObserver(Emitter)


def _windows_observer(lost: Lost) -> BaseObserver:
    from watchdog.observers.read_directory_changes import WindowsApiEmitter
    from watchdog.observers.winapi import (
        DirectoryChangeReader,
        WinAPINativeEvent,
        _parse_event_buffer,
        _parse_extended_event_buffer,
    )

    class Reader(DirectoryChangeReader):
        """watchdog's, extended: it does not report that Windows lost events, and waits for more."""

        failed = False

        def get_events(self, timeout: float) -> list[Any]:
            events: list[Any] = []
            with contextlib.suppress(queue.Empty):
                buffer, is_extended = self._buf_queue.get(timeout=timeout)
                while True:
                    if not buffer:  # There was more than it could hold.
                        lost(self._path)
                    elif is_extended:
                        for action, path, is_attrib in _parse_extended_event_buffer(buffer):
                            events.append(WinAPINativeEvent(action, path, is_attrib))
                    else:
                        for action, path in _parse_event_buffer(buffer):
                            events.append(WinAPINativeEvent(action, path))
                    buffer, is_extended = self._buf_queue.get_nowait()
            return events

        def _run(self) -> None:
            try:
                super()._run()
            except OSError:  # The drive is gone, or has no events.
                self.failed = True
                self._buf_queue.put((b"", False))

    class Emitter(WindowsApiEmitter):
        """watchdog's, extended: it does not end when its reader has ended."""

        def on_thread_start(self) -> None:
            with self._lock:
                self._reader = reader = Reader(self.watch.path, recursive=self.watch.is_recursive)
            reader.start()
            if reader.failed:
                raise OSError(f"{self.watch.path} cannot be watched")

        def queue_events(self, timeout: float) -> None:
            super().queue_events(timeout)
            if getattr(self._reader, "failed", False):
                self.stop()

    return BaseObserver(Emitter)


def _parts(path: str) -> list[str]:
    return path.rstrip(os.sep).split(os.sep)  # noqa: PTH206 (a root is a part too)


def _alike(one: str, other: str) -> bool:
    """Return whether two names may be spellings of one: macOS and Windows ignore case."""
    return unicodedata.normalize("NFC", one).casefold() == (
        unicodedata.normalize("NFC", other).casefold()
    )
