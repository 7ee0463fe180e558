"""Photos become vectors, seen from the process that wants them and must survive them."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photofind.errors import (
    ExtractorError,
    WorkerCrashedError,
    WorkerError,
    WorkerStartError,
    WorkerTimeoutError,
)
from photofind.images.described import Metadata
from photofind.images.limits import DEFAULT_LIMITS, Limits
from photofind.workers import Reply, Worker, isolate
from photofind.workers.frames import JSON

if TYPE_CHECKING:
    from typing import Self

    import numpy as np
    import numpy.typing as npt

__all__ = ["Description", "Extracted", "Extraction"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Description:
    """What an extractor that works says of itself.

    Attributes
    ----------
    name, version
        Together they say which vectors can be compared.
    dimension
        The length of its vectors.
    input_size
        Height and width of what it sees of a photo, in pixels.
    distribution
        The installed package that offers it.
    """

    name: str
    version: str
    dimension: int
    input_size: tuple[int, int]
    distribution: str


@dataclass(frozen=True, kw_only=True)
class Extracted(Metadata):
    """What was made of one photo.

    Attributes
    ----------
    path
        The photo.
    content
        Its content id, hexadecimal; empty where not even its bytes could be read.
    width, height, format
        Of the whole photo, upright, in pixels; 0 and empty where it was not decoded.
    vector
        float32 (dimension,), of unit length; None for a failure and for a known content.
    failure
        Why there is no vector, in one line; None where nothing is wrong.
    """

    path: str
    content: str = ""
    width: int = 0
    height: int = 0
    format: str = ""
    vector: npt.NDArray[np.float32] | None = None
    failure: str | None = None


class Extraction:
    """Reads and embeds photos with one extractor, in a worker.

    A photo that takes the worker down, or too long, is found, reported as failed, and costs the
    others nothing but time.

    Parameters
    ----------
    extractor
        Its name.
    threads
        Threads that read and embed; 0 is one for each core.
    limits
        The largest photo that is read.
    seconds
        After so long without any progress the photo that is being worked on is given up.
    idle_seconds
        The worker ends, and gives its memory back, after so long without work; None is never.
    low_priority
        Whether other programs go first.
    log
        Where the worker's messages are appended.
    """

    def __init__(
        self,
        extractor: str,
        *,
        threads: int = 0,
        limits: Limits = DEFAULT_LIMITS,
        seconds: float = 60.0,
        idle_seconds: float | None = None,
        low_priority: bool = True,
        log: Path | None = None,
    ) -> None:
        self._extractor = extractor
        self._seconds = seconds
        self._worker = Worker(
            "photofind.extractors.service:ExtractionService",
            name="extraction",
            options={
                "extractor": extractor,
                "threads": threads or _usable_cores(),
                **asdict(limits),
            },
            idle_seconds=idle_seconds,
            low_priority=low_priority,
            log=log,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker where there is one."""
        self._worker.stop()

    @property
    def pid(self) -> int | None:
        """The worker's process id, None where none is running."""
        return self._worker.pid

    def describe(self) -> Description:
        """Load the extractor and return what it says of itself.

        Raises
        ------
        ExtractorError
            Where it is not installed or does not work.
        """
        fields = self._call("describe").value
        return Description(**{**fields, "input_size": tuple(fields["input_size"])})

    def extract(self, paths: Sequence[str], known: Collection[str] = ()) -> list[Extracted]:
        """Read and embed photos.

        Parameters
        ----------
        paths
            The photos.
        known
            Content ids that need no vector: a photo with one of them is read but not decoded.

        Returns
        -------
        list of Extracted
            In the order of ``paths``.

        Raises
        ------
        ExtractorError
            Where the extractor is not installed or does not work.
        WorkerStoppedError
            Where :meth:`close` was called meanwhile.
        """
        return self._extract("extract", paths, known=[*known])

    def extract_previews(self, paths: Sequence[str]) -> list[Extracted | None]:
        """Embed photos from the thumbnails inside them, which is much faster than reading them.

        Parameters
        ----------
        paths
            The photos.

        Returns
        -------
        list of Extracted or None
            In the order of ``paths``: None where there is no thumbnail of use, for whatever
            reason. Contents begin with :data:`~photofind.images.reading.PRELIMINARY`.

        Raises
        ------
        ExtractorError, WorkerStoppedError
            As :meth:`extract`.
        """
        extracted = self._extract("extract_previews", paths)
        return [None if one.vector is None else one for one in extracted]

    def _extract(self, method: str, paths: Sequence[str], **arguments: JSON) -> list[Extracted]:
        extracted: dict[int, Extracted] = {}

        def run(batch: list[int], note: Any) -> Reply:
            return self._call(
                method, note=note, paths=[paths[place] for place in batch], **arguments
            )

        for batch, outcome in isolate(range(len(paths)), run):
            if isinstance(outcome, WorkerError):
                (place,) = batch
                _logger.warning("%s: %s\n%s", paths[place], outcome, outcome.details)
                extracted[place] = Extracted(path=paths[place], failure=self._reason(outcome))
                continue
            vectors = iter(outcome.arrays[0])
            for place, record in zip(batch, outcome.value, strict=True):
                vector = next(vectors) if record.pop("embedded", False) else None
                record["keywords"] = tuple(record.get("keywords", ()))
                extracted[place] = Extracted(path=paths[place], vector=vector, **record)
        return [extracted[place] for place in range(len(paths))]

    def _call(self, method: str, **arguments: Any) -> Reply:
        try:
            return self._worker.call(method, timeout=self._seconds, **arguments)
        except WorkerStartError as error:
            raise ExtractorError(
                f"the extractor {self._extractor!r} cannot be used: {error.message}", error.hint
            ) from error

    def _reason(self, error: WorkerError) -> str:
        """Return why a photo failed that took its worker along."""
        match error:
            case WorkerTimeoutError():
                return f"took longer than {self._seconds:g} s to read"
            case WorkerCrashedError():
                return f"crashed the extractor: {error}"
            case _:
                return error.message


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # Not on macOS and Windows.
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
