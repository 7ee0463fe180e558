"""Reading and embedding photos in a worker process, whose failures cost single photos only."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photofind.errors import (
    ExtractorError,
    FileNotAnsweringError,
    WorkerCrashedError,
    WorkerError,
    WorkerKilledError,
    WorkerMemoryError,
    WorkerOverdueError,
    WorkerResourceError,
    WorkerStartError,
    WorkerTimeoutError,
)
from photofind.extractors.giving_up import Patience
from photofind.extractors.loaded import identity
from photofind.images.limits import DEFAULT_LIMITS, Limits
from photofind.images.metadata_fields import Metadata
from photofind.paths import Home
from photofind.system.reach import DOES_NOT_ANSWER, Reach, read_through
from photofind.workers import Reply, Worker, isolate
from photofind.workers.frames import JSON

if TYPE_CHECKING:
    from typing import Self

    import numpy as np
    import numpy.typing as npt

    from photofind.extractors.views import ViewsKind

__all__ = ["Extracted", "Extraction", "ExtractorInfo"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExtractorInfo:
    """The properties of a working extractor.

    Attributes
    ----------
    name, version
        Together they identify the embedding space.
    dimension
        The length of its embeddings.
    input_size
        Height and width of its input, in pixels.
    distribution
        The installed package, or the model file, that provides it.
    build
        Changes whenever another version of the package is installed or the file that defines the
        extractor is written: photos that failed before may then succeed.
    abilities
        Those of :data:`photofind.extractors.protocol.ABILITIES` that it has.
    engine
        What runs it, "LiteRT" or "Keras"; None if unknown.
    code
        The files or folders of its code.
    device
        What that runs on, such as "gpu"; None if unknown.
    idle_seconds
        The least idle time after which its worker ends; 0 if it does not matter.
    derives_from
        Its bases, where it is a :class:`~photofind.extractors.protocol.DerivedExtractor`; its
        ``input_size`` is (0, 0) then.
    """

    name: str
    version: str
    dimension: int
    input_size: tuple[int, int]
    distribution: str
    build: str = ""
    abilities: tuple[str, ...] = ()
    engine: str | None = None
    code: tuple[str, ...] = ()
    device: str | None = None
    idle_seconds: float = 0.0
    derives_from: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """What every result of this build of the extractor carries."""
        return identity(self.name, self.version, self.build)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """Return the info with these fields, decoded from JSON.

        Raises
        ------
        TypeError
            If the fields do not match.
        """
        lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
        return cls(**{**fields, **lists})


@dataclass(frozen=True, kw_only=True)
class Extracted(Metadata):
    """The result for one photo.

    Attributes
    ----------
    path
        The photo.
    content
        Its content id, hexadecimal; empty if its bytes could not be read.
    width, height, format
        Of the whole photo, upright, in pixels; 0 and empty if it was not decoded.
    fingerprint
        Of its pixels, if all of it was decoded; see :mod:`photofind.images.fingerprint`.
    vector
        The embedding, float32 (dimension,), of unit length; None for failures and known contents.
    failure
        Why there is no embedding, in one line; None without an error.
    refused
        Whether it took the worker down, so that another extractor may be able to embed it.
    passing
        Whether the failure is due to the machine at that moment, not to the bytes of the photo.
    put_off
        Whether it took so long that the others of its batch were not to wait for it.
    lacks_sidecar
        Whether its sidecar could not be read for such a reason.
    tags
        Words for what it shows with their confidences, highest first, if the extractor can tag and
        the photo was embedded.
    note
        What is wrong with its file, where only a part of it could be read.
    made_by
        The identity of the extractor that read it; None where its worker ended before.
    """

    path: str
    content: str = ""
    width: int = 0
    height: int = 0
    format: str = ""
    fingerprint: str | None = None
    vector: npt.NDArray[np.float32] | None = None
    failure: str | None = None
    refused: bool = False
    passing: bool = False
    put_off: bool = False
    lacks_sidecar: bool = False
    tags: tuple[tuple[str, float], ...] = ()
    note: str | None = None
    made_by: str | None = None


class Extraction:
    """Reads and embeds photos with one extractor, in a worker.

    A photo that crashes the worker, or takes too long, is isolated and reported as failed; the
    others are retried without it.

    Parameters
    ----------
    extractor
        Its name.
    threads
        Threads that read and embed; 0 means one per core.
    limits
        The largest photo that is read.
    seconds
        Time without progress after which the current photo is given up.
    idle_seconds
        Idle time after which the worker ends and frees its memory, or more if the extractor asks
        for more; None means never.
    low_priority
        Whether the worker runs at low priority.
    log
        The file to which the worker's messages are appended.
    megabytes
        Memory limit of the worker after a call; during a call it is twice this. A worker above the
        limit is ended; an extractor whose workers exceed it repeatedly, after few photos, is given
        up.
    home
        The home with the models and the conversion cache; this user's by default.
    start_seconds
        Longest time to load the extractor, excluding the conversion of its network.
    reach
        Knows which folders do not answer: a photo in one is not waited for.
    views
        What is embedded of a photo: "whole", or "crops" of it too. The version in :meth:`info` is
        another for each.
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
        reach: Reach | None = None,
        views: ViewsKind = "whole",
    ) -> None:
        self._extractor = extractor
        self._reach = reach or Reach()
        self._seconds = seconds
        self._start_seconds = start_seconds
        self._megabytes = megabytes
        self._patience = Patience(extractor, megabytes=megabytes, seconds=seconds)
        home = home or Home.default()
        self._progressed = time.monotonic()
        self._asked_idle = False
        self._worker = Worker(
            "photofind.extractors.service:ExtractionService",
            name="extraction",
            options={
                "extractor": extractor,
                "threads": threads or _usable_cores(),
                "turn": str(home.turn),
                "views": views,
                **asdict(limits),
            },
            idle_seconds=idle_seconds,
            low_priority=low_priority,
            environment={"PHOTOFIND_HOME": str(home.root)},
            log=log,
            start_seconds=start_seconds,
            most_bytes=1e6 * megabytes,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker if there is one."""
        self._worker.stop()

    @property
    def pid(self) -> int | None:
        """The worker's process id; None if none is running."""
        return self._worker.pid

    @property
    def silence(self) -> float:
        """Seconds since the worker last showed progress."""
        return time.monotonic() - self._progressed

    def info(self) -> ExtractorInfo:
        """Load the extractor and return its properties.

        Raises
        ------
        ExtractorError
            If it is not installed or does not work.
        """
        return ExtractorInfo.from_json(self._call("info").value)

    def extract(
        self, paths: Sequence[str], known: Collection[str] = (), *, in_company: bool = False
    ) -> list[Extracted]:
        """Read and embed photos.

        Parameters
        ----------
        paths
            The photos.
        known
            Content ids that are embedded already: their photos are read but not decoded.
        in_company
            Whether a photo that takes long is put off for the sake of the others. By itself it has
            five times as long.

        Returns
        -------
        list of Extracted
            In the order of ``paths``.

        Raises
        ------
        ExtractorError
            If the extractor is not installed or does not work.
        NotAnsweringError
            If the folder of a photo does not answer.
        WorkerStoppedError
            If :meth:`close` was called during the call.
        """
        return self._extract("extract", paths, known=[*known], in_company=in_company)

    def extract_previews(self, paths: Sequence[str]) -> list[Extracted | None]:
        """Embed photos from the thumbnails inside them, which is much faster than reading them.

        Parameters
        ----------
        paths
            The photos.

        Returns
        -------
        list of Extracted or None
            In the order of ``paths``: None without a usable thumbnail, for any reason. Content ids
            begin with :data:`~photofind.images.reading.PRELIMINARY`.

        Raises
        ------
        ExtractorError, NotAnsweringError, WorkerStoppedError
            As :meth:`extract`.
        """
        extracted = self._extract("extract_previews", paths)
        return [None if photo.vector is None else photo for photo in extracted]

    def extract_feature_maps(self, paths: Sequence[str]) -> list[Extracted]:
        """Read photos and return their feature maps.

        Parameters
        ----------
        paths
            The photos.

        Returns
        -------
        list of Extracted
            In the order of ``paths``. Their ``vector`` is the feature map, float32 (h, w, C), whose
            cells are equal parts of the photo as it is shown, from the upper left.

        Raises
        ------
        ExtractorError
            If the extractor is not installed, does not work, or has no feature maps.
        NotAnsweringError, WorkerStoppedError
            As :meth:`extract`.
        """
        return self._extract("extract_feature_maps", paths)

    def embed_text(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the embeddings of texts, float32 (N, dimension), unit vectors.

        Raises
        ------
        ExtractorError
            If the extractor is not installed, does not work, or does not embed texts.
        WorkerError
            If its worker crashed or hung.
        """
        return self._call("embed_text", texts=[*texts]).arrays[0]

    def extract_views(
        self, path: str, *, box: Sequence[float] | None = None, turned: bool = False
    ) -> Extracted:
        """Read a photo and embed views of it.

        Parameters
        ----------
        path
            The photo.
        box
            x, y, width and height of the part that is embedded, as fractions of its sides as it is
            shown; all by default.
        turned
            Whether it is embedded turned and mirrored too, in seven other ways.

        Returns
        -------
        Extracted
            Its ``vector`` has a row for each view, (1, D) or (8, D), the photo as it is first.

        Raises
        ------
        ExtractorError, NotAnsweringError, WorkerStoppedError
            As :meth:`extract`.
        """
        part = None if box is None else [*box]
        (extracted,) = self._extract("extract_views", [path], box=part, turned=turned)
        return extracted

    def _extract(self, method: str, paths: Sequence[str], **arguments: JSON) -> list[Extracted]:
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
                for place, one in self._extract_each(method, paths, left, **arguments):
                    extracted[place] = one
            except FileNotAnsweringError as error:
                _logger.warning("%s", error)
            left = [place for place in left if place not in extracted]
        return [extracted[place] for place in range(len(paths))]

    def _extract_each(
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
            reply = self._call(
                method,
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

    def _call(self, method: str, *arrays: npt.NDArray[np.float32], **arguments: Any) -> Reply:
        try:
            reply = self._worker.call(method, *arrays, timeout=self._seconds, **arguments)
            self._let_it_idle()
            return reply
        except WorkerResourceError as error:
            raise ExtractorError(
                f"the extractor {self._extractor!r} cannot be used: {error.message}", error.hint
            ) from error
        except WorkerStartError as error:
            reason = error.message
            if isinstance(error.__cause__, WorkerTimeoutError):
                reason = f"it took longer than {self._start_seconds:g} s to load"
            raise ExtractorError(
                f"the extractor {self._extractor!r} cannot be used: {reason}",
                error.hint,
                error.details,
            ) from error

    def _let_it_idle(self) -> None:
        """Let the worker be idle for as long as the extractor asks, which is asked once."""
        if self._asked_idle or self._worker.idle_seconds is None:
            return
        self._asked_idle = True
        with suppress(WorkerError):
            wanted = self._worker.call("info", timeout=self._seconds).value["idle_seconds"]
            self._worker.idle_seconds = max(self._worker.idle_seconds, wanted)

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


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # Not on macOS and Windows.
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
