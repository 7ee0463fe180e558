"""Reading batches of photos in a worker so that one that takes it down costs none of the others."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from photofind.errors import (
    FileNotAnsweringError,
    WorkerCrashedError,
    WorkerError,
    WorkerKilledError,
    WorkerMemoryError,
    WorkerOverdueError,
    WorkerTimeoutError,
)
from photofind.extractors.extracted import Extracted
from photofind.extractors.giving_up import Patience
from photofind.system.reach import DOES_NOT_ANSWER, Reach, read_through
from photofind.workers import Reply, Worker, isolate

if TYPE_CHECKING:
    from photofind.workers.frames import JSON

__all__ = ["PhotoBatches"]

_logger = logging.getLogger(__name__)


class PhotoBatches:
    """Has photos read by a worker, and tells which of them it cannot read, and why.

    Parameters
    ----------
    worker
        Of the extractor.
    extractor
        Its name.
    reach
        Knows which folders do not answer.
    seconds
        Time without progress after which the current photo is given up.
    megabytes
        The memory limit of the worker.
    """

    def __init__(
        self, worker: Worker, extractor: str, reach: Reach, *, seconds: float, megabytes: float
    ) -> None:
        self._worker = worker
        self._reach = reach
        self._seconds = seconds
        self._megabytes = megabytes
        self._patience = Patience(extractor, megabytes=megabytes, seconds=seconds)
        self._progressed = time.monotonic()

    @property
    def silence(self) -> float:
        """Seconds since the worker last showed progress."""
        return time.monotonic() - self._progressed

    def read(self, method: str, paths: Sequence[str], **arguments: JSON) -> list[Extracted]:
        """Have the worker read photos by one of its methods; return a result for each, in order.

        Raises
        ------
        ExtractorError
            If the extractor is not installed, does not work, or is given up.
        NotAnsweringError
            If the folder of a photo does not answer.
        WorkerStoppedError
            If the worker was stopped meanwhile.
        """
        extracted: dict[int, Extracted] = {}
        left = [*range(len(paths))]
        while left:
            for place in left:
                try:
                    self._reach.check(paths[place])  # No worker is to wait for it in vain.
                except FileNotAnsweringError:
                    extracted[place] = Extracted(
                        path=paths[place], failure=DOES_NOT_ANSWER, passing=True
                    )
            left = [place for place in left if place not in extracted]
            try:
                for place, one in self._read_each(method, paths, left, **arguments):
                    extracted[place] = one
            except FileNotAnsweringError as error:
                _logger.warning("%s", error)
            left = [place for place in left if place not in extracted]
        return [extracted[place] for place in range(len(paths))]

    def _read_each(
        self, method: str, paths: Sequence[str], places: Sequence[int], **arguments: JSON
    ) -> Iterator[tuple[int, Extracted]]:
        """Yield what was extracted of the paths at these places, in any order."""
        overdue: dict[int, float] = {}  # How long the photo at this place may take.

        def run(batch: list[int], note: Any) -> Reply:
            reading: set[int] = set()

            def take(value: Any) -> None:
                self._progressed = time.monotonic()
                match value:
                    case {"started": int(position)}:
                        reading.add(batch[position])
                    case {"finished": int(position)}:
                        reading.discard(batch[position])
                    case {"finished": [*positions]}:
                        reading.difference_update(batch[position] for position in positions)
                    case {"embedding": bool(embeds)}:
                        self._patience.embeds(embeds)
                    case {"overdue": int(position), "seconds": float(seconds)}:
                        overdue[batch[position]] = seconds
                note(value)

            def suspect() -> None:
                for place in sorted(reading.copy()):
                    self._reach_through(paths[place])

            self._progressed = time.monotonic()
            self._patience.begins()
            reply = self._worker.call(
                method,
                timeout=self._seconds,
                note=take,
                suspect=suspect,
                paths=[paths[place] for place in batch],
                **arguments,
            )
            self._patience.count(len(batch), self._worker.memory_restarts)
            return reply

        for batch, outcome in isolate(places, run):
            if isinstance(outcome, WorkerError):
                (place,) = batch
                _logger.warning("%s: %s\n%s", paths[place], outcome, outcome.details)
                overran = isinstance(outcome, WorkerOverdueError)
                if overran and arguments.get("in_company"):
                    yield place, Extracted(path=paths[place], put_off=True)
                    continue
                if overran and place in overdue:
                    # No extractor had a part in it.
                    took = f"took more than {overdue[place]:,.0f} s of processor time to read"
                    yield place, Extracted(path=paths[place], failure=took)
                    continue
                self._patience.count_failure(outcome)
                yield (
                    place,
                    Extracted(
                        path=paths[place],
                        failure=self._reason(outcome),
                        refused=True,
                        passing=isinstance(outcome, WorkerKilledError | WorkerTimeoutError)
                        and not isinstance(outcome, WorkerOverdueError),
                    ),
                )
                continue
            vectors = iter(outcome.arrays[0])
            for place, record in zip(batch, outcome.value, strict=True):
                vector = next(vectors) if record.pop("embedded", False) else None
                record["keywords"] = tuple(record.get("keywords", ()))
                record["tags"] = tuple((word, sure) for word, sure in record.get("tags", ()))
                yield place, Extracted(path=paths[place], vector=vector, **record)

    def _reach_through(self, path: str) -> None:
        """Find out whether a file can be read; that it cannot be for another reason is no matter.

        Raises
        ------
        NotAnsweringError
            The file, or its folder, does not answer.
        """
        with suppress(OSError):
            self._reach.read(path, partial(read_through, path))

    def _reason(self, error: WorkerError) -> str:
        """Return the reason to store for a photo that took its worker down."""
        match error:
            case WorkerTimeoutError():
                return f"took longer than {self._seconds:g} s to read"
            case WorkerMemoryError():
                return f"took more than {2 * self._megabytes:,.0f} MB of memory to read"
            case WorkerKilledError():
                return f"its extractor was killed: {error}"
            case WorkerCrashedError():
                return f"crashed the extractor: {error}"
            case _:
                return error.message
