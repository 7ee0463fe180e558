"""The indexings that were asked for and begun: when each is finished, and what is left then."""

from __future__ import annotations

from collections.abc import Iterator

from photofind.errors import PhotofindError
from photofind.indexing.backlog import Backlog
from photofind.indexing.extractor_queues import ExtractorQueues
from photofind.indexing.requests import Request
from photofind.library.store import Store
from photofind.model.counted import counted

__all__ = ["OpenRequests"]


class OpenRequests:
    """Requests that were begun and not finished yet.

    Parameters
    ----------
    store
        Read only.
    queues, backlog
        Show what extractors have still to embed.
    """

    def __init__(self, store: Store, queues: ExtractorQueues, backlog: Backlog) -> None:
        self._store = store
        self._queues = queues
        self._backlog = backlog
        self._requests: list[Request] = []

    def __iter__(self) -> Iterator[Request]:
        return iter(self._requests)

    def __bool__(self) -> bool:
        return bool(self._requests)

    def begin(self, request: Request) -> None:
        """Take in a request whose scan begins."""
        self._requests.append(request)

    def finish(self) -> None:
        """Finish those that wait for nothing any more."""
        for request in [one for one in self._requests if one.is_done and not one.counts_backlog]:
            if request.every and self._is_any_lacking():
                continue
            self._requests.remove(request)
            request.finish([*self._queues.problems, *self._unfinished()])

    def fail(self, error: PhotofindError) -> None:
        """Have all of them fail."""
        requests, self._requests = self._requests, []
        for request in requests:
            request.fail(error)

    def _is_any_lacking(self) -> bool:
        """Return whether an extractor has still to embed photos, and can."""
        return bool(
            self._queues.loading
            or self._queues.deriver
            or self._backlog.has_preliminary()
            or any(map(self._backlog.lacks, self._queues))
        )

    def _unfinished(self) -> list[str]:
        """Return a line for each extractor that has not embedded all photos yet."""
        lines = [f"{name} is still being loaded" for name in self._queues.loading]
        for queue in self._queues:
            if left := self._store.space_counts(queue.space).lacking:
                lines.append(f"{queue.extractor} has still to embed {counted(left, 'photo')}")
        return lines
