"""When an extractor is given up: too much memory too often, or no progress with any photo."""

from __future__ import annotations

import logging

from photofind.errors import ExtractorError, WorkerError, WorkerTimeoutError

__all__ = ["Patience"]

# An extractor is given up if its worker exceeds the memory limit this often in a row, each time
# after fewer photos than this.
_MOST_IN_A_ROW = 3
_FEW_PHOTOS = 500
# Or if it makes no progress with so many photos in a row, and has embedded none before.
_MOST_HUNG = 3

_logger = logging.getLogger(__name__)


class Patience:
    """Counts what goes wrong with an extractor, and gives it up once that is too much.

    Parameters
    ----------
    extractor
        Its name.
    megabytes
        The memory limit of its worker, which is restarted above it.
    seconds
        Time without progress after which a photo is given up.
    """

    def __init__(self, extractor: str, *, megabytes: float, seconds: float) -> None:
        self._subject = f"the extractor {extractor!r}"
        self._megabytes = megabytes
        self._seconds = seconds
        self._photos = 0  # Since the worker last exceeded its memory limit.
        self._memory_restarts = 0
        self._in_a_row = 0  # Memory restarts in a row after few photos.
        self._embeds = False  # Whether the extractor has pictures at the moment.
        self._works = False  # Whether it has embedded any.
        self._hung = 0  # Photos in a row that it made no progress with.

    def begins(self) -> None:
        """Note that photos are given to the worker, which has embedded none of them yet."""
        self._embeds = False

    def embeds(self, embeds: bool) -> None:
        """Note that the extractor has been given pictures, or has embedded them."""
        self._embeds = embeds
        self._works = self._works or not embeds

    def count(self, photos: int, memory_restarts: int) -> None:
        """Count photos that were read.

        Parameters
        ----------
        memory_restarts
            How often the worker has exceeded its memory limit in all.

        Raises
        ------
        ExtractorError
            If it does so too often.
        """
        self._photos += photos
        if memory_restarts == self._memory_restarts:
            return
        excess = f"used more than {self._megabytes:,.0f} MB of memory after {self._photos:,} photos"
        _logger.warning("%s %s and was restarted", self._subject, excess)
        self._memory_restarts = memory_restarts
        self._in_a_row = self._in_a_row + 1 if self._photos < _FEW_PHOTOS else 0
        self._photos = 0
        if self._in_a_row >= _MOST_IN_A_ROW:
            self._in_a_row = 0
            raise ExtractorError(
                f"{self._subject} cannot be used: it {excess}, {_MOST_IN_A_ROW} times in a row",
                "raise the limit with `photofind config set worker_megabytes`",
            )

    def count_failure(self, error: WorkerError) -> None:
        """Count a photo that was given up for what happened to the worker.

        Raises
        ------
        ExtractorError
            If the extractor makes no progress with any photo.
        """
        hung = self._embeds and isinstance(error, WorkerTimeoutError)
        self._hung = self._hung + 1 if hung and not self._works else 0
        if self._hung >= _MOST_HUNG:
            self._hung = 0
            raise ExtractorError(
                f"{self._subject} cannot be used: it showed no progress for {self._seconds:g} s "
                f"with each of {_MOST_HUNG} photos in a row"
            )
