"""`PhotoFind` in the daemon: it watches the folders, indexes by itself, and sends events."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import psutil

from photofind import __version__
from photofind.app.extraction_pool import ExtractionPool
from photofind.app.feedback import is_metric_due
from photofind.app.fleets import reading_by_fleet
from photofind.app.library_folders import chosen_folders
from photofind.app.photofind import PhotoFind
from photofind.app.status import library_status
from photofind.daemon.listeners import STOPPING, Listeners
from photofind.daemon.pausing import paused_until, remember_pause
from photofind.errors import LibraryError, PhotofindError
from photofind.extractors.code_files import Code
from photofind.extractors.watch import ExtractorWatch
from photofind.indexing.index_maintenance.maintainer import IndexMaintainer
from photofind.indexing.indexer import Indexer
from photofind.indexing.watching.events import Change, Kind
from photofind.model import (
    Answer,
    Check,
    DaemonStatus,
    DuplicateGroup,
    Event,
    Explanation,
    FolderStatus,
    ProcessStatus,
    Progress,
    Query,
    Report,
    Spread,
    Status,
)
from photofind.model.counted import counted
from photofind.paths import Home
from photofind.system.disk import explain_disk_errors
from photofind.system.reach import Reach
from photofind.words.keeping import TextIndexKeeper

__all__ = ["Resident"]

log = logging.getLogger(__name__)


class Resident(PhotoFind):
    """The operations on a library that is open for writing and kept up to date with its folders.

    Threads may share it.

    Parameters
    ----------
    home
        Where the library is; this user's own if not given.

    Raises
    ------
    LockedError
        Another process is writing to the library.
    """

    def __init__(self, home: Home | None = None) -> None:
        super().__init__(home, resident=True)
        self._listeners = Listeners()
        # The photos of the folders are embedded in workers of their own: queries do not wait.
        self._reading = ExtractionPool(
            lambda extractor: self._resources.new_extraction(
                extractor, low_priority=True, bases=self._reading
            )
        )
        self._started = time.time()
        # What is wrong with the files, and which problems of the library were known at the last
        # look.
        self._files_problem: str | None = None
        self._known_problems: list[str] = []
        self._comparing: Progress | None = None
        self._learning: Progress | None = None
        library = self._resources.library
        self._indexer = Indexer(
            library,
            self._reading,
            self.settings,
            self._tell,
            apart=[str(self.home.root)],
            reach=self._resources.reach,
            memory=self._resources.extractor_memory,
        )
        self._watch = ExtractorWatch(self.home)
        self._maintainer = IndexMaintainer(
            library,
            self.home,
            self._indexer,
            self._release_memory,
            lambda: self.settings.idle_minutes * 60,
            self._tell,
            self._use_calm_moment,
        )
        self._words = TextIndexKeeper(self._resources.text_index, library)

    def start(self) -> None:
        """Watch the folders and index what is new in them, unless indexing is paused."""
        until = paused_until(self.home)
        if until is not None:
            self._indexer.pause(until)
        self._indexer.start()
        self._maintainer.start()
        self._words.start()
        if self._resources.may_rerank:
            self._maintainer.left_something()

    def close(self) -> None:
        """Stop indexing, end all child processes, and let others write to the library."""
        self._tell(STOPPING)
        self._resources.reach.close()
        # Photos that are being read are read again at the next start.
        self._maintainer.interrupt()
        self._reading.close()
        self._maintainer.stop()
        self._indexer.stop()
        self._words.stop()
        self._reading.close()
        super().close()

    def look_at_files(self) -> None:
        """See that the files of the library are those known; have made again what they lost."""
        self._look_at_extractors()
        library = self._resources.library
        try:
            lost = library.verify(changed_only=True)
        except PhotofindError as error:
            if self._files_problem != str(error):
                log.error("%s", error)
            self._files_problem = str(error)
            return
        self._files_problem, known = None, self._known_problems
        self._known_problems = library.problems
        if lost or self._known_problems != known:
            for problem in self._known_problems:
                log.warning("%s", problem)
            self._indexer.folders_changed()
            self._indexer.scan(folder.path for folder in library.folders())
            self._maintainer.library_changed(rebuild=True)

    def _look_at_extractors(self) -> None:
        """Have extractors loaded again that are not installed as they were."""
        watched = {**dict.fromkeys(self._resources.extraction.names, Code()), **self._indexer.code}
        for name in self._watch.look(watched):
            log.info("the extractor %s is not installed as it was and is loaded again", name)
            self._resources.extraction.retire(name)
            self._indexer.extractors_changed([name])
            self._reading.replace(name)

    # What happens.

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Have ``listener`` called with every event, in any thread; return what ends that.

        It must not wait.
        """
        return self._listeners.add(listener)

    def events(self) -> Iterator[Event]:
        """Yield what happens, as it happens, until :meth:`close`."""
        return self._listeners.events()

    def _tell(self, event: Event) -> None:
        if event.kind == "library":
            self._maintainer.library_changed()
            self._words.library_changed()
        if event.kind == "folders" and self._listeners:
            event = Event("folders", self.folders())
        self._listeners.tell(event)

    # Operations.

    @property
    def reach(self) -> Reach:
        """What touches the files of photos."""
        return self._resources.reach

    @property
    def problems(self) -> list[str]:
        """What needs the user's attention, one line each."""
        return [
            *super().problems,
            *([self._files_problem] if self._files_problem else []),
            *self._indexer.problems,
            *self._maintainer.problems,
            *self._words.problems,
        ]

    def similar(self, query: Query) -> Answer:
        """Find the photos most like a query."""
        self._maintainer.queried()
        return super().similar(query)

    def _update_words(self, progress: Callable[[Progress], None]) -> None:
        """Leave the text index to its thread: no answer waits for it."""
        if not self._resources.text_index.is_current(self._resources.library):
            self._words.wanted()

    def explain(
        self,
        query: int | str,
        hit: int | str,
        *,
        extractor: str | None = None,
        words: str | None = None,
        words_weight: float | None = None,
    ) -> Explanation:
        """Explain why a photo of the library is a hit of a query."""
        self._maintainer.queried()
        return super().explain(
            query, hit, extractor=extractor, words=words, words_weight=words_weight
        )

    def judge(
        self,
        query: Query,
        *,
        likes: Sequence[int] = (),
        dislikes: Sequence[int] = (),
        forget: Sequence[int] = (),
    ) -> Answer:
        """Remember whether photos are what a query asked for; return its answer ranked by that."""
        self._maintainer.queried()
        answer = super().judge(query, likes=likes, dislikes=dislikes, forget=forget)
        self._maintainer.left_something()
        return answer

    def forget_judgements(self, judgements: Sequence[str]) -> int:
        """Take judgements back; return how many there were."""
        gone = super().forget_judgements(judgements)
        self._maintainer.left_something()
        return gone

    def _use_calm_moment(self) -> bool:
        """Do a little of what was left for calm moments; return whether that is all."""
        if not self._compare_more():
            return False
        try:
            if is_metric_due(self._resources):
                log.info("learned from judgements: %s", self.learn_metric().reason)
        except PhotofindError as error:
            log.error("nothing was learned from judgements: %s", error)
        return True

    def duplicates(
        self,
        *,
        folder: str | None = None,
        spread: Spread = "any",
        keep: str | None = None,
    ) -> list[DuplicateGroup]:
        """Group the photos that show the same picture; the largest groups first."""
        self._maintainer.queried()
        groups = super().duplicates(folder=folder, spread=spread, keep=keep)
        if self._resources.searcher.comparing:
            self._maintainer.left_something()
        return groups

    def _compare_more(self) -> bool:
        """Go on to look for duplicates for a little; return whether all is compared."""
        searcher = self._resources.searcher
        self._comparing = searcher.comparing
        self._tell(Event("activity", self._comparing))
        is_all = searcher.compare_more()
        self._comparing = None if is_all else searcher.comparing
        self._tell(Event("activity", self._comparing))
        return is_all

    def _learns(self, progress: Progress | None) -> None:
        self._learning = progress
        self._tell(Event("activity", progress))

    def _release_memory(self) -> None:
        self._resources.library.release_memory()
        self._resources.searcher.forget_matching()

    def folders(self) -> list[FolderStatus]:
        """Return the folders of the library, and how each is watched."""
        return [
            replace(folder, watched=self._indexer.watched(folder.path))
            for folder in super().folders()
        ]

    def add_folder(self, folder: str, *, excludes: Sequence[str] = ()) -> None:
        """Add a folder, or change what is excluded in one that is there; index it soon."""
        super().add_folder(folder, excludes=excludes)
        self._indexer.folders_changed([folder])

    def remove_folder(self, folder: str) -> int:
        """Remove a folder and its photos from the library; return how many photos."""
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
        fleet: str | None = None,
        progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Report:
        """Scan folders and wait until all new photos in them are read.

        The indexing goes on even if the caller does not wait for it.
        """
        if self._indexer.paused:
            raise LibraryError("the daemon is paused", "`photofind resume` lets it go on")
        chosen = chosen_folders(self._resources.library, folders)

        def show(event: Event) -> None:
            if event.kind == "activity" and event.data is not None:
                progress(event.data)

        end = self.subscribe(show)
        try:
            library = self._resources.library
            library.verify()
            found = library.problems
            with reading_by_fleet(self._resources, fleet, self._reading) as of_fleet:
                report = self._indexer.index(
                    chosen, accept_removals=accept_removals, retry_failed=retry_failed, every=wait
                )
            report = replace(report, notes=(*of_fleet, *report.notes))
            # Otherwise that is done in a quiet moment; what is embedded can be searched at once.
            problems = self._maintainer.maintain(graph=True) if wait else []
        finally:
            end()
        # What was found is told, even if it is solved by now.
        found = [*dict.fromkeys([*found, *library.problems])]
        return replace(report, notes=(*found, *report.notes, *problems))

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
                activity=(
                    indexer.activity or maintainer.activity or self._learning or self._comparing
                ),
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
        """Check the library and the watching; with ``repair``, repair what can be repaired."""
        checks = super().doctor(repair=repair)
        watched = [folder for folder in self.folders() if folder.watched]
        told = counted(len(watched), "folder is watched", "folders are watched")
        checks += [Check("watching", "warning", p) for p in self._indexer.problems] or [
            Check("watching", "ok", told)
        ]
        if repair:
            self._indexer.folders_changed()
            self._indexer.scan(folder.path for folder in self.folders())
            self._maintainer.library_changed(rebuild=True)
        return checks

    def pause(self, seconds: float | None = None) -> None:
        """Pause all work on files, for some seconds or until it is resumed; queries are answered.

        A restart of the daemon does not end the pause.
        """
        until = float("inf") if seconds is None else time.time() + seconds
        self._indexer.pause(until)
        self._maintainer.interrupt()
        self._remember_pause(until)

    def resume(self) -> None:
        """Resume indexing at once."""
        self._indexer.resume()
        self._maintainer.library_changed()
        self._remember_pause(None)

    def _remember_pause(self, until: float | None) -> None:
        with explain_disk_errors(self.home.root):
            remember_pause(self.home, until)

    # The settings.

    def _forget_settings(self) -> None:
        super()._forget_settings()
        self._reading.close()
        self._indexer.reconfigure(self.settings)
        self._maintainer.library_changed()

    def _processes(self) -> tuple[ProcessStatus, ...]:
        named = [
            ("daemon", os.getpid()),
            *((f"indexing with {name}", pid) for name, pid in self._reading.processes.items()),
            *self._resources.processes,
            *(("index builder", pid) for pid in self._maintainer.processes),
        ]
        return tuple(
            ProcessStatus(name, pid, memory)
            for name, pid in named
            if (memory := _memory(pid)) is not None
        )


def _memory(pid: int) -> int | None:
    """Return the resident memory of a process, in bytes; None if it has ended."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return None
