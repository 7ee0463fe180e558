"""Finding out what there is to read: places that changed are looked at, and folders scanned."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from photofind.indexing.agenda import Agenda, Scan
from photofind.indexing.backlog import FEW, Backlog
from photofind.indexing.departed import Departed
from photofind.indexing.extractor_queues import ExtractorQueues
from photofind.indexing.full_scan import full_scan
from photofind.indexing.new_folders import NewFolders
from photofind.indexing.notices import Notices
from photofind.indexing.open_requests import OpenRequests
from photofind.indexing.partial_check import partial_check
from photofind.indexing.reading import contents_of_sizes
from photofind.indexing.retries import is_due
from photofind.indexing.scan import Found
from photofind.indexing.watching.events import Kind
from photofind.library.store import Store
from photofind.model import Skipped
from photofind.model.records import Folder, Photo, innermost, watched_here
from photofind.system.reach import Reach

__all__ = ["Finding"]

log = logging.getLogger(__name__)


class Finding:
    """Compares the library with its folders; what is to be read goes into the backlog.

    Parameters
    ----------
    store
        Open for writing.
    agenda
        Holds back what is still being written, and takes in folders that are to be scanned.
    queues
        Of the extractors in use.
    backlog
        Takes in what is to be read.
    requests, new_folders
        Wait for what is found.
    notices
        Told what is done.
    departed
        Photos that were removed lately.
    reach
        Touches the files of the folders.
    apart
        What is part of no folder: photofind's home.
    on_scanned
        Called with the path of each folder that was scanned and the seconds that the scan took.
    on_success
        Called when a scan has succeeded that leaves nothing to read.
    """

    def __init__(
        self,
        store: Store,
        agenda: Agenda,
        queues: ExtractorQueues,
        backlog: Backlog,
        requests: OpenRequests,
        new_folders: NewFolders,
        notices: Notices,
        departed: Departed,
        reach: Reach,
        *,
        apart: Sequence[str],
        on_scanned: Callable[[str, float], None],
        on_success: Callable[[], None],
    ) -> None:
        self._store = store
        self._agenda = agenda
        self._queues = queues
        self._backlog = backlog
        self._requests = requests
        self._new_folders = new_folders
        self._notices = notices
        self._departed = departed
        self._reach = reach
        self._apart = apart
        self._on_scanned = on_scanned
        self._on_success = on_success
        self._left: dict[str, set[str]] = {}  # By folder, what its next scan is to tell about.

    def check(self, places: Mapping[str, Kind]) -> None:
        """Look at places that changed."""

        def is_complete(photo: Photo) -> bool:
            # Its attributes may be all that has changed: it may be read now.
            return _is_complete(photo) and not (photo.retry and photo.path in places)

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
        _log(seen.skipped)
        complete = [file for file in changes.unread if places.get(file.path) is Kind.COMPLETE]
        others = [file for file in changes.unread if places.get(file.path) is not Kind.COMPLETE]
        settled = self._agenda.settled(others)
        ready = complete + settled
        if len(ready) > FEW:
            self._look_up_contents(ready)
        self._backlog.take_in(ready)
        fresh = {file.path: file for file in others}
        for file in settled:
            del fresh[file.path]
        left = self._leave_to_scan(places, seen.to_scan)
        for request in self._requests:
            request.settled(places.keys() - {file.path for file in changes.unread} - left)
            request.still_fresh(fresh.values())
        self._requests.finish()
        if changes.moved or changes.gone:
            self._notices.library()

    def scan(self, scan: Scan) -> None:
        """Scan folders from end to end."""
        paths, request = scan
        if request is not None:
            self._requests.begin(request)
        retry_failed = request is not None and request.retry_failed
        known = watched_here(self._store.folders())
        folders = [folder for folder in known if folder.path in paths]
        if retry_failed:
            for folder in folders:
                self._store.clear_refusals(folder=folder.path)

        def is_complete(photo: Photo) -> bool:
            is_asked_for = retry_failed and photo.failure is not None
            is_asked_for = is_asked_for or (request is not None and photo.retry is not None)
            return _is_complete(photo) and not is_asked_for

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
        self._backlog.take_in(settled, many=len(settled) > FEW)
        _log(seen.skipped)
        unread = {file.path for file in changes.unread}
        for path in paths:
            left = self._left.pop(path, set()) - unread
            for waiting in self._requests:
                waiting.settled(left)
        if not self._backlog:  # Otherwise it is reading that has to succeed.
            self._on_success()
        self._queues.look_through()
        self._notices.folders()
        self._notices.library()
        self._requests.finish()
        self._new_folders.greet()

    def _leave_to_scan(self, places: Iterable[str], to_scan: Collection[str]) -> set[str]:
        """Return the places in folders to be scanned: only the scan tells what is there."""
        folders = self._store.folders() if to_scan else []
        left: set[str] = set()
        for place in places:
            holder = innermost(folders, place)
            if holder is not None and holder.path in to_scan:
                self._left.setdefault(holder.path, set()).add(place)
                left.add(place)
        return left

    def _look_up_contents(self, files: Sequence[Found]) -> None:
        """Find out which contents the files may have that need not be embedded again."""
        sizes = {file.size for file in files}
        known = contents_of_sizes(self._store, self._queues.first.space, sizes)
        for size, contents in known.items():
            self._backlog.contents[size] |= contents

    def _put_folders(self, folders: Sequence[Folder], seconds: float) -> None:
        """Note how folders are after a scan of so many seconds."""
        before = {folder.path: folder for folder in self._store.folders()}
        for folder in folders:
            self._on_scanned(folder.path, seconds)
            if folder.path in before:  # It may have been removed during the scan.
                self._store.put_folder(folder)
                self._notices.folder_state(before[folder.path], folder)

    def _remove(self, gone: Sequence[Photo]) -> None:
        self._departed.add(gone)
        self._store.remove(gone)


def _is_complete(photo: Photo) -> bool:
    if photo.retry is not None and is_due(photo.retry):
        return False
    # A photo that lacks the embedding of one extractor is not new: see Backlog.lacks.
    return photo.failure is not None or bool(photo.spaces)


def _log(skipped: Collection[Skipped]) -> None:
    for skip in skipped:
        log.warning("%s is skipped: %s", skip.path, skip.reason)
