"""Photos become vectors, seen from the process that wants them and must survive them."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photofind.errors import (
    ExtractorError,
    WorkerCrashedError,
    WorkerError,
    WorkerMemoryError,
    WorkerStartError,
    WorkerTimeoutError,
)
from photofind.images.limits import DEFAULT_LIMITS, Limits
from photofind.images.metadata_fields import Metadata
from photofind.paths import Home
from photofind.workers import Reply, Worker, isolate
from photofind.workers.frames import JSON

if TYPE_CHECKING:
    from typing import Self

    import numpy as np
    import numpy.typing as npt

__all__ = ["Extracted", "Extraction", "ExtractorInfo"]

# An extractor whose worker outgrows its memory so often in a row, after less than so many photos
# each time, is given up.
_MOST_IN_A_ROW = 3
_FEW_PHOTOS = 500

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExtractorInfo:
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
        The installed package, or the file of a model, that offers it.
    build
        Another text whenever another version of the package is installed, or the file that
        defines the extractor was written: it may do now what it could not do before.
    abilities
        What it can do beyond embedding, of :data:`photofind.extractors.protocol.ABILITIES`.
    engine
        What runs it, where it says so: "LiteRT" or "Keras".
    """

    name: str
    version: str
    dimension: int
    input_size: tuple[int, int]
    distribution: str
    build: str = ""
    abilities: tuple[str, ...] = ()
    engine: str | None = None

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """Return the description with these fields, as JSON made them.

        Raises
        ------
        TypeError
            If they are others.
        """
        lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
        return cls(**{**fields, **lists})


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
    refused
        Whether it took the worker down, so that the extractor may be to blame: another may well
        describe it.
    tags
        Words for what it shows with their confidences, the surest first, from an extractor that
        has that ability and made a vector.
    """

    path: str
    content: str = ""
    width: int = 0
    height: int = 0
    format: str = ""
    vector: npt.NDArray[np.float32] | None = None
    failure: str | None = None
    refused: bool = False
    tags: tuple[tuple[str, float], ...] = ()


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
    megabytes
        A worker that holds more memory than this after a call is ended, and one that holds twice
        as much in a call too. An extractor whose workers come to that again and again, after few
        photos, is given up.
    home
        Where extractors find models and keep what they convert; this user's own by default.
    start_seconds
        How long the extractor may take to load; converting its network is not counted.
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
        megabytes: float = math.inf,
        home: Home | None = None,
        start_seconds: float = 120.0,
    ) -> None:
        self._extractor = extractor
        self._seconds = seconds
        self._start_seconds = start_seconds
        self._megabytes = megabytes
        self._photos = 0  # Since the worker last outgrew its memory.
        self._memory_restarts = 0  # How often it has.
        self._in_a_row = 0  # How often after few photos.
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
            environment={"PHOTOFIND_HOME": str((home or Home.default()).root)},
            log=log,
            start_seconds=start_seconds,
            most_bytes=1e6 * megabytes,
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

    def info(self) -> ExtractorInfo:
        """Load the extractor and return what it says of itself.

        Raises
        ------
        ExtractorError
            If it is not installed or does not work.
        """
        return ExtractorInfo.from_json(self._call("info").value)

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
            If the extractor is not installed or does not work.
        WorkerStoppedError
            If :meth:`close` was called meanwhile.
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
            reply = self._call(
                method, note=note, paths=[paths[place] for place in batch], **arguments
            )
            self._count(len(batch))
            return reply

        for batch, outcome in isolate(range(len(paths)), run):
            if isinstance(outcome, WorkerError):
                (place,) = batch
                _logger.warning("%s: %s\n%s", paths[place], outcome, outcome.details)
                extracted[place] = Extracted(
                    path=paths[place], failure=self._reason(outcome), refused=True
                )
                continue
            vectors = iter(outcome.arrays[0])
            for place, record in zip(batch, outcome.value, strict=True):
                vector = next(vectors) if record.pop("embedded", False) else None
                record["keywords"] = tuple(record.get("keywords", ()))
                record["tags"] = tuple((word, sure) for word, sure in record.get("tags", ()))
                extracted[place] = Extracted(path=paths[place], vector=vector, **record)
        return [extracted[place] for place in range(len(paths))]

    def _call(self, method: str, **arguments: Any) -> Reply:
        try:
            return self._worker.call(method, timeout=self._seconds, **arguments)
        except WorkerStartError as error:
            reason = error.message
            if isinstance(error.__cause__, WorkerTimeoutError):
                reason = f"it took longer than {self._start_seconds:g} s to load"
            raise ExtractorError(
                f"the extractor {self._extractor!r} cannot be used: {reason}", error.hint
            ) from error

    def _count(self, photos: int) -> None:
        """Count what the worker has read; give the extractor up if it outgrows its memory often."""
        self._photos += photos
        if self._worker.memory_restarts == self._memory_restarts:
            return
        subject = f"the extractor {self._extractor!r}"
        habit = f"held more than {self._megabytes:,.0f} MB of memory after {self._photos:,} photos"
        _logger.warning("%s %s, and is started anew", subject, habit)
        self._memory_restarts = self._worker.memory_restarts
        self._in_a_row = self._in_a_row + 1 if self._photos < _FEW_PHOTOS else 0
        self._photos = 0
        if self._in_a_row >= _MOST_IN_A_ROW:
            self._in_a_row = 0
            raise ExtractorError(
                f"{subject} cannot be used: it {habit}, {_MOST_IN_A_ROW} times in a row",
                "`photofind config set worker_megabytes` allows it more",
            )

    def _reason(self, error: WorkerError) -> str:
        """Return why a photo failed that took its worker along."""
        match error:
            case WorkerTimeoutError():
                return f"took longer than {self._seconds:g} s to read"
            case WorkerMemoryError():
                return f"took more than {2 * self._megabytes:,.0f} MB of memory to read"
            case WorkerCrashedError():
                return f"crashed the extractor: {error}"
            case _:
                return error.message


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # Not on macOS and Windows.
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
