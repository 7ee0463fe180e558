"""The steps of indexing, the most urgent first: what changed just now, scans, and the backlog.

Between two steps, and between two batches of a step, more urgent work is looked for, so that a new
photo never waits for a hundred thousand old ones, and a pause takes effect at once.

A backlog is read twice. The first pass reads the thumbnails inside the photos, which is one or two
orders of magnitude faster than decoding, so that the whole library can be searched within minutes;
the second replaces each of these preliminary embeddings by the real one.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from photofind.errors import ExtractorError, OtherBuildError, PhotofindError
from photofind.extractors.registry import extractors_in_use
from photofind.indexing.agenda import Agenda
from photofind.indexing.backlog import FEW, Backlog
from photofind.indexing.batches import BatchProgress
from photofind.indexing.departed import Departed
from photofind.indexing.deriving import Deriver
from photofind.indexing.extractor_queues import ExtractorQueue, ExtractorQueues
from photofind.indexing.full_scan import full_scan
from photofind.indexing.manner import IN_DAEMON, ONE_SHOT, Manner
from photofind.indexing.notices import Notices
from photofind.indexing.partial_check import partial_check
from photofind.indexing.pausing import Pause
from photofind.indexing.reading import (
    Contents,
    OtherExtractorError,
    Outcome,
    Reader,
    contents_of_sizes,
)
from photofind.indexing.requests import Request
from photofind.indexing.retries import Retries, is_due
from photofind.indexing.scan import Found
from photofind.indexing.watching.events import Kind
from photofind.library.store import Store
from photofind.model import Progress, Skipped
from photofind.model.extractor_choice import parse_extractors
from photofind.model.records import Folder, Photo
from photofind.system.reach import DOES_NOT_ANSWER, Reach

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction
    from photofind.library.extractor_memory import ExtractorMemory

__all__ = ["IN_DAEMON", "ONE_SHOT", "IndexingSteps", "Manner"]

log = logging.getLogger(__name__)

# How many files are taken out of a backlog at a time.
CHUNK = 2048
# An extractor that shows no progress for so long yields to more urgent work ...
GIVES_WAY_SECONDS = 3.0
# ... and, where it reads what is new, to another extractor.
YIELDS_SECONDS = 20.0


class IndexingSteps:
    """Brings a library up to date with its folders, one step at a time.

    One thread takes the steps; any thread may read the attributes and properties.

    Parameters
    ----------
    store
        Open for writing.
    extraction
        Gives what reads photos and embeds them with an extractor, by its name.
    agenda
        What there is to look at.
    notices
        Told what is done.
    pause
        Says whether files may be read now.
    manner
        How a daemon goes about it, or a command.
    apart
        What is part of no folder: photofind's home.
    only
        The paths of the folders whose known photos are read; all where not given.
    on_scanned
        Called with the path of each folder that was scanned and the seconds that the scan took.
    on_success
        Called when a scan or a reading has succeeded.
    reach
        Touches the files of the folders.
    memory
        Where the space of each extractor is noted.
    """

    def __init__(
        self,
        store: Store,
        extraction: Callable[[str], Extraction],
        agenda: Agenda,
        notices: Notices,
        pause: Pause,
        manner: Manner,
        *,
        apart: Sequence[str] = (),
        only: Collection[str] | None = None,
        on_scanned: Callable[[str, float], None] = lambda folder, seconds: None,
        on_success: Callable[[], None] = lambda: None,
        reach: Reach | None = None,
        memory: ExtractorMemory | None = None,
    ) -> None:
        self._reach = reach or Reach()
        self._silent: set[str] = set()  # Folders that do not answer, whose files were dropped.
        self._store = store
        self._agenda = agenda
        self._notices = notices
        self._pause = pause
        self._manner = manner
        self._apart = apart
        self._on_scanned = on_scanned
        self._on_success = on_success
        self.departed = Departed()
        self.queues = ExtractorQueues(
            store,
            extraction,
            self._reader,
            notices.problem,
            agenda.wake,
            lambda: not (agenda.stopping or agenda.reconfigured),
            memory,
        )
        self.backlog = Backlog(store, only)
        self.retries = Retries(store)
        self.new_folders: set[str] = set()  # Added, and not yet indexed once.
        self._requests: list[Request] = []  # Begun, and not yet finished.
        self._contents: Contents = defaultdict(set)
        self._first_pass = False  # Thumbnails are read.
        self._progress = BatchProgress("", 0)
        self._reading: ExtractorQueue | None = None
        self._reads_whole = True
        self._files: dict[str, Found] = {}  # Those that are read, and not committed yet.
        self._marking = False  # Photos are read for their fingerprints.
        self._must_open = True

    @property
    def has_work(self) -> bool:
        """Whether something is being done, or known to be left."""
        return bool(
            self._requests
            or self.backlog
            or self.backlog.refine
            or any(queue.files for queue in self.queues)
            or self.queues.deriver
        )

    def step(self) -> bool:
        """Do the most urgent thing; return whether there was any.

        Raises
        ------
        LibraryError
            The disk refused; what was committed before stays.
        ExtractorError
            No extractor in use works.
        """
        self._leave_silent_folders()
        self._open_extractors()
        if places := self._agenda.take_places():
            self._check(places)
        elif self._pause.paused:
            return False
        elif scan := self._agenda.take_scan():
            if scan.request is not None:
                self._requests.append(scan.request)
            self._scan(scan.folders, scan.request)
        elif self.backlog.urgent:
            self._read(self.queues.first, self.backlog.urgent, "reading photos")
        elif deriver := self.queues.deriver:
            self._derive(deriver)
        elif not (self._read_backlog() or self._retry()):
            self._finish_requests()
            return False
        return True

    def fail_requests(self, error: PhotofindError) -> None:
        """Have all requests fail that were begun."""
        requests, self._requests = self._requests, []
        for request in requests:
            request.fail(error)

    # Extractors.

    def _open_extractors(self) -> None:
        """Take in extractors that were loaded, and load those that are wanted and not there."""
        again = self._agenda.take_reconfigured()
        self._must_open = self._must_open or again
        before = self.queues.first if self.queues else None
        for name in self._agenda.take_changed_extractors():
            self.queues.close(name)
        if self._must_open or not self.queues:
            settings = self._agenda.settings
            self.queues.open(
                extractors_in_use(settings),
                again=self._must_open,
                together=parse_extractors(settings.extractor),
            )
            self._must_open = False
        else:
            self.queues.look()
            if not self._pause.paused and (self._manner.tries_again or self.queues.lacks_any):
                self.queues.retry()
        if self.queues.first is not before:
            self._contents.clear()  # They have an embedding, but in another space.

    def _reader(self, extraction: Extraction, space: str, made_by: str) -> Reader:
        return Reader(
            self._store,
            extraction,
            space,
            self.departed,
            on_commit=self._committed,
            reach=self._reach,
            made_by=made_by,
        )

    # Folders that do not answer.

    def _leave_silent_folders(self) -> None:
        """Go on without the folders that do not answer; they are scanned when they do again."""
        folders = self._store.folders()
        self._silent.intersection_update(
            folder.path for folder in folders if not self._reach.answers(folder.path)
        )
        for folder in folders:
            path = folder.path
            if path in self._silent or self._reach.answers(path):
                continue
            self._silent.add(path)
            if (folder.state, folder.reason) != ("offline", DOES_NOT_ANSWER):
                now = replace(folder, state="offline", reason=DOES_NOT_ANSWER)
                self._store.put_folder(now)
                self._notices.folder_state(folder, now)
                self._notices.folders()
            dropped = self.backlog.drop(partial(self._belongs_to, path))
            for queue in self.queues:
                queue.files = {}  # It is filled again, without what is offline.
                queue.filled_at = None
            for request in self._requests:
                request.cannot_reach(path, DOES_NOT_ANSWER, dropped)
        self._finish_requests()

    def _belongs_to(self, folder: str, path: str) -> bool:
        return self._reach.folder_of(path) == folder

    # Finding out what there is to do.

    @staticmethod
    def _is_complete(photo: Photo) -> bool:
        if photo.retry is not None and is_due(photo.retry):
            return False
        # A photo that lacks the embedding of one extractor is not new: see Backlog.lacks.
        return photo.failure is not None or bool(photo.spaces)

    def _check(self, places: Mapping[str, Kind]) -> None:
        """Look at places that changed."""

        def is_complete(photo: Photo) -> bool:
            # Its attributes may be all that has changed: it may be read now.
            return self._is_complete(photo) and not (photo.retry and photo.path in places)

        seen = partial_check(
            self._store,
            places,
            is_complete,
            written={place for place, kind in places.items() if kind is Kind.COMPLETE},
            excludes=self._agenda.settings.exclude,
            apart=self._apart,
            reach=self._reach,
        )
        changes = seen.changes
        self._store.commit([*changes.moved, *changes.renumbered])
        self._remove(changes.gone)
        self._agenda.scan(seen.to_scan)
        self._log(seen.skipped)
        complete = [file for file in changes.unread if places.get(file.path) is Kind.COMPLETE]
        others = [file for file in changes.unread if places.get(file.path) is not Kind.COMPLETE]
        settled = self._agenda.settled(others)
        ready = complete + settled
        if len(ready) > FEW:
            self._look_up_contents(ready)
        self.backlog.take_in(ready)
        fresh = {file.path: file for file in others}
        for file in settled:
            del fresh[file.path]
        for request in self._requests:
            request.settled(places.keys() - {file.path for file in changes.unread})
            request.still_fresh(fresh.values())
        self._finish_requests()
        if changes.moved or changes.gone:
            self._notices.library()

    def _scan(self, paths: Collection[str], request: Request | None) -> None:
        """Scan folders from end to end."""
        retry_failed = request is not None and request.retry_failed
        folders = [folder for folder in self._store.folders() if folder.path in paths]
        if retry_failed:
            for folder in folders:
                self._store.clear_refusals(folder=folder.path)

        def is_complete(photo: Photo) -> bool:
            is_asked_for = retry_failed and photo.failure is not None
            is_asked_for = is_asked_for or (request is not None and photo.retry is not None)
            return self._is_complete(photo) and not is_asked_for

        self._notices.found(0)
        began = time.monotonic()
        seen = full_scan(
            self._store,
            folders,
            is_complete,
            excludes=self._agenda.settings.exclude,
            apart=self._apart,
            accept_removals=request is not None and request.accept_removals,
            on_found=self._notices.found,
            reach=self._reach,
        )
        # Before the folders: cut short in between, the next scan knows what is where all the same.
        self._store.commit(seen.restated)
        self._put_folders(seen.folders, time.monotonic() - began)
        changes = seen.changes
        self._store.commit([*changes.moved, *changes.renumbered])
        self._remove(changes.gone)
        if request is not None:
            request.scanned(seen)
        settled = self._agenda.settled(changes.unread)
        if request is not None or len(settled) > FEW:
            self._look_up_contents(settled)
        self.backlog.take_in(settled, many=len(settled) > FEW)
        self._log(seen.skipped)
        if not self.backlog:  # Otherwise it is reading that has to succeed.
            self._on_success()
        self.queues.look_through()
        self._notices.folders()
        self._notices.library()
        self._finish_requests()
        self._greet_new_folders()

    def _retry(self) -> bool:
        """Look again at photos that failed for a reason that may have passed by now."""
        due = self.retries.take()
        if due:
            self._check(dict.fromkeys(due, Kind.COMPLETE))
        return bool(due)

    def _look_up_contents(self, files: Sequence[Found]) -> None:
        """Find out which contents the files may have that need not be embedded again."""
        sizes = {file.size for file in files}
        known = contents_of_sizes(self._store, self.queues.first.space, sizes)
        for size, contents in known.items():
            self._contents[size] |= contents

    def _put_folders(self, folders: Sequence[Folder], seconds: float) -> None:
        """Note how folders are after a scan of so many seconds."""
        before = {folder.path: folder for folder in self._store.folders()}
        for folder in folders:
            self._on_scanned(folder.path, seconds)
            if folder.path in before:  # It may have been removed during the scan.
                self._store.put_folder(folder)
                self._notices.folder_state(before[folder.path], folder)

    def _remove(self, gone: Sequence[Photo]) -> None:
        self.departed.add(gone)
        self._store.remove(gone)

    @staticmethod
    def _log(skipped: Sequence[Skipped]) -> None:
        for skip in skipped:
            log.warning("%s is skipped: %s", skip.path, skip.reason)

    # Reading.

    def _read_backlog(self) -> bool:
        """Read some of the backlog, where there is any and it need not wait."""
        backlog, first = self.backlog, self.queues.first
        lacking: ExtractorQueue | None = None
        if not (backlog.new or backlog.without_thumbnail or backlog.has_preliminary()):
            lacking = next(filter(backlog.lacks, self.queues), None)
        is_there = bool(
            backlog.new
            or backlog.without_thumbnail
            or backlog.refine
            or lacking
            or backlog.has_unmarked()
        )
        waiting = self._pause.waiting
        waits = self._pause.backlog_waits(
            is_there,
            on_battery_too=bool(self._requests) or self._agenda.settings.backlog_on_battery,
        )
        if self._pause.waiting != waiting:
            self._notices.state(self._pause)
        if not is_there or waits:
            return False
        if lacking is not None:
            self._read(lacking, lacking.files, f"embedding photos with {lacking.extractor}")
        elif backlog.new:
            may_preview = self._manner.thumbnails_first and self._agenda.settings.previews
            self._first_pass = may_preview and (self._first_pass or len(backlog.new) > FEW)
            phase = "reading thumbnails" if self._first_pass else "reading photos"
            self._read(first, backlog.new, phase, previews=self._first_pass)
            self._first_pass = self._first_pass and bool(backlog.new)
        elif backlog.without_thumbnail:
            self._read(first, backlog.without_thumbnail, "reading photos")
        elif backlog.refine:
            self._read(first, backlog.refine, "refining photos")
        else:
            self._read(first, backlog.unmarked, "looking at photos again, to tell duplicates")
        return True

    def _read(
        self,
        queue: ExtractorQueue,
        files: dict[str, Found],
        phase: str,
        *,
        previews: bool = False,
    ) -> None:
        """Read files from the first on, until there is something more urgent to do."""
        progress = self._progress
        if progress.phase != phase or progress.done >= progress.total:
            progress = self._progress = BatchProgress(phase, 0, self._manner.batch_seconds)
        progress.resume()
        progress.total = progress.done + len(files)
        self._reading, self._reads_whole = queue, not previews
        self._marking = files is self.backlog.unmarked
        self._files = files
        # What other extractors embedded, or an older photofind, is decoded again.
        is_known = queue is not self.queues.first or files is self.backlog.unmarked
        chunk = [*islice(files.values(), CHUNK)]
        try:
            unread = queue.reader.read(
                chunk,
                defaultdict(set) if is_known else self._contents,
                progress,
                previews=previews,
                afresh=queue is self.queues.first,
                go_on=lambda: self._may_go_on(urgent=files is self.backlog.urgent),
                hold_out=partial(self._may_hold_out, queue, urgent=files is self.backlog.urgent),
                show=self._notices.progress,
            )
        except OtherExtractorError:
            log.info("%s is not what it was and is loaded again", queue.extractor)
            self.queues.close(queue.extractor)
            self._contents.clear()
            return
        except ExtractorError as error:
            self.queues.set_aside(queue, error)
            self._contents.clear()
            return
        if unread.gave_way and queue is self.queues.first:
            log.warning("%s shows no progress; others read new photos", queue.extractor)
            self.queues.yield_first(queue)
            self._contents.clear()
        if unread.silent is not None:
            self._silent.discard(unread.silent)  # So that its files are dropped.
        if unread.done:
            self.queues.works(queue)
            self._on_success()
        for file in chunk[: unread.done]:
            files.pop(file.path, None)
        rest = self.backlog.without_thumbnail
        rest.update((file.path, file) for file in unread.without_thumbnail)
        if unread.lacking:
            self._contents.clear()
            rest.update((file.path, file) for file in unread.lacking)
        again = rest if queue is self.queues.first else files
        again.update((file.path, file) for file in unread.put_off)
        if not (self.backlog.new or rest):
            self._contents.clear()
        self._finish_requests()
        self._greet_new_folders()

    def _derive(self, deriver: Deriver) -> None:
        """Compute some embeddings from those of other extractors, which costs little."""
        try:
            derived = deriver.step()
        except OtherBuildError:
            log.info("%s is not what it was and is loaded again", deriver.extractor)
            self.queues.close(deriver.extractor)
            return
        except ExtractorError as error:
            self.queues.set_aside(deriver, error)
            return
        if not derived:
            return
        self.queues.derived(deriver, derived)
        done, left = deriver.done, deriver.left
        phase = f"computing embeddings of {deriver.extractor}"
        self._notices.progress(Progress(phase, done, done + left))
        self._notices.library()

    def _may_go_on(self, *, urgent: bool) -> bool:
        agenda = self._agenda
        return not (
            agenda.stopping
            or agenda.reconfigured
            or self._pause.paused
            or agenda.has_places_due
            or (not urgent and (agenda.has_scans or self.backlog.urgent))
        )

    def _may_hold_out(self, queue: ExtractorQueue, silence: float, *, urgent: bool) -> bool:
        """Return whether a batch goes on that has shown no progress for so many seconds."""
        if silence >= GIVES_WAY_SECONDS and queue is not self.queues.first:
            return self._may_go_on(urgent=urgent)
        if silence >= YIELDS_SECONDS and queue is self.queues.first:
            return not self.queues.has_other(queue)
        return True

    def _committed(self, outcomes: Mapping[str, Outcome]) -> None:
        """Note what a commit made of files; called by the thread that commits."""
        assert self._reading is not None
        for path in outcomes:
            self._files.pop(path, None)  # It is pending no longer, while the next batch is read.
        for request in self._requests:
            if self._marking:
                continue
            if self._reading is self.queues.first:
                request.read(outcomes, whole=self._reads_whole)
            else:
                request.embedded(self._reading.extractor, outcomes)
        self.queues.embedded(outcomes)
        self._notices.library()

    def _finish_requests(self) -> None:
        for request in [one for one in self._requests if one.is_done and not one.counts_backlog]:
            if request.every and self._is_any_lacking():
                continue
            self._requests.remove(request)
            request.finish([*self.queues.problems, *self._unfinished()])

    def _is_any_lacking(self) -> bool:
        """Return whether an extractor has still to embed photos, and can."""
        return bool(
            self.queues.loading
            or self.queues.deriver
            or self.backlog.has_preliminary()
            or any(map(self.backlog.lacks, self.queues))
        )

    def _unfinished(self) -> list[str]:
        """Return a line for each extractor that has not embedded all photos yet."""
        lines = [f"{name} is still being loaded" for name in self.queues.loading]
        for queue in self.queues:
            if left := self._store.space_counts(queue.space).lacking:
                photos = "1 photo" if left == 1 else f"{left:,} photos"
                lines.append(f"{queue.extractor} has still to embed {photos}")
        return lines

    def _greet_new_folders(self) -> None:
        """Tell of folders that have been indexed for the first time."""
        is_left = self.backlog.new or self.backlog.urgent
        if self.new_folders and not (is_left or self._agenda.has_scans or self._agenda.has_places):
            folders = sorted(self.new_folders)
            self.new_folders.difference_update(folders)
            self._notices.first_indexed(folders)
