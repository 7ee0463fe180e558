"""Folders that do not answer: the indexing goes on without them, until they do again."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from photofind.indexing.backlog import Backlog
from photofind.indexing.extractor_queues import ExtractorQueues
from photofind.indexing.filling import Filling
from photofind.indexing.notices import Notices
from photofind.indexing.open_requests import OpenRequests
from photofind.library.store import Store
from photofind.model.records import watched_here
from photofind.system.reach import DOES_NOT_ANSWER, Reach

__all__ = ["SilentFolders"]


class SilentFolders:
    """Takes the files of folders that do not answer out of what is to be read.

    Parameters
    ----------
    store
        Open for writing.
    reach
        Tells which folders answer.
    queues, backlog
        What is to be read.
    requests
        Wait no longer for what cannot be reached.
    notices
        Told of each folder.
    """

    def __init__(
        self,
        store: Store,
        reach: Reach,
        queues: ExtractorQueues,
        backlog: Backlog,
        requests: OpenRequests,
        notices: Notices,
    ) -> None:
        self._store = store
        self._reach = reach
        self._queues = queues
        self._backlog = backlog
        self._requests = requests
        self._notices = notices
        self._left: set[str] = set()  # Those whose files were dropped.

    def leave(self) -> None:
        """Go on without the folders that do not answer; they are scanned when they do again."""
        folders = watched_here(self._store.folders())
        self._left.intersection_update(
            folder.path for folder in folders if not self._reach.answers(folder.path)
        )
        for folder in folders:
            path = folder.path
            if path in self._left or self._reach.answers(path):
                continue
            self._left.add(path)
            if (folder.state, folder.reason) != ("offline", DOES_NOT_ANSWER):
                now = replace(folder, state="offline", reason=DOES_NOT_ANSWER)
                self._store.put_folder(now)
                self._notices.folder_state(folder, now)
                self._notices.folders()
            dropped = self._backlog.drop(partial(self._belongs_to, path))
            for queue in self._queues:
                queue.files = {}  # It is filled again, without what is offline.
                queue.filling = Filling()
            for request in self._requests:
                request.cannot_reach(path, DOES_NOT_ANSWER, dropped)
        self._requests.finish()

    def noticed(self, folder: str) -> None:
        """Take note that a reading ended because a folder does not answer."""
        self._left.discard(folder)  # So that its files are dropped.

    def _belongs_to(self, folder: str, path: str) -> bool:
        return self._reach.folder_of(path) == folder
