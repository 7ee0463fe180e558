"""The indexer of the daemon: watches the folders, and indexes in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from photofind.errors import LibraryError, PhotofindError, WorkerStoppedError
from photofind.extractors.code_files import Code
from photofind.extractors.registry import extractors_in_use
from photofind.indexing.agenda import Agenda
from photofind.indexing.debouncer import Debouncer
from photofind.indexing.excludes import Rules
from photofind.indexing.index_maintenance.maintenance import retire_outdated
from photofind.indexing.manner import IN_DAEMON
from photofind.indexing.notices import Notices
from photofind.indexing.pausing import Pause
from photofind.indexing.requests import Request
from photofind.indexing.retrying import Failure
from photofind.indexing.steps import IndexingSteps
from photofind.indexing.watching.events import Change, Kind
from photofind.indexing.watching.watcher import Watcher
from photofind.library.store import Store
from photofind.model import Event, Progress, Report
from photofind.model.records import Folder, watched_here
from photofind.settings import Settings
from photofind.system.reach import Reach

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction
    from photofind.library.extractor_memory import ExtractorMemory

__all__ = ["Indexer"]

log = logging.getLogger(__name__)

# How long to wait at most after a failure before indexing is tried again.
LONGEST_WAIT = 30.0


class Indexer:
    """Keeps a library up to date with its folders.

    Parameters
    ----------
    store
        Open for writing.
    extraction
        Gives what reads photos and embeds them with an extractor, by its name; asked again after
        :meth:`reconfigure`.
    settings
        The settings now.
    tell
        Called with every :class:`~photofind.model.Event`, from several threads.
    apart
        What is part of no folder: photofind's home.
    reach
        Touches the files of the folders.
    memory
        Where the space of each extractor is noted.

    Notes
    -----
    Any thread may call any method. A step of the indexing holds a lock, which
    :meth:`between_steps` takes too; all else that threads share is in parts that lock by themselves
    (:class:`~photofind.indexing.agenda.Agenda`) or consists of single assignments.
    """

    def __init__(
        self,
        store: Store,
        extraction: Callable[[str], Extraction],
        settings: Settings,
        tell: Callable[[Event], None] = lambda event: None,
        *,
        apart: Sequence[str] = (),
        reach: Reach | None = None,
        memory: ExtractorMemory | None = None,
    ) -> None:
        self._store = store
        self._reach = reach or Reach(lambda: [folder.path for folder in store.folders()])
        self._reach.tell(self._reach_changed)
        self._pause = Pause()
        self._agenda = Agenda(settings, Debouncer())
        self._notices = Notices(store, tell)
        self._watcher = Watcher(
            self.notice, poll_seconds=settings.poll_seconds, apart=apart, reach=self._reach
        )
        self._steps = IndexingSteps(
            store,
            extraction,
            self._agenda,
            self._notices,
            self._pause,
            IN_DAEMON,
            apart=apart,
            on_scanned=self._scanned,
            on_success=self._succeeded,
            reach=self._reach,
            memory=memory,
        )
        self._failure: Failure | None = None
        self._step_lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="indexer", daemon=True)

    # Its life.

    def start(self) -> None:
        """Begin to watch and to index."""
        folders = watched_here(self._store.folders())
        self._steps.new_folders.update(one.path for one in folders if one.scanned is None)
        self._agenda.scan(folder.path for folder in folders)
        self._watcher.start()
        self._watch()
        self._thread.start()

    def stop(self) -> None:
        """Stop watching and indexing; what was read is committed."""
        self._agenda.stop()
        self._reach.close()
        self._watcher.stop()
        if self._thread.is_alive():
            self._thread.join()
        self._fail_requests(LibraryError("the daemon was stopped", "run the same again"))

    def reconfigure(self, settings: Settings) -> None:
        """Go on with other settings: the extractors are started again, the folders scanned."""
        self._agenda.reconfigure(settings)
        self._retry_now()
        self._agenda.scan(folder.path for folder in self._store.folders())
        self._watch()

    def extractors_changed(self, names: Iterable[str]) -> None:
        """Load extractors again that are not installed as they were."""
        self._agenda.extractors_changed(names)
        self._retry_now()

    def pause(self, until: float) -> None:
        """Leave files alone until then, in seconds since 1970, or until :meth:`resume`."""
        self._pause.pause(until)
        self._agenda.wake()
        self._notices.state(self._pause)

    def resume(self) -> None:
        """Go on at once."""
        self._pause.resume()
        self._retry_now()
        self._notices.state(self._pause)

    @contextmanager
    def between_steps(self) -> Iterator[None]:
        """Give a block during which nothing is indexed."""
        with self._step_lock:
            yield

    # What there is to look at.

    def notice(self, changes: Sequence[Change]) -> None:
        """Take in changes that belong together."""
        self._agenda.notice(changes)

    def scan(self, folders: Iterable[str]) -> None:
        """Scan folders of the library from end to end, soon."""
        self._agenda.scan(folders)

    def folders_changed(self, new: Iterable[str] = ()) -> None:
        """Take note that folders came, went, or have other exclude rules; scan the new ones."""
        new = list(new)
        self._steps.new_folders.update(new)
        self._watch()
        self._agenda.scan(new)
        self._notices.folders()

    def index(
        self,
        folders: Sequence[Folder],
        *,
        accept_removals: bool = False,
        retry_failed: bool = False,
        every: bool = False,
    ) -> Report:
        """Scan folders and wait until all that is new in them is read; return what was done.

        With ``every``, until all extractors in use have embedded all photos.

        Raises
        ------
        PhotofindError
            It could not be done.
        """
        request = Request(
            [folder.path for folder in folders],
            accept_removals=accept_removals,
            retry_failed=retry_failed,
            every=every,
        )
        self._agenda.request(request)
        self._retry_now()
        return request.wait()

    def reclaim(self) -> None:
        """Give back to the disk what the library does not need, where that is much."""
        with self._step_lock:
            retired = [retire_outdated(self._store, space) for space in self.spaces]
            if self._store.reclaim() or any(retired):
                self._steps.departed.clear()  # Their embeddings may be gone.

    # How it is.

    @property
    def activity(self) -> Progress | None:
        """What is being done now; None where nothing is."""
        return self._notices.activity

    @property
    def paused(self) -> bool:
        """Whether it is paused now."""
        return self._pause.paused

    @property
    def paused_until(self) -> float | None:
        """Until when it is paused, in seconds since 1970; None where that is not known."""
        return self._pause.paused_until

    @property
    def waiting(self) -> str | None:
        """Why work waits, in words; None where none does."""
        return self._pause.waiting

    @property
    def pending(self) -> int:
        """How many files wait to be read, or to have been quiet for long enough for that."""
        return len(self._steps.backlog) + self._agenda.files

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do now but to wait."""
        return not (
            self._agenda.has_places
            or self._agenda.has_scans
            or self._steps.has_work
            or self._notices.activity
        )

    @property
    def problems(self) -> list[str]:
        """What the user should know or do something about, one line each."""
        failure = self._failure
        told = [failure.reason] if failure else []
        try:
            of_extractors = self._steps.queues.problems
        except LibraryError as error:  # The library is on a server that is away.
            of_extractors = [] if told else [str(error)]
        return [
            *self._watcher.problems,
            *(
                f"{folder} does not answer: its photos are kept and found; look after its drive or"
                " its connection"
                for folder in self._reach.silent
            ),
            *told,
            *of_extractors,
        ]

    @property
    def spaces(self) -> list[str]:
        """The ids of the spaces of the extractors in use, the one that reads what is new first."""
        return self._steps.queues.spaces

    @property
    def code(self) -> dict[str, Code]:
        """The code of each extractor in use, as it was when it was loaded."""
        in_use = extractors_in_use(self._agenda.settings)
        return {**dict.fromkeys(in_use, Code()), **self._steps.queues.code}

    @property
    def loading(self) -> list[str]:
        """The extractors that are being loaded."""
        return self._steps.queues.loading

    def watched(self, folder: str) -> str | None:
        """Return how changes in a folder are noticed: "events", "polled", or None."""
        return self._watcher.state(folder)

    # The thread.

    def _run(self) -> None:
        while not self._agenda.stopping:
            try:
                with self._step_lock:
                    is_busy = not self._failure_wait and self._steps.step()
            except WorkerStoppedError:
                is_busy = not self._agenda.stopping
            except PhotofindError as error:
                is_busy = False
                self._note_failure(error)
            except Exception as error:
                log.exception("indexing failed")
                is_busy = False
                self._note_failure(LibraryError(f"indexing failed: {error}", "see the log"))
            if not is_busy:
                self._notices.progress(None)
                self._wait()

    @property
    def _failure_wait(self) -> float:
        """Seconds until indexing is tried again after a failure."""
        failure = self._failure
        return failure.wait if failure else 0.0

    def _wait(self) -> None:
        if failure_wait := self._failure_wait:
            self._agenda.wait(failure_wait, for_places=False)
        else:
            waits = [self._pause.seconds]
            if not self._pause.paused:
                waits += [self._steps.queues.wait, self._steps.retries.wait]
            self._agenda.wait(min((wait for wait in waits if wait is not None), default=None))

    def _succeeded(self) -> None:
        self._failure = None

    def _note_failure(self, error: PhotofindError) -> None:
        self._fail_requests(error)
        before = self._failure
        if before is None or before.reason != str(error):
            self._notices.problem(str(error))
        self._failure = Failure.after(before, str(error), LONGEST_WAIT)

    def _fail_requests(self, error: PhotofindError) -> None:
        self._agenda.fail_requests(error)
        self._steps.fail_requests(error)

    def _retry_now(self) -> None:
        """Have what failed tried again at once."""
        if (failure := self._failure) is not None:
            failure.retry_now()
        self._steps.queues.retry_now()
        self._agenda.wake()

    def _watch(self) -> None:
        exclude = self._agenda.settings.exclude
        folders = watched_here(self._store.folders())
        self._watcher.watch(
            {folder.path: Rules((*exclude, *folder.excludes)) for folder in folders}
        )

    def _reach_changed(self, place: str) -> None:
        """Take note that a folder ceased to answer, or that it, or a file alone, answers again."""
        if self._reach.answers(place):
            if place in {folder.path for folder in self._store.folders()}:
                self._agenda.scan([place])
            else:
                self._agenda.notice([Change(Kind.COMPLETE, place)])
        self._agenda.wake()

    def _scanned(self, folder: str, seconds: float) -> None:
        self._watcher.scanned(folder, seconds)
