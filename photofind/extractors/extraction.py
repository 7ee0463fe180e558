"""Reading and embedding photos in a worker process, whose failures cost single photos only."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photofind.extractors.extracted import Extracted
from photofind.extractors.extraction_worker import ExtractionWorker
from photofind.extractors.fleets import FleetInUse, read_by
from photofind.extractors.info import ExtractorInfo
from photofind.extractors.photo_batches import PhotoBatches
from photofind.images.limits import DEFAULT_LIMITS, Limits
from photofind.paths import Home
from photofind.system.reach import Reach
from photofind.workers import ONE_BLAS_THREAD, Reply

if TYPE_CHECKING:
    from typing import Self

    import numpy as np
    import numpy.typing as npt

    from photofind.extractors.views import ViewsKind

__all__ = ["Extraction"]


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
    fleet
        Workers on other machines that read photos in its place, while there are any.
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
        fleet: FleetInUse | None = None,
    ) -> None:
        home = home or Home.default()
        self._seconds = seconds
        self._fleet = fleet or FleetInUse()
        self._info: ExtractorInfo | None = None
        self._worker = ExtractionWorker(
            extractor,
            options={
                "extractor": extractor,
                "threads": threads or _usable_cores(),
                "turn": str(home.turn),
                "views": views,
                **asdict(limits),
            },
            idle_seconds=idle_seconds,
            low_priority=low_priority,
            environment={"PHOTOFIND_HOME": str(home.root), **ONE_BLAS_THREAD},
            log=log,
            start_seconds=start_seconds,
            most_bytes=1e6 * megabytes,
        )
        self._batches = PhotoBatches(
            self._worker, extractor, reach or Reach(), seconds=seconds, megabytes=megabytes
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker if there is one."""
        if (fleet := self._fleet()) is not None:
            fleet.break_off()
        self._worker.stop()

    @property
    def pid(self) -> int | None:
        """The worker's process id; None if none is running."""
        return self._worker.pid

    @property
    def silence(self) -> float:
        """Seconds since the worker last showed progress."""
        fleet = self._fleet()
        return self._batches.silence if fleet is None else fleet.silence

    def info(self) -> ExtractorInfo:
        """Load the extractor and return its properties.

        Raises
        ------
        ExtractorError
            If it is not installed or does not work.
        """
        self._info = ExtractorInfo.from_json(self._call("info").value)
        return self._info

    @property
    def has_fleet(self) -> bool:
        """Whether workers on other machines read photos now; they want to know what comes next."""
        return self._fleet() is not None

    def expect(
        self, paths: Sequence[str], known: Collection[str] = (), *, previews: bool = False
    ) -> None:
        """Take note of photos that are asked for next, in this order, in company.

        A fleet begins to read them; a single worker reads what it is asked for.
        """
        fleet = self._fleet()
        if fleet is None or self._info is None:
            return
        if previews:
            fleet.expect(self._info, "extract_previews", paths)
        else:
            fleet.expect(self._info, "extract", paths, known=[*known], in_company=True)

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
        return self._read("extract", paths, known=[*known], in_company=in_company)

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
        extracted = self._read("extract_previews", paths)
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
        return self._batches.read("extract_feature_maps", paths)

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
        (extracted,) = self._batches.read("extract_views", [path], box=part, turned=turned)
        return extracted

    def _read(self, method: str, paths: Sequence[str], **arguments: Any) -> list[Extracted]:
        if self._info is None:
            return self._batches.read(method, paths, **arguments)
        return read_by(self._fleet, self._info, self._batches.read, method, paths, **arguments)

    def _call(self, method: str, *arrays: npt.NDArray[np.float32], **arguments: Any) -> Reply:
        return self._worker.call(method, *arrays, timeout=self._seconds, **arguments)


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # Not on macOS and Windows.
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
