"""Pairs of photos that may show the same picture are compared on their pixels, in a worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from photofind.errors import NotAnsweringError, WorkerError
from photofind.images.limits import SPARE_BYTES, Limits
from photofind.model.records import Photo
from photofind.search.verdicts import Verdict, Verdicts
from photofind.system.reach import Reach, read_through
from photofind.workers import Reply, Worker, isolate

__all__ = ["Verification", "verdict_of"]

SECONDS = 120.0
"""Longest time that is spent on new pairs at a time; the others are compared the next time."""

# So many pairs are handed to the worker at a time.
_BATCH = 64
# The share of alike cells from which pictures are the same, and where something covers a part.
# Two frames of a series, in which a horse moved its head, have 0.89; crops and turns 0.95 or more.
_SHARE, _COVERED_SHARE = 0.9, 0.7
# The share of a picture that another one covers without a part being cut off.
_WHOLE = 0.96
_UPRIGHT = 2.0
# By how much of its size a picture may seem to be scaled that is not.
_SAME_SCALE = 0.03
# What is covered in part has the same edges: 0.984 and 0.15 degrees at a quarter of the size.
# Frames of a series are off by a little: 0.961 and 0.38 degrees.
_SAME_EDGES, _SAME_ANGLE = 0.975, 0.25

_logger = logging.getLogger(__name__)

Candidate = tuple[Photo, Photo, bool]
"""Two photos, the one that is shown first, and whether their fingerprints are near."""


class Verification:
    """Says of pairs of photos whether they show the same picture, by geometry.

    Parameters
    ----------
    path
        Where verdicts are remembered.
    limits
        The largest photo that is read.
    seconds
        A pair that takes longer is given up.
    idle_seconds
        The worker ends after so long without work.
    log
        Where the worker's messages are appended.
    turn
        The file by which processes take turns at very large photos.
    reach
        Knows which folders do not answer: a photo in one is not waited for.

    Attributes
    ----------
    uncompared
        How many pairs the latest look for duplicates had no time for; it sets that.
    """

    def __init__(
        self,
        path: Path,
        *,
        limits: Limits,
        seconds: float,
        idle_seconds: float,
        log: Path,
        turn: Path,
        reach: Reach,
    ) -> None:
        self.verdicts = Verdicts(path)
        self.uncompared = 0
        self._seconds = seconds
        self._reach = reach
        self._worker = Worker(
            "photofind.images.alignment:AlignmentService",
            name="comparison",
            low_priority=False,
            options={**asdict(limits), "turn": str(turn)},
            idle_seconds=idle_seconds,
            log=log,
            most_bytes=(limits.memory + SPARE_BYTES) / 2,
        )

    def close(self) -> None:
        """End the worker."""
        self._worker.stop()

    @property
    def pid(self) -> int | None:
        """The process id of the worker; None where none runs."""
        return self._worker.pid

    def compare(
        self, candidates: Sequence[Candidate], *, until: float
    ) -> dict[tuple[str, str], Verdict]:
        """Return what is found of pairs of photos, by their contents.

        What is not known yet is compared, from the first on, until a time of the monotonic clock.
        Photos that cannot be read are left out.
        """
        pairs = {
            (one.content, other.content): (one, other, near) for one, other, near in candidates
        }
        found = self.verdicts.of(pairs)
        rest = [pair for pair in pairs if pair not in found]
        for start in range(0, len(rest), _BATCH):
            some = rest[start : start + _BATCH]
            if time.monotonic() > until:
                _logger.info("%d pairs of photos are left to compare", len(rest) - start)
                break
            new = dict(self._compare([pairs[pair] for pair in some]))
            self.verdicts.add(new)
            found |= new
        return found

    def _compare(self, some: Sequence[Candidate]) -> Iterator[tuple[tuple[str, str], Verdict]]:
        reachable = [candidate for candidate in some if self._answers(candidate[:2])]

        def run(batch: list[Candidate], note: Callable[[Any], None]) -> Reply:
            reading: set[int] = set()

            def take(value: Any) -> None:
                match value:
                    case {"started": int(position)}:
                        reading.add(position)
                    case {"finished": int(position)}:
                        reading.discard(position)
                note(value)

            def suspect() -> None:
                for position in sorted(reading):
                    for photo in batch[position][:2]:
                        with suppress(OSError):
                            self._reach.read(photo.path, partial(read_through, photo.path))

            pairs = [[[photo.path, photo.content] for photo in one[:2]] for one in batch]
            return self._worker.call(
                "align", timeout=self._seconds, note=take, suspect=suspect, pairs=pairs
            )

        try:
            for batch, outcome in isolate(reachable, run):
                if isinstance(outcome, WorkerError):
                    one, other, _ = batch[0]
                    _logger.warning("%s, %s: %s", one.path, other.path, outcome)
                    continue
                for (one, other, near), alignment in zip(batch, outcome.value, strict=True):
                    if alignment is not None:
                        yield (one.content, other.content), verdict_of(alignment, near=near)
        except NotAnsweringError as error:
            _logger.warning("%s", error)

    def _answers(self, photos: Iterable[Photo]) -> bool:
        try:
            for photo in photos:
                self._reach.check(photo.path)
        except NotAnsweringError:
            return False
        return True


def verdict_of(alignment: dict[str, Any], *, near: bool) -> Verdict:
    """Return what was done to the second of two pictures; None where they are not the same."""
    share, angle = alignment["share"], abs(alignment["angle"])
    tilt = min(angle, abs(angle - 90), abs(angle - 180))
    has_same_edges = (
        min(alignment["first"], alignment["second"]) >= _SAME_EDGES and tilt <= _SAME_ANGLE
    )
    if share < (_COVERED_SHARE if near and has_same_edges else _SHARE):
        return None
    done = ["mirrored"] if alignment["mirrored"] else []
    if angle > _UPRIGHT:
        done.append("rotated")
    if alignment["first"] < (_WHOLE if tilt < _UPRIGHT else 0.8):
        done.append("cropped")
    if alignment["second"] < (_WHOLE if tilt < _UPRIGHT else 0.6):
        done.append("bordered")
    if share < _SHARE:
        done.append("covered")
    if abs(alignment["scale"] - 1) > _SAME_SCALE:
        done.append("rescaled")
    return tuple(done)
