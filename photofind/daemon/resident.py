"""`PhotoFind` as it lives in the daemon: it watches, it indexes by itself, and it tells."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from queue import SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING

import psutil

from photofind import __version__
from photofind.app.library_folders import chosen_folders
from photofind.app.photofind import PhotoFind
from photofind.app.status import library_status
from photofind.daemon.pausing import paused_until, remember_pause
from photofind.errors import LibraryError
from photofind.indexing.index_maintenance.maintainer import IndexMaintainer
from photofind.indexing.indexer import Indexer
from photofind.indexing.watching.events import Change, Kind
from photofind.model import (
    Answer,
    Check,
    DaemonStatus,
    DuplicateGroup,
    Event,
    FolderStatus,
    ProcessStatus,
    Progress,
    Query,
    Report,
    Status,
)
from photofind.paths import Home
from photofind.system.disk import explained

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction

__all__ = ["Resident"]

STOPPING = Event("stopping", None)


class Resident(PhotoFind):
    """The library of one home, open for writing and kept true to its folders.

    Threads may share it.

    Parameters
    ----------
    home
        Where the library is; this user's own where not given.

    Raises
    ------
    LockedError
        Another process is writing to the library.
    """

    def __init__(self, home: Home | None = None) -> None:
        super().__init__(home, resident=True)
        self._listening = Lock()
        self._changing_readings = Lock()
        self._listeners: list[Callable[[Event], None]] = []
        self._readings: dict[str, Extraction] = {}
        self._started = time.time()
        library = self._resources.library
        self._indexer = Indexer(
            library, self._indexing, self.settings, self._tell, apart=[str(self.home.root)]
        )
        self._maintainer = IndexMaintainer(
            library,
            self.home,
            self._indexer,
            library.release_memory,
            lambda: self.settings.idle_minutes * 60,
            self._tell,
        )

    def start(self) -> None:
        """Begin to watch the folders and to index what is new in them, unless that is paused."""
        until = paused_until(self.home)
        if until is not None:
            self._indexer.pause(until)
        self._indexer.start()
        self._maintainer.start()

    def close(self) -> None:
        """Stop indexing, end all child processes, and let others write to the library."""
        self._tell(STOPPING)
        # What is being read is cut short: it is read again at the next start.
        self._maintainer.interrupt()
        self._stop_reading()
        self._maintainer.stop()
        self._indexer.stop()
        self._stop_reading()
        super().close()

    # What happens.

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Have ``listener`` called with every event, in any thread; it must not wait.

        Returns
        -------
        callable
            Ends it.
        """
        with self._listening:
            self._listeners.append(listener)

        def end() -> None:
            with self._listening:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end

    def events(self) -> Iterator[Event]:
        """Yield what happens, as it happens, until :meth:`close`."""
        queue: SimpleQueue[Event] = SimpleQueue()
        end = self.subscribe(queue.put)
        try:
            while (event := queue.get()) != STOPPING:
                yield event
            yield event
        finally:
            end()

    def _tell(self, event: Event) -> None:
        if event.kind == "library":
            self._maintainer.library_changed()
        with self._listening:
            listeners = list(self._listeners)
        if not listeners:
            return
        if event.kind == "folders":
            event = Event("folders", self.folders())
        for listener in listeners:
            listener(event)

    # What is asked.

    @property
    def problems(self) -> list[str]:
        """What somebody should know or do something about, one line each."""
        return [*super().problems, *self._indexer.problems, *self._maintainer.problems]

    def similar(self, query: Query) -> Answer:
        """Find the photos most like a query; as in `PhotoFind`."""
        self._maintainer.queried()
        return super().similar(query)

    def duplicates(self) -> list[DuplicateGroup]:
        """Group the photos that show the same picture; the largest groups first."""
        self._maintainer.queried()
        return super().duplicates()

    def folders(self) -> list[FolderStatus]:
        """Return the folders of the library, and how each is watched."""
        return [
            replace(folder, watched=self._indexer.watched(folder.path))
            for folder in super().folders()
        ]

    def add_folder(self, folder: str, *, excludes: Sequence[str] = ()) -> None:
        """Add a folder, or change what is excluded in one that is there; as in `PhotoFind`."""
        super().add_folder(folder, excludes=excludes)
        self._indexer.folders_changed([folder])

    def remove_folder(self, folder: str) -> int:
        """Take a folder out of the library; as in `PhotoFind`."""
        with self._indexer.between_steps():
            removed = super().remove_folder(folder)
        self._indexer.folders_changed()
        return removed

    def index(
        self,
        folders: Sequence[str] | None = None,
        *,
        accept_removals: bool = False,
        retry_failed: bool = False,
        wait: bool = False,
        progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Report:
        """Look through folders and wait until what is new in them is read; as in `PhotoFind`.

        Where the caller does not wait for it, the indexing goes on all the same.
        """
        if self._indexer.paused:
            raise LibraryError("the daemon is paused", "`photofind resume` lets it go on")
        chosen = chosen_folders(self._resources.library, folders)

        def show(event: Event) -> None:
            if event.kind == "activity" and event.data is not None:
                progress(event.data)

        end = self.subscribe(show)
        try:
            report = self._indexer.index(
                chosen, accept_removals=accept_removals, retry_failed=retry_failed
            )
            problems = self._maintainer.maintain(graph=wait)
        finally:
            end()
        return replace(report, notes=(*self._resources.library.problems, *report.notes, *problems))

    def status(self) -> Status:
        """Return how the library is, and what the daemon does."""
        status = library_status(self._resources, self.folders(), self.problems)
        self._maintainer.opened()
        indexer, maintainer = self._indexer, self._maintainer
        return replace(
            status,
            pending=max(status.pending, indexer.pending),
            daemon=DaemonStatus(
                pid=os.getpid(),
                version=__version__,
                started=self._started,
                activity=indexer.activity or maintainer.activity,
                paused=indexer.paused,
                paused_until=indexer.paused_until,
                waiting=indexer.waiting,
                processes=self._processes(),
            ),
        )

    def _files_moved(self, *, gone: Sequence[str] = (), here: Sequence[str] = ()) -> None:
        self._indexer.notice(
            [
                *(Change(Kind.GONE, path) for path in gone),
                *(Change(Kind.COMPLETE, path) for path in here),
            ]
        )

    def doctor(self, *, repair: bool = False) -> list[Check]:
        """Look whether everything is well, the watching too; as in `PhotoFind`."""
        checks = super().doctor(repair=repair)
        watched = [folder for folder in self.folders() if folder.watched]
        told = f"{len(watched)} folders are watched"
        checks += [Check("watching", "warning", p) for p in self._indexer.problems] or [
            Check("watching", "ok", told)
        ]
        if repair:
            self._indexer.scan(folder.path for folder in self.folders())
            self._maintainer.library_changed(rebuild=True)
        return checks

    def pause(self, seconds: float | None = None) -> None:
        """Leave files alone for so long, or until :meth:`resume`; answering goes on.

        The daemon's next start changes nothing about it.
        """
        until = float("inf") if seconds is None else time.time() + seconds
        self._indexer.pause(until)
        self._maintainer.interrupt()
        self._remember_pause(until)

    def resume(self) -> None:
        """Go on indexing at once."""
        self._indexer.resume()
        self._maintainer.library_changed()
        self._remember_pause(None)

    def _remember_pause(self, until: float | None) -> None:
        with explained(self.home.root):
            remember_pause(self.home, until)

    # The settings.

    def _forget_settings(self) -> None:
        super()._forget_settings()
        self._stop_reading()
        self._indexer.reconfigure(self.settings)
        self._maintainer.library_changed()

    def _indexing(self, extractor: str) -> Extraction:
        """Return what embeds the photos of the folders: apart from queries, which do not wait."""
        with self._changing_readings:
            if extractor not in self._readings:
                self._readings[extractor] = self._resources.new_extraction(
                    extractor, low_priority=True
                )
            return self._readings[extractor]

    def _stop_reading(self) -> None:
        """End the workers that read the folders; what they were at is read again."""
        with self._changing_readings:
            readings = [*self._readings.values()]
            self._readings.clear()
        for reading in readings:
            reading.close()

    def _processes(self) -> tuple[ProcessStatus, ...]:
        with self._changing_readings:
            readings = dict(self._readings)
        named = [
            ("daemon", os.getpid()),
            *((f"indexing with {name}", pid) for name, one in readings.items() if (pid := one.pid)),
            *self._resources.processes,
            *(("index builder", pid) for pid in self._maintainer.processes),
        ]
        return tuple(
            ProcessStatus(name, pid, memory)
            for name, pid in named
            if (memory := _memory(pid)) is not None
        )


def _memory(pid: int) -> int | None:
    """Return the bytes that a process holds in memory; None where it has ended."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return None
