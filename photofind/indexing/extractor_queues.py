"""The extractors in use: each with its space and a queue of the photos that it has still to embed.

One that does not work is set aside with its reason. The others go on without it, and it is tried
again later.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from photofind.errors import ExtractorError
from photofind.indexing.reading import Reader
from photofind.indexing.retrying import Failure
from photofind.indexing.scan import Found
from photofind.library.store import Store

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction

__all__ = ["ExtractorQueue", "ExtractorQueues"]

# How long an extractor that does not work waits at most before it is tried again.
LONGEST_WAIT = 600.0


@dataclass
class ExtractorQueue:
    """An extractor in use, and the photos that lack its embedding.

    Parameters
    ----------
    extractor, space
        Its name, and the id of its space.
    reader
        Reads with it.
    files
        Known photos that it has still to embed, by path.
    filled_at
        The version of the library at which ``files`` was filled last.
    """

    extractor: str
    space: str
    reader: Reader
    files: dict[str, Found] = field(default_factory=dict)
    filled_at: Hashable = None


class ExtractorQueues:
    """The queues of the extractors in use; the first one reads what is new.

    One thread changes it, any thread may look.

    Parameters
    ----------
    store
        Open for writing.
    extraction
        Gives what embeds photos with an extractor, by its name.
    make_reader
        Makes what reads with an extraction into a space.
    report
        Called with the error of an extractor that is set aside, once for each new error.
    """

    def __init__(
        self,
        store: Store,
        extraction: Callable[[str], Extraction],
        make_reader: Callable[[Extraction, str], Reader],
        report: Callable[[str], None],
    ) -> None:
        self._store = store
        self._extraction = extraction
        self._make_reader = make_reader
        self._report = report
        self._queues: list[ExtractorQueue] = []
        self._failures: dict[str, Failure] = {}

    def __iter__(self) -> Iterator[ExtractorQueue]:
        return iter(self._queues)

    def __bool__(self) -> bool:
        return bool(self._queues)

    @property
    def first(self) -> ExtractorQueue:
        """The queue of the extractor that reads what is new."""
        return self._queues[0]

    @property
    def problems(self) -> list[str]:
        """A line for each extractor in use that does not work."""
        working = {queue.extractor for queue in self._queues}
        return [one.reason for name, one in [*self._failures.items()] if name not in working]

    @property
    def wait(self) -> float | None:
        """Seconds until one that does not work is tried again; None where all work."""
        working = {queue.extractor for queue in self._queues}
        waits = [one.wait for name, one in [*self._failures.items()] if name not in working]
        return min(waits, default=None)

    def retry_now(self) -> None:
        """Have those that do not work tried again at once."""
        for failure in [*self._failures.values()]:
            failure.retry_now()

    def open(self, extractors: Sequence[str], *, again: bool) -> None:
        """Start the extractors in use and open their spaces.

        Parameters
        ----------
        extractors
            Their names, the one that reads what is new first.
        again
            Whether to start those again that work.

        Raises
        ------
        ExtractorError
            None of them works.
        """
        if again:
            self._failures.clear()
        working = {} if again else {queue.extractor: queue for queue in self._queues}
        queues: list[ExtractorQueue] = []
        failed: dict[str, ExtractorError] = {}
        for name in extractors:
            try:
                queues.append(working.get(name) or self._open(name))
            except ExtractorError as error:
                failed[name] = error
        if not queues:
            raise next(iter(failed.values()))
        for name, reason in failed.items():
            self._note_failure(name, reason)
        self._queues = queues

    def set_aside(self, queue: ExtractorQueue, error: ExtractorError) -> None:
        """Go on without an extractor that does not work.

        Raises
        ------
        ExtractorError
            There is no other.
        """
        if len(self._queues) == 1:
            raise error
        self._note_failure(queue.extractor, error)
        self._queues = [one for one in self._queues if one is not queue]

    def works(self, queue: ExtractorQueue) -> None:
        """Take note that an extractor has embedded something."""
        self._failures.pop(queue.extractor, None)

    def _open(self, name: str) -> ExtractorQueue:
        extraction = self._extraction(name)
        plugin = extraction.info()
        space = self._store.open_space(
            plugin.name, plugin.version, plugin.dimension, plugin.build
        ).id
        return ExtractorQueue(name, space, self._make_reader(extraction, space))

    def _note_failure(self, name: str, error: ExtractorError) -> None:
        before = self._failures.get(name)
        if before is None or before.reason != str(error):
            self._report(str(error))
        self._failures[name] = Failure.after(before, str(error), LONGEST_WAIT)
