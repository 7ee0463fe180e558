"""Reading the files that wait, until they are read or something more urgent comes.

A backlog is read twice. The first pass reads the thumbnails inside the photos, which is one or two
orders of magnitude faster than decoding, so that the whole library can be searched within minutes;
the second replaces each of these preliminary embeddings by the real one.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice

from photofind.errors import ExtractorError
from photofind.indexing.agenda import Agenda
from photofind.indexing.backlog import FEW, Backlog
from photofind.indexing.batch_commit import Outcome
from photofind.indexing.batches import BatchProgress
from photofind.indexing.extractor_queues import ExtractorQueue, ExtractorQueues
from photofind.indexing.manner import Manner
from photofind.indexing.new_folders import NewFolders
from photofind.indexing.notices import Notices
from photofind.indexing.open_requests import OpenRequests
from photofind.indexing.pausing import Pause
from photofind.indexing.reading import OtherExtractorError
from photofind.indexing.scan import Found
from photofind.indexing.silent_folders import SilentFolders

__all__ = ["BacklogReader"]

log = logging.getLogger(__name__)

# How many files are taken out of a backlog at a time.
CHUNK = 16_384
# An extractor that shows no progress for so long yields to more urgent work ...
GIVES_WAY_SECONDS = 3.0
# ... and, where it reads what is new, to another extractor.
YIELDS_SECONDS = 20.0


class BacklogReader:
    """Chooses what of a backlog is read next, and by which extractor, and has it read.

    Parameters
    ----------
    agenda, pause
        Say whether there is something more urgent, and whether files may be read now.
    queues
        Of the extractors in use.
    backlog
        What waits.
    requests, new_folders
        Wait for what is read.
    silent
        Told of a folder that does not answer.
    notices
        Told what is done.
    manner
        How a daemon goes about it, or a command.
    on_success
        Called when a reading has succeeded.
    """

    def __init__(
        self,
        agenda: Agenda,
        pause: Pause,
        queues: ExtractorQueues,
        backlog: Backlog,
        requests: OpenRequests,
        new_folders: NewFolders,
        silent: SilentFolders,
        notices: Notices,
        manner: Manner,
        *,
        on_success: Callable[[], None],
    ) -> None:
        self._agenda = agenda
        self._pause = pause
        self._queues = queues
        self._backlog = backlog
        self._requests = requests
        self._new_folders = new_folders
        self._silent = silent
        self._notices = notices
        self._manner = manner
        self._on_success = on_success
        self._first_pass = False  # Thumbnails are read.
        self._progress = BatchProgress("", 0)
        self._reading: ExtractorQueue | None = None
        self._reads_whole = True
        self._files: dict[str, Found] = {}  # Those that are read, and not committed yet.
        self._marking = False  # Photos are read for their fingerprints.

    def read_urgent(self) -> None:
        """Read the few files that have just come or changed."""
        self._read(self._queues.first, self._backlog.urgent, "reading photos")

    def read_some(self) -> bool:
        """Read some of the backlog, where there is any and it need not wait."""
        backlog, first = self._backlog, self._queues.first
        lacking: ExtractorQueue | None = None
        if not (backlog.new or backlog.without_thumbnail or backlog.has_preliminary()):
            lacking = next(filter(backlog.lacks, self._queues), None)
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
            phase, left = f"embedding photos with {lacking.extractor}", lacking.filling.left
            self._read(lacking, lacking.files, phase, left=left)
        elif backlog.new:
            may_preview = self._manner.thumbnails_first and self._agenda.settings.previews
            self._first_pass = may_preview and (self._first_pass or len(backlog.new) > FEW)
            phase = "reading thumbnails" if self._first_pass else "reading photos"
            self._read(first, backlog.new, phase, previews=self._first_pass)
            self._first_pass = self._first_pass and bool(backlog.new)
        elif backlog.without_thumbnail:
            self._read(first, backlog.without_thumbnail, "reading photos")
        elif backlog.refine:
            self._read(first, backlog.refine, "refining photos", left=backlog.refining.left)
        else:
            phase, left = "looking at photos again, to tell duplicates", backlog.marking.left
            self._read(first, backlog.unmarked, phase, left=left)
        return True

    def committed(self, outcomes: Mapping[str, Outcome]) -> None:
        """Note what a commit made of files; called by the thread that commits."""
        assert self._reading is not None
        for path in outcomes:
            self._files.pop(path, None)  # It is pending no longer, while the next batch is read.
        for request in self._requests:
            if self._marking:
                continue
            if self._reading is self._queues.first:
                request.read(outcomes, whole=self._reads_whole)
            else:
                request.embedded(self._reading.extractor, outcomes)
        self._queues.embedded(outcomes)
        self._notices.library()

    def _read(
        self,
        queue: ExtractorQueue,
        files: dict[str, Found],
        phase: str,
        *,
        previews: bool = False,
        left: int = 0,
    ) -> None:
        """Read files from the first on, until there is something more urgent to do.

        After them ``left`` more are to be read.
        """
        progress = self._progress
        if progress.phase != phase or progress.done >= progress.total:
            progress = self._progress = BatchProgress(phase, 0, self._manner.batch_seconds)
        progress.resume()
        progress.total = progress.done + len(files) + left
        self._reading, self._reads_whole = queue, not previews
        self._marking = files is self._backlog.unmarked
        self._files = files
        # What other extractors embedded, or an older photofind, is decoded again.
        is_known = queue is not self._queues.first or files is self._backlog.unmarked
        chunk = [*islice(files.values(), CHUNK)]
        try:
            unread = queue.reader.read(
                chunk,
                defaultdict(set) if is_known else self._backlog.contents,
                progress,
                previews=previews,
                afresh=queue is self._queues.first,
                go_on=lambda: self._may_go_on(urgent=files is self._backlog.urgent),
                hold_out=partial(self._may_hold_out, queue, urgent=files is self._backlog.urgent),
                show=self._notices.progress,
            )
        except OtherExtractorError:
            log.info("%s is not what it was and is loaded again", queue.extractor)
            self._queues.close(queue.extractor)
            self._backlog.contents.clear()
            return
        except ExtractorError as error:
            self._queues.set_aside(queue, error)
            self._backlog.contents.clear()
            return
        if unread.gave_way and queue is self._queues.first:
            log.warning("%s shows no progress; others read new photos", queue.extractor)
            self._queues.yield_first(queue)
            self._backlog.contents.clear()
        if unread.silent is not None:
            self._silent.noticed(unread.silent)
        if unread.done:
            self._queues.works(queue)
            self._on_success()
        for file in chunk[: unread.done]:
            files.pop(file.path, None)
        rest = self._backlog.without_thumbnail
        rest.update((file.path, file) for file in unread.without_thumbnail)
        if unread.lacking:
            self._backlog.contents.clear()
            rest.update((file.path, file) for file in unread.lacking)
        again = rest if queue is self._queues.first else files
        again.update((file.path, file) for file in unread.put_off)
        if not (self._backlog.new or rest):
            self._backlog.contents.clear()
        self._requests.finish()
        self._new_folders.greet()

    def _may_go_on(self, *, urgent: bool) -> bool:
        agenda = self._agenda
        return not (
            agenda.stopping
            or agenda.reconfigured
            or self._pause.paused
            or agenda.has_places_due
            or (not urgent and (agenda.has_scans or self._backlog.urgent))
        )

    def _may_hold_out(self, queue: ExtractorQueue, silence: float, *, urgent: bool) -> bool:
        """Return whether a batch goes on that has shown no progress for so many seconds."""
        if silence >= GIVES_WAY_SECONDS and queue is not self._queues.first:
            return self._may_go_on(urgent=urgent)
        if silence >= YIELDS_SECONDS and queue is self._queues.first:
            return not self._queues.has_other(queue)
        return True
