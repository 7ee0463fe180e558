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

import numpy as np

from photofind.errors import NotAnsweringError, WorkerError
from photofind.images.landmarks import ROW, Rows
from photofind.images.limits import SPARE_BYTES, Limits
from photofind.images.look import Look
from photofind.model.records import Photo
from photofind.search.landmarks import Landmarks
from photofind.search.looks import Looks
from photofind.search.verdicts import Verdict, Verdicts
from photofind.system.reach import Reach, read_through
from photofind.workers import ONE_BLAS_THREAD, Reply, Worker, isolate

__all__ = ["Candidate", "Verification", "are_takes", "verdict_of"]

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
_SECONDS = len("2024-05-01T10:00:00")

_logger = logging.getLogger(__name__)

Photos = tuple[Photo, ...]
Candidate = tuple[Photo, Photo, bool]
"""Two photos, the one that is shown first, and whether their fingerprints are near."""


class Verification:
    """Says of pairs of photos whether they show the same picture, by geometry.

    Parameters
    ----------
    cache
        The folder in which it is remembered what was found.
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
    verdicts, landmarks, looks
        What is remembered of pairs, and of pictures.
    """

    def __init__(
        self,
        cache: Path,
        *,
        limits: Limits,
        seconds: float,
        idle_seconds: float,
        log: Path,
        turn: Path,
        reach: Reach,
    ) -> None:
        self.verdicts = Verdicts(cache / "verdicts.sqlite")
        self.landmarks = Landmarks(cache / "landmarks.sqlite")
        self.looks = Looks(cache / "looks.sqlite")
        self._seconds = seconds
        self._reach = reach
        self._worker = Worker(
            "photofind.images.alignment:AlignmentService",
            name="comparison",
            low_priority=False,
            options={**asdict(limits), "turn": str(turn)},
            environment=ONE_BLAS_THREAD,
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
        self, candidates: Sequence[Candidate], *, until: float | None = None
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
            if until is not None and time.monotonic() > until:
                break
            some = rest[start : start + _BATCH]
            new = dict(self._compare([pairs[pair] for pair in some]))
            self.verdicts.add(new)
            found |= new
        return found

    def describe(self, photos: Sequence[Photo]) -> None:
        """Find the landmarks of photos, and remember them; what cannot be read has none."""
        new: dict[str, Rows] = {photo.content: np.zeros((0, ROW), np.uint8) for photo in photos}
        for batch, reply in self._run("landmarks", "pictures", [(photo,) for photo in photos]):
            at = 0
            for (photo,), count in zip(batch, reply.value, strict=True):
                new[photo.content] = reply.arrays[0][at : at + (count or 0)]
                at += count or 0
        self.landmarks.add(new)

    def look_at(self, photos: Sequence[Photo]) -> None:
        """Find out how photos look, and remember it."""
        new: dict[str, Look | None] = dict.fromkeys(photo.content for photo in photos)
        for batch, reply in self._run("looks", "pictures", [(photo,) for photo in photos]):
            for (photo,), known, look in zip(batch, reply.value, reply.arrays[0], strict=True):
                new[photo.content] = look if known else None
        self.looks.add(new)

    def _compare(self, some: Sequence[Candidate]) -> Iterator[tuple[tuple[str, str], Verdict]]:
        near = {(one.content, other.content): near for one, other, near in some}
        for batch, reply in self._run("align", "pairs", [candidate[:2] for candidate in some]):
            for (one, other), alignment in zip(batch, reply.value, strict=True):
                if alignment is not None:
                    pair = one.content, other.content
                    # Where two takes differ something has moved, and nothing covers it.
                    may_be_covered = near[pair] and not are_takes(one, other)
                    yield pair, verdict_of(alignment, near=may_be_covered)

    def _run(
        self, method: str, name: str, items: Sequence[Photos]
    ) -> Iterator[tuple[list[Photos], Reply]]:
        """Have the worker look at photos; what it cannot look at is left out."""

        def run(batch: list[Photos], note: Callable[[Any], None]) -> Reply:
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
                    for photo in batch[position]:
                        with suppress(OSError):
                            self._reach.read(photo.path, partial(read_through, photo.path))

            files = [[[photo.path, photo.content] for photo in photos] for photos in batch]
            return self._worker.call(
                method, timeout=self._seconds, note=take, suspect=suspect, **{name: files}
            )

        try:
            for batch, outcome in isolate([one for one in items if self._answers(one)], run):
                if isinstance(outcome, WorkerError):
                    paths = ", ".join(photo.path for photo in batch[0])
                    _logger.warning("%s: %s", paths, outcome)
                    continue
                yield batch, outcome
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
    elif alignment.get("retouched"):
        done.append("retouched")
    if abs(alignment["scale"] - 1) > _SAME_SCALE:
        done.append("rescaled")
    return tuple(done)


def are_takes(one: Photo, other: Photo) -> bool:
    """Return whether two photos say of themselves that they were taken at different seconds."""
    if one.captured is None or other.captured is None:
        return False
    first, second = one.captured[:_SECONDS], other.captured[:_SECONDS]
    return len(first) == len(second) == _SECONDS and first != second
