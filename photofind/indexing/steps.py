"""The steps of indexing, the most urgent first: what changed just now, scans, and the backlog.

Between two steps, and between two batches of a step, more urgent work is looked for, so that a new
photo never waits for a hundred thousand old ones, and a pause takes effect at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from photofind.errors import ExtractorError, LibraryError, OtherBuildError, PhotofindError
from photofind.extractors.registry import extractors_in_use
from photofind.indexing.agenda import Agenda, Scan
from photofind.indexing.backlog import Backlog
from photofind.indexing.backlog_reader import BacklogReader
from photofind.indexing.batch_commit import Outcome
from photofind.indexing.departed import Departed
from photofind.indexing.deriving import Deriver
from photofind.indexing.extractor_queues import ExtractorQueues
from photofind.indexing.finding import Finding
from photofind.indexing.manner import Manner
from photofind.indexing.new_folders import NewFolders
from photofind.indexing.notices import Notices
from photofind.indexing.open_requests import OpenRequests
from photofind.indexing.pausing import Pause
from photofind.indexing.reading import Reader
from photofind.indexing.retries import Retries
from photofind.indexing.silent_folders import SilentFolders
from photofind.indexing.watching.events import Change, Kind
from photofind.library.store import Store
from photofind.model import Progress
from photofind.model.extractor_choice import parse_extractors
from photofind.system.reach import Reach

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction
    from photofind.library.extractor_memory import ExtractorMemory

__all__ = ["IndexingSteps"]

log = logging.getLogger(__name__)


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
        self._store = store
        self._agenda = agenda
        self._notices = notices
        self._pause = pause
        self._manner = manner
        self._reach = reach or Reach()
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
        self.new_folders = NewFolders(agenda, self.backlog, notices)
        self._requests = OpenRequests(store, self.queues, self.backlog)
        self._silent = SilentFolders(
            store, self._reach, self.queues, self.backlog, self._requests, notices
        )
        self._finding = Finding(
            store,
            agenda,
            self.queues,
            self.backlog,
            self._requests,
            self.new_folders,
            notices,
            self.departed,
            self._reach,
            apart=apart,
            on_scanned=on_scanned,
            on_success=on_success,
        )
        self._backlog_reader = BacklogReader(
            agenda,
            pause,
            self.queues,
            self.backlog,
            self._requests,
            self.new_folders,
            self._silent,
            notices,
            manner,
            on_success=on_success,
        )
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
        self._silent.leave()
        self._open_extractors()
        if places := self._agenda.take_places():
            self._check(places)
        elif self._pause.paused:
            return False
        elif scan := self._agenda.take_scan():
            self._scan(scan)
        elif self.backlog.urgent:
            self._backlog_reader.read_urgent()
        elif deriver := self.queues.deriver:
            self._derive(deriver)
        elif not (self._backlog_reader.read_some() or self._retry()):
            self._requests.finish()
            return False
        return True

    def fail_requests(self, error: PhotofindError) -> None:
        """Have all requests fail that were begun."""
        self._requests.fail(error)

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
            self.backlog.contents.clear()  # They have an embedding, but in another space.

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

    def _committed(self, outcomes: Mapping[str, Outcome]) -> None:
        self._backlog_reader.committed(outcomes)

    def _retry(self) -> bool:
        """Look again at photos that failed for a reason that may have passed by now."""
        due = self.retries.take()
        if due:
            self._check(dict.fromkeys(due, Kind.COMPLETE))
        return bool(due)

    def _check(self, places: Mapping[str, Kind]) -> None:
        """Look at places that changed; later, where the library cannot be read or written now."""
        try:
            self._finding.check(places)
        except LibraryError:
            self._agenda.notice([Change(kind, place) for place, kind in places.items()])
            raise

    def _scan(self, scan: Scan) -> None:
        """Scan folders; later, where the library cannot be read or written now."""
        try:
            self._finding.scan(scan)
        except LibraryError:
            self._agenda.scan(scan.folders)
            raise

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
