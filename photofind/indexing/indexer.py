"""The library is kept true to its folders, for as long as a process stays.

One thread does all the indexing, in small steps, the most urgent first: what changed just now, what
somebody asked for, and then the backlog, batch by batch. Between two steps it looks up, so that a
new photo never waits for a hundred thousand old ones, and a pause is a pause at once.

A backlog is read twice. The first pass looks at the thumbnails that photos carry, which is one or
two orders of magnitude faster than decoding, so that the whole library can be searched within
minutes; the second replaces each of these preliminary vectors by the real one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from photofind.errors import ExtractorError, LibraryError, PhotofindError, WorkerStoppedError
from photofind.extractors.registry import extractors_in_use
from photofind.indexing.backlog import FEW, Backlog, Describer
from photofind.indexing.check_places import look
from photofind.indexing.debouncer import Debouncer
from photofind.indexing.excludes import Rules
from photofind.indexing.reading import Departed, Outcome, Pace, Reader, contents_of_sizes
from photofind.indexing.request import Request
from photofind.indexing.scan import Found
from photofind.indexing.survey import survey
from photofind.indexing.upkeep import retire_outdated
from photofind.indexing.watching.watcher import Change, Kind, Watcher
from photofind.library.embedded.catalog import Folder, Photo
from photofind.library.embedded.library import Library
from photofind.model import Event, Progress, Report
from photofind.settings import Settings
from photofind.system.power import on_battery

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction

__all__ = ["Indexer"]

log = logging.getLogger(__name__)

# What is taken out of a backlog at a time. One batch of it takes about so long.
CHUNK = 2048
BATCH_SECONDS = 0.7
# A file that nobody said is complete must not have changed for so long before it is read.
SETTLE_SECONDS = 1.2
# How long to wait after trouble at most, before an extractor that does not work is tried again
# while others do, and between two looks at the power supply.
TROUBLE_SECONDS = 30.0
AILING_SECONDS = 600.0
POWER_SECONDS = 20.0
# Events about the same thing are told at most so often.
TELL_SECONDS = 0.25


@dataclass
class _Ailing:
    """An extractor in use that does not work, while others do.

    Parameters
    ----------
    reason
        What is wrong, in a line.
    times
        How often it has failed without having described anything.
    retry
        When it is tried again, on the monotonic clock.
    """

    reason: str
    times: int
    retry: float


class Indexer:
    """Keeps a library true to its folders.

    Parameters
    ----------
    library
        Open for writing.
    extraction
        Gives what reads photos and embeds them with an extractor, by its name; asked again after
        :meth:`reconfigure`.
    settings
        The settings now.
    tell
        Told of every :class:`~photofind.model.Event`; called from several threads.

    Notes
    -----
    Any thread may call any method.
    """

    def __init__(
        self,
        library: Library,
        extraction: Callable[[str], Extraction],
        settings: Settings,
        tell: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self._library = library
        self._extraction = extraction
        self._settings = settings
        self._tell = tell
        self._watcher = Watcher(
            self.notice, poll_seconds=settings.poll_seconds, apart=[str(library.home.root)]
        )
        self._thread = threading.Thread(target=self._run, name="indexer", daemon=True)

        self._working = threading.Lock()  # Held for a step.
        self._changed = threading.Condition()  # Held to look at, and to change, what follows.
        self._debouncer = Debouncer()
        self._surveys: set[str] = set()
        self._requests: deque[Request] = deque()
        self._stopping = self._reconfigured = False
        self._paused_until: float | None = None  # Seconds since 1970; infinite until resumed.

        # What the thread alone changes.
        self._describers: list[Describer] = []  # The first describes what is new.
        self._backlog = Backlog(library)
        self._contents: defaultdict[int, set[str]] = defaultdict(set)
        self._first_pass = False
        self._pace = Pace("", 0)
        self._asked: list[Request] = []
        self._fresh_folders: set[str] = set()  # Added, and not yet indexed once.
        self._trouble, self._troubles = "", 0
        self._ailing: dict[str, _Ailing] = {}  # By the extractor's name.
        self._retry = 0.0
        self._waiting: str | None = None
        self._told: dict[str, float] = {}
        self.activity: Progress | None = None

    # What others ask.

    def start(self) -> None:
        """Begin to watch and to index."""
        for folder in self._library.folders():
            self._surveys.add(folder.path)
            if folder.scanned is None:
                self._fresh_folders.add(folder.path)
        self._watcher.start()
        self._watch()
        self._thread.start()

    def stop(self) -> None:
        """Stop watching and indexing; what was read is committed."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._watcher.stop()
        if self._thread.is_alive():
            self._thread.join()
        for request in [*self._requests, *self._asked]:
            request.fail(LibraryError("the daemon was stopped", "run the same again"))

    def notice(self, changes: Sequence[Change]) -> None:
        """Take in changes that belong together."""
        with self._changed:
            self._debouncer.add(changes)
            self._changed.notify_all()

    def look_at(self, folders: Iterable[str]) -> None:
        """Look through folders of the library from end to end, soon."""
        with self._changed:
            self._surveys.update(folders)
            self._changed.notify_all()

    def folders_changed(self, new: Iterable[str] = ()) -> None:
        """Take note that folders came, went, or have other exclude rules; look at the new ones."""
        new = list(new)
        self._fresh_folders.update(new)
        self._watch()
        self.look_at(new)
        self._tell_folders()

    def reconfigure(self, settings: Settings) -> None:
        """Go on with other settings."""
        with self._changed:
            self._settings = settings
            self._reconfigured = True
            self._retry = 0.0
            self._surveys.update(folder.path for folder in self._library.folders())
            self._changed.notify_all()
        self._watch()

    def pause(self, until: float) -> None:
        """Leave files alone until then, in seconds since 1970, or until :meth:`resume`."""
        with self._changed:
            self._paused_until = until
            self._changed.notify_all()
        self._tell_state()

    def resume(self) -> None:
        """Go on at once."""
        with self._changed:
            self._paused_until = None
            self._try_again()
            self._changed.notify_all()
        self._tell_state()

    @property
    def paused(self) -> bool:
        """Whether it is paused now."""
        until = self._paused_until
        return until is not None and until > time.time()

    @property
    def paused_until(self) -> float | None:
        """Until when it is paused, in seconds since 1970; None where that is not known."""
        until = self._paused_until
        return until if self.paused and until != float("inf") else None

    @property
    def waiting(self) -> str | None:
        """Why work waits, in words; None where none does."""
        return "paused" if self.paused else self._waiting

    @property
    def pending(self) -> int:
        """How many files wait to be read, or to have been quiet for long enough for that."""
        with self._changed:
            return len(self._backlog) + self._debouncer.files

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do now but to wait."""
        with self._changed:
            return not (
                self._debouncer or self._surveys or self._requests or self._asked
                or self._backlog or self._backlog.refine or self.activity
                or any(describer.queue for describer in self._describers)
            )  # fmt: skip

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Give a block in which nothing is indexed."""
        with self._working:
            yield

    def reclaim(self) -> None:
        """Give back to the disk what the library does not need, where that is much."""
        with self._working:
            retired = [retire_outdated(self._library, space) for space in self.spaces]
            if self._library.reclaim() or any(retired):
                for describer in self._describers:
                    describer.departed.clear()  # Their rows have other numbers now, or none.

    @property
    def problems(self) -> list[str]:
        """What somebody should know or do something about, one line each."""
        names = {describer.extractor for describer in self._describers}
        ailing = [one.reason for name, one in [*self._ailing.items()] if name not in names]
        return [*self._watcher.problems, *filter(None, [self._trouble]), *ailing]

    @property
    def spaces(self) -> list[str]:
        """The ids of the spaces that are kept, the one that describes what is new first."""
        return [describer.space for describer in self._describers]

    def watched(self, folder: str) -> str | None:
        """Return how changes in a folder are noticed: "events", "polled", or None."""
        return self._watcher.state(folder)

    def index(
        self,
        folders: Sequence[Folder],
        *,
        accept_removals: bool = False,
        retry_failed: bool = False,
    ) -> Report:
        """Look through folders and wait until all that is new in them is read; say what was done.

        Raises
        ------
        PhotofindError
            Where it could not be done.
        """
        request = Request([f.path for f in folders], accept_removals, retry_failed)
        with self._changed:
            if self._stopping:
                raise LibraryError("the daemon is stopping", "run the same again")
            self._requests.append(request)
            self._try_again()
            self._changed.notify_all()
        return request.wait()

    # The thread.

    def _run(self) -> None:
        while not self._stopping:
            try:
                with self._working:
                    busy = time.monotonic() >= self._retry and self._step()
            except WorkerStoppedError:
                busy = not self._stopping
            except PhotofindError as error:
                busy = False
                self._have_trouble(error)
            except Exception as error:
                log.exception("indexing failed")
                busy = False
                self._have_trouble(LibraryError(f"indexing failed: {error}", "see the log"))
            if not busy:
                self._be_idle()

    def _step(self) -> bool:
        """Do the most urgent thing; return whether there was any."""
        if not self._describers or self._reconfigured or self._next_try() == 0.0:
            anew, self._reconfigured = self._reconfigured, False
            try:
                self._open(anew=anew)
            except BaseException:
                self._reconfigured = True  # It is still to be done.
                raise
        with self._changed:
            places = self._debouncer.take()
        if places:
            self._look(places)
            return True
        if self.paused:
            return False
        with self._changed:
            request = self._requests.popleft() if self._requests else None
            roots, self._surveys = ((self._surveys, set()) if request is None
                                    else (set(), self._surveys))  # fmt: skip
        if request is not None:
            self._begin(request)
        elif roots:
            self._survey([f for f in self._library.folders() if f.path in roots])
        elif self._backlog.urgent:
            self._read(self._describers[0], self._backlog.urgent, "reading photos")
        else:
            return self._read_backlog()
        return True

    def _open(self, *, anew: bool) -> None:
        """Ask the extractors what they are, and open their spaces.

        Unless it is to be done ``anew``, those that are open already stay so.
        """
        if anew:
            self._ailing.clear()
        open_already = {} if anew else {one.extractor: one for one in self._describers}
        describers: list[Describer] = []
        failed: dict[str, ExtractorError] = {}
        for name in extractors_in_use(self._settings):
            try:
                describers.append(open_already.get(name) or self._describer(name))
            except ExtractorError as error:
                failed[name] = error
        if not describers:
            raise next(iter(failed.values()))
        for name, reason in failed.items():  # The others go on without it.
            self._set_aside(name, reason)
        if self._describers[:1] != describers[:1]:
            self._contents.clear()  # They have a vector, but in another space.
        self._describers = describers

    def _describer(self, name: str) -> Describer:
        extraction = self._extraction(name)
        plugin = extraction.info()
        space = self._library.open_space(
            plugin.name, plugin.version, plugin.dimension, plugin.build
        )
        departed = Departed(space.id)
        reader = Reader(self._library, extraction, space.id, departed, on_commit=self._committed)
        return Describer(name, space.id, reader, departed)

    def _set_aside(self, name: str, error: ExtractorError) -> None:
        """Note that an extractor does not work, while others do; it is tried again later."""
        before = self._ailing.get(name)
        if before is None or before.reason != str(error):
            log.error("%s", error)
            self._tell(Event("notice", {"topic": "problem", "text": str(error)}))
        times = before.times + 1 if before else 1
        patience = min(AILING_SECONDS, 2.0**times)
        self._ailing[name] = _Ailing(str(error), times, time.monotonic() + patience)

    def _next_try(self) -> float | None:
        """Return the seconds until an extractor that did not work is tried again; None for ever."""
        open_already = {one.extractor for one in self._describers}
        waits = [
            max(0.0, one.retry - time.monotonic())
            for name, one in self._ailing.items()
            if name not in open_already
        ]
        return None if self.paused else min(waits, default=None)

    def _try_again(self) -> None:
        """Have what failed tried again now."""
        self._retry = 0.0
        for one in [*self._ailing.values()]:
            one.retry = 0.0

    def _be_idle(self) -> None:
        self._show(None)
        with self._changed:
            if self._stopping:
                return
            waits = [self._debouncer.wait()]
            if self.paused:
                assert self._paused_until is not None
                waits.append(self._paused_until - time.time())
            elif self._waiting:
                waits.append(POWER_SECONDS)
            if self._retry:
                waits.append(self._retry - time.monotonic())
            else:
                waits.append(self._next_try())
                if self._reconfigured or (
                    not self.paused and (self._requests or self._surveys or self._backlog.urgent)
                ):
                    waits.append(0.0)
            timeout = min((wait for wait in waits if wait is not None), default=None)
            if timeout is None or timeout > 0:
                self._changed.wait(None if timeout is None else min(timeout, threading.TIMEOUT_MAX))

    def _have_trouble(self, error: PhotofindError) -> None:
        with self._changed:
            failed = [*self._asked, *self._requests]
            self._asked.clear()
            self._requests.clear()
        for request in failed:
            request.fail(error)
        if self._trouble != str(error):
            log.error("%s", error)
            self._tell(Event("notice", {"topic": "problem", "text": str(error)}))
        self._trouble = str(error)
        self._troubles += 1
        patience = min(TROUBLE_SECONDS, 2.0**self._troubles)
        self._retry = time.monotonic() + patience

    def _recovered(self) -> None:
        self._trouble, self._troubles, self._retry = "", 0, 0.0

    # Finding out what there is to do.

    def _is_complete(self, photo: Photo) -> bool:
        # What only lacks the vector of one extractor is not new: see Backlog.lacks.
        return photo.failure is not None or bool(photo.rows)

    def _look(self, places: Mapping[str, Kind]) -> None:
        seen = look(self._library, places, self._is_complete, excludes=self._settings.exclude)
        changes = seen.changes
        self._library.commit([*changes.moved, *changes.renumbered])
        self._forget(changes.gone)
        self.look_at(seen.doubtful)
        for skip in seen.skipped:
            log.warning("%s is skipped: %s", skip.path, skip.reason)
        complete = [file for file in changes.unread if places.get(file.path) is Kind.COMPLETE]
        others = [file for file in changes.unread if places.get(file.path) is not Kind.COMPLETE]
        self._backlog.take_in(complete + self._settled(others))
        for request in self._asked:
            request.outstanding.difference_update(
                places.keys() - {file.path for file in changes.unread}
            )
        self._finish_requests()
        if changes.moved or changes.gone:
            self._tell_library()

    def _begin(self, request: Request) -> None:
        self._asked.append(request)
        folders = [f for f in self._library.folders() if f.path in request.folders]
        self._survey(folders, request)
        self._finish_requests()

    def _survey(self, folders: Sequence[Folder], request: Request | None = None) -> None:
        phase = "looking for photos"
        self._show(Progress(phase, 0))

        def is_complete(photo: Photo) -> bool:
            retry = request is not None and request.retry_failed and photo.failure is not None
            return self._is_complete(photo) and not retry

        if request is not None and request.retry_failed:
            for folder in folders:
                self._library.forget_refusals(folder=folder.path)
        began = time.monotonic()
        seen = survey(
            self._library,
            folders,
            is_complete,
            excludes=self._settings.exclude,
            accept_removals=request is not None and request.accept_removals,
            settle=0.0,
            on_found=lambda count: self._show(Progress(phase, count)),
        )
        seconds = time.monotonic() - began
        before = {folder.path: folder for folder in self._library.folders()}
        for folder in seen.folders:
            self._watcher.scanned(folder.path, seconds)
            if folder.path in before:  # Nobody removed it meanwhile.
                self._library.put_folder(folder)
                self._tell_of(before[folder.path], folder)
        changes = seen.changes
        self._library.commit([*changes.moved, *changes.renumbered])
        self._forget(changes.gone)
        unread = self._settled(changes.unread)
        sizes = {file.size for file in unread}
        if len(unread) > FEW:
            for size, contents in contents_of_sizes(
                self._library, self._describers[0].space, sizes
            ).items():
                self._contents[size] |= contents
        self._backlog.take_in(unread, many=len(unread) > FEW)
        if request is not None:
            request.surveyed(seen, changes)
            request.outstanding.update(file.path for file in changes.unread)
        for skip in seen.skipped:
            log.warning("%s is skipped: %s", skip.path, skip.reason)
        self._recovered()
        self._tell_folders()
        self._tell_library()
        self._welcome()

    def _settled(self, files: Sequence[Found]) -> list[Found]:
        """Return the files that have been quiet for a while; the others come back later."""
        now = time.time()
        settled: list[Found] = []
        fresh: list[Found] = []
        for file in files:
            is_fresh = abs(now - file.modified / 1e9) < SETTLE_SECONDS
            (fresh if is_fresh else settled).append(file)
        if fresh:
            with self._changed:
                changes = [Change(Kind.CHANGED, file.path) for file in fresh]
                self._debouncer.add(changes, SETTLE_SECONDS)
        return settled

    def _forget(self, gone: Sequence[Photo]) -> None:
        """Take photos out of the library, and keep in mind what they were."""
        departed = self._describers[0].departed
        departed.add(photo for photo in gone if photo.content and not photo.preliminary)
        self._library.remove(gone)

    # Reading.

    def _read_backlog(self) -> bool:
        """Read some of the backlog, where there is any and it need not wait."""
        backlog = self._backlog
        lacking = (
            None
            if backlog.new or backlog.rest or backlog.has_preliminary()
            else next(filter(backlog.lacks, self._describers), None)
        )
        if not (backlog.new or backlog.rest or backlog.refine or lacking):
            self._wait_for(None)
            return False
        if not self._asked and not self._settings.backlog_on_battery and on_battery():
            self._wait_for("on battery")
            return False
        self._wait_for(None)
        first = self._describers[0]
        if lacking is not None:
            phase = f"describing photos with {lacking.extractor}"
            self._read(lacking, lacking.queue, phase)
        elif backlog.new:
            self._first_pass = self._settings.previews and (
                self._first_pass or len(backlog.new) > FEW
            )
            phase = "reading thumbnails" if self._first_pass else "reading photos"
            self._read(first, backlog.new, phase, previews=self._first_pass)
            self._first_pass = self._first_pass and bool(backlog.new)
        elif backlog.rest:
            self._read(first, backlog.rest, "reading photos")
        else:
            self._read(first, backlog.refine, "refining photos")
        return True

    def _read(
        self,
        describer: Describer,
        files: dict[str, Found],
        phase: str,
        *,
        previews: bool = False,
    ) -> None:
        """Read files from the first on, until there is something more urgent to do."""
        if self._pace.phase != phase or self._pace.done >= self._pace.total:
            self._pace = Pace(phase, 0, BATCH_SECONDS)
        self._pace.begin()
        self._pace.total = self._pace.done + len(files)
        self._previewing = previews
        chunk = [*islice(files.values(), CHUNK)]
        try:
            rest = describer.reader.read(
                chunk,
                self._contents,
                self._pace,
                previews=previews,
                go_on=lambda: self._may_go_on(urgent=files is self._backlog.urgent),
                progress=self._show,
            )
        except ExtractorError as error:
            if len(self._describers) == 1:
                raise
            self._set_aside(describer.extractor, error)  # The others go on without it.
            self._describers.remove(describer)
            self._contents.clear()
            return
        if rest.read:
            self._ailing.pop(describer.extractor, None)
        for file in chunk[: rest.read]:
            files.pop(file.path, None)
        self._backlog.rest.update((file.path, file) for file in rest.without_preview)
        if rest.lacking:
            self._contents.clear()
            self._backlog.rest.update((file.path, file) for file in rest.lacking)
        if not (self._backlog.new or self._backlog.rest):
            self._contents.clear()
        self._recovered()
        self._finish_requests()
        self._welcome()

    def _may_go_on(self, *, urgent: bool) -> bool:
        with self._changed:
            return not (
                self._stopping
                or self._reconfigured
                or self.paused
                or (self._debouncer.wait() == 0.0)
                or (not urgent and (self._requests or self._surveys or self._backlog.urgent))
            )

    def _committed(self, outcomes: Mapping[str, Outcome]) -> None:
        for request in self._asked:
            request.done(outcomes, final=not self._previewing)
        self._tell_library()

    def _finish_requests(self) -> None:
        for request in [request for request in self._asked if not request.outstanding]:
            self._asked.remove(request)
            request.finish()

    def _welcome(self) -> None:
        """Tell of folders that have been indexed for the first time."""
        if self._fresh_folders and not (
            self._backlog.new or self._backlog.urgent or self._surveys or self._debouncer
        ):
            names = ", ".join(sorted(self._fresh_folders))
            count = len(self._library) - self._library.failed
            self._fresh_folders.clear()
            text = f"{names}: {count:,} photos can be searched now"
            self._tell(Event("notice", {"topic": "indexed", "text": text}))

    # Telling.

    def _watch(self) -> None:
        self._watcher.watch(
            {
                folder.path: Rules((*self._settings.exclude, *folder.excludes))
                for folder in self._library.folders()
            }
        )

    def _show(self, progress: Progress | None) -> None:
        before, self.activity = self.activity, progress
        if (before is None) != (progress is None) or (
            progress is not None and self._may_tell("activity")
        ):
            self._tell(Event("activity", progress))

    def _may_tell(self, kind: str) -> bool:
        now = time.monotonic()
        if now - self._told.get(kind, 0.0) < TELL_SECONDS:
            return False
        self._told[kind] = now
        return True

    def _tell_library(self) -> None:
        library = self._library
        self._tell(
            Event(
                "library",
                {
                    "photos": len(library) - library.failed,
                    "preliminary": library.preliminary,
                    "failed": library.failed,
                    "revision": library.revision,
                },
            )
        )

    def _tell_folders(self) -> None:
        self._tell(Event("folders", None))

    def _tell_state(self) -> None:
        self._tell(
            Event(
                "state",
                {
                    "paused": self.paused,
                    "paused_until": self.paused_until,
                    "waiting": self.waiting,
                },
            )
        )

    def _tell_of(self, before: Folder, now: Folder) -> None:
        """Tell of a folder that went out of reach, or came back."""
        if before.state != now.state:
            text = f"{now.path} is {now.state}" + (f": {now.reason}" if now.reason else "")
            log.info("%s", text)
            self._tell(Event("notice", {"topic": now.state, "text": text}))

    def _wait_for(self, what: str | None) -> None:
        if self._waiting != what:
            self._waiting = what
            self._tell_state()
