"""Whether two pictures are the same by geometry: local features, and the aligned pixels compared.

For edits that a fingerprint does not survive: crops, borders, turns by any angle. Runs in a worker:
OpenCV stays out of every other process.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import cached_property
from math import atan2, degrees
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from photofind.errors import ImageError
from photofind.images.cost import Cost
from photofind.images.decode import decode
from photofind.images.landmarks import ROW, landmarks_of
from photofind.images.limits import Limits
from photofind.images.look import LOOK, Look, is_retouched, look_of
from photofind.images.reading import read_bytes
from photofind.images.turns import Turns
from photofind.system.effort import Effort, Efforts

__all__ = ["Alignment", "AlignmentService", "Features", "align"]

SIDE = 384
"""The longer side of what is compared, in pixels."""

_POINTS = 500
_RATIO = 0.8
_PIXELS = 3.0
_INLIERS = 8
_LARGEST_SCALE = 6.0
# The aligned pixels are judged by cells, for something may cover a part of the picture.
_CELL = 24
_TEXTURE = 6.0
_ALIKE = 0.75
_FEWEST_CELLS = 4
# The share of a picture from which another one shows the whole of it.
_WHOLE = 0.96
# So many pixels at the edges of the overlap are not compared, and a cell counts of which so much
# lies in it without these.
_EDGE, _VISIBLE = 3, 0.75

_KEPT = 1024
"""Pictures that a worker remembers, about 150 kB each."""

# Where each number of a mirrored SIFT descriptor (4 x 4 places, 8 directions) comes from.
_MIRRORED = np.arange(128).reshape(4, 4, 8)[::-1, :, [0, 7, 6, 5, 4, 3, 2, 1]].ravel()

Grey = npt.NDArray[np.uint8]
Array = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Features:
    """A picture to be compared.

    Parameters
    ----------
    grey
        uint8 (h, w), of which the longer side has ``SIDE`` pixels.
    reduction
        How many pixels of the photo, in each direction, became one.
    look
        Its colours and sharpness; None where they are not asked for.
    """

    grey: Grey
    reduction: float = 1.0
    look: Look | None = None

    @cached_property
    def found(self) -> tuple[Array, Grey]:
        """Its points and their descriptors, (n, 128), the strongest first.

        Each point has a place in pixels, an angle in degrees, and a size: float32 (n, 4).
        """
        # mypy does not find it in the stubs of OpenCV.
        detector: Any = cv2.SIFT_create(_POINTS)  # type: ignore[attr-defined]
        points, descriptors = detector.detectAndCompute(self.grey, None)
        if descriptors is None:
            return np.zeros((0, 4), np.float32), np.zeros((0, 128), np.uint8)
        order = np.argsort([-point.response for point in points], kind="stable")
        places = [(*point.pt, point.angle, point.size) for point in points]
        # Numbers of a descriptor are whole ones, 0 to 255.
        return np.array(places, np.float32)[order], descriptors[order].astype(np.uint8)

    def mirrored(self) -> Features:
        """Return the features of the mirrored picture, found without looking again."""
        points, descriptors = self.found
        other = Features(np.ascontiguousarray(self.grey[:, ::-1]), self.reduction)
        across = np.array([self.grey.shape[1] - 1, 0, 180, 0], np.float32)
        found = (across + points * np.array([-1, 1, -1, 1], np.float32), descriptors[:, _MIRRORED])
        other.__dict__["found"] = found
        return other


@dataclass(frozen=True)
class Alignment:
    """How one picture lies on another.

    Parameters
    ----------
    share
        Of the cells with texture in the overlap, those that are alike in both; 0 where they do not
        lie on each other at all.
    mirrored, angle
        Whether the first is mirrored for that, and turned by how many degrees.
    first, second
        The share of each that the other one covers.
    scale
        How many pixels of the second photo, in each direction, show what one of the first shows.
    """

    share: float = 0.0
    mirrored: bool = False
    angle: float = 0.0
    first: float = 0.0
    second: float = 0.0
    scale: float = 1.0


def align(one: Features, other: Features) -> Alignment:
    """Lay one picture on another, mirrored where that fits better."""
    plain = _align(one, other, mirrored=False)
    if plain.share >= _ALIKE:
        return plain
    return max(plain, _align(one.mirrored(), other, mirrored=True), key=lambda found: found.share)


def _align(one: Features, other: Features, *, mirrored: bool) -> Alignment:
    matrix = _similarity(one, other)
    if matrix is None:
        return Alignment()
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if not 1 / _LARGEST_SCALE < scale < _LARGEST_SCALE:
        return Alignment()
    angle = degrees(atan2(matrix[1, 0], matrix[0, 0]))
    if scale < 1:
        share, covered = _compare(one.grey, other.grey, matrix)
        second, first = covered, covered * other.grey.size / (scale**2 * one.grey.size)
    else:  # The larger one is made smaller, for nothing is gained the other way.
        back = np.asarray(cv2.invertAffineTransform(matrix), np.float64)
        share, covered = _compare(other.grey, one.grey, back)
        first, second = covered, covered * one.grey.size * scale**2 / other.grey.size
    whole_scale = scale * other.reduction / one.reduction
    return Alignment(share, mirrored, angle, min(first, 1.0), min(second, 1.0), whole_scale)


def _similarity(one: Features, other: Features) -> npt.NDArray[np.float64] | None:
    """Return the rotation, scaling and shift, (2, 3), that most of the matched points agree on."""
    (points, descriptors), (others, other_descriptors) = one.found, other.found
    if min(len(points), len(others)) < _INLIERS:
        return None
    matches = cv2.BFMatcher(cv2.NORM_L2).knnMatch(
        descriptors.astype(np.float32), other_descriptors.astype(np.float32), k=2
    )
    good = [first for first, second in matches if first.distance < _RATIO * second.distance]
    if len(good) < _INLIERS:
        return None
    matrix, inliers = cv2.estimateAffinePartial2D(
        points[[match.queryIdx for match in good], :2],
        others[[match.trainIdx for match in good], :2],
        method=cv2.RANSAC,
        ransacReprojThreshold=_PIXELS,
    )
    if matrix is None or int(inliers.sum()) < _INLIERS:
        return None
    return np.asarray(matrix, np.float64)


def _compare(one: Grey, other: Grey, matrix: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the share of alike cells, and the share of the other picture that the one covers."""
    height, width = other.shape
    laid = cv2.warpAffine(one, matrix, (width, height), flags=cv2.INTER_LINEAR)
    covered = cv2.warpAffine(np.full(one.shape, 255, np.uint8), matrix, (width, height)) == 255
    # At the edges of a picture, what surrounds it shines into it.
    around = np.ones((2 * _EDGE + 1, 2 * _EDGE + 1), np.uint8)
    visible = _cells(
        cv2.erode(covered.astype(np.uint8), around, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    )
    inside = visible.mean(axis=1) > _VISIBLE
    lefts = _centred(_cells(cv2.GaussianBlur(laid, (0, 0), 1.0))[inside], visible[inside])
    rights = _centred(_cells(cv2.GaussianBlur(other, (0, 0), 1.0))[inside], visible[inside])
    left, right = lefts.std(axis=1), rights.std(axis=1)
    textured = np.maximum(left, right) > _TEXTURE
    if textured.sum() < _FEWEST_CELLS:
        return 0.0, float(covered.mean())
    correlations = (lefts * rights).mean(axis=1) / np.maximum(left * right, 1e-6)
    return float((correlations[textured] > _ALIKE).mean()), float(covered.mean())


def _cells(picture: npt.NDArray[Any]) -> Array:
    """Return the cells of a picture, (n, pixels of a cell); what is left at the edges is not."""
    rows, columns = picture.shape[0] // _CELL, picture.shape[1] // _CELL
    whole = picture[: rows * _CELL, : columns * _CELL].astype(np.float32)
    cells: Array = whole.reshape(rows, _CELL, columns, _CELL).transpose(0, 2, 1, 3)
    return cells.reshape(rows * columns, _CELL * _CELL)


def _centred(cells: Array, visible: Array) -> Array:
    """Return the cells less their means, and zero where they are not visible."""
    means = (cells * visible).sum(axis=1, keepdims=True) / visible.sum(axis=1, keepdims=True)
    centred: Array = (cells - means) * visible
    return centred


class AlignmentService:
    """Lays photos on each other, in a worker.

    Parameters
    ----------
    pixels, bytes, memory, seconds
        The :class:`~photofind.images.limits.Limits` of a photo.
    turn
        The file by which processes take turns at very large photos.
    """

    def __init__(self, pixels: int, bytes: int, memory: int, seconds: float, turn: str) -> None:  # noqa: A002
        cv2.setNumThreads(1)
        self._limits = Limits(pixels, bytes, memory, seconds)
        self._turns = Turns(memory, Path(turn))
        self._efforts = Efforts(seconds / 6)
        self._kept: OrderedDict[str, Features] = OrderedDict()

    def align(
        self, pairs: Sequence[Sequence[Sequence[str]]], note: Callable[[dict[str, Any]], None]
    ) -> list[dict[str, Any] | None]:
        """Lay the first photo of each pair on the second.

        Parameters
        ----------
        pairs
            The path and the content of each of two photos.
        note
            Called with ``{"started": i}`` and ``{"finished": i}``.

        Returns
        -------
        list
            The fields of an :class:`Alignment`, and whether the second was ``retouched``; None
            where a photo cannot be read.
        """
        found: list[dict[str, Any] | None] = []
        for position, (one, other) in enumerate(pairs):
            note({"started": position})
            try:
                with self._efforts.of(position, 2 * self._limits.seconds_for(0), note) as effort:
                    features = [
                        self._features(path, content, effort) for path, content in (one, other)
                    ]
                    alignment = align(*features)
                    found.append(
                        asdict(alignment) | {"retouched": _retouched(alignment, *features)}
                    )
            except (ImageError, MemoryError):
                found.append(None)
            note({"finished": position})
        return found

    def landmarks(
        self, pictures: Sequence[Sequence[Sequence[str]]], note: Callable[[dict[str, Any]], None]
    ) -> tuple[list[int | None], list[npt.NDArray[np.uint8]]]:
        """Find the landmarks of photos.

        Parameters
        ----------
        pictures
            The path and the content of each, in a list of its own.
        note
            Called with ``{"started": i}`` and ``{"finished": i}``.

        Returns
        -------
        list, list
            How many each has, None where it cannot be read; and all of them, uint8 (n, 20).
        """
        counts: list[int | None] = []
        found = [np.zeros((0, ROW), np.uint8)]
        for position, ((path, content),) in enumerate(pictures):
            note({"started": position})
            try:
                with self._efforts.of(position, 2 * self._limits.seconds_for(0), note) as effort:
                    rows = landmarks_of(*self._features(path, content, effort).found)
                    found.append(rows)
                    counts.append(len(rows))
            except (ImageError, MemoryError):
                counts.append(None)
            note({"finished": position})
        return counts, [np.concatenate(found)]

    def looks(
        self, pictures: Sequence[Sequence[Sequence[str]]], note: Callable[[dict[str, Any]], None]
    ) -> tuple[list[bool], list[Array]]:
        """Return of which photos it is known how they look, and their looks, float32 (n, LOOK).

        Parameters are those of :meth:`landmarks`.
        """
        looks = np.zeros((len(pictures), LOOK), np.float32)
        known = []
        for position, ((path, content),) in enumerate(pictures):
            note({"started": position})
            try:
                with self._efforts.of(position, 2 * self._limits.seconds_for(0), note) as effort:
                    look = self._features(path, content, effort).look
            except (ImageError, MemoryError):
                look = None
            known.append(look is not None)
            if look is not None:
                looks[position] = look
            note({"finished": position})
        return known, [looks]

    def _features(self, path: str, content: str, effort: Effort) -> Features:
        if content not in self._kept:
            data = read_bytes(path, self._limits)

            def take(cost: Cost) -> AbstractContextManager[None]:
                effort.seconds = 2 * self._limits.seconds_for(len(data), cost.pixels)
                return effort.in_turn(self._turns.take(cost))

            picture = decode(data, (SIDE, SIDE), self._limits, Path(path).name, take)
            grey = _proportioned(picture.pixels, picture.width, picture.height)
            longer = max(picture.width, picture.height)
            look = look_of(picture.pixels, longer)
            self._kept[content] = Features(grey, longer / max(grey.shape), look)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(content)
        return self._kept[content]


def _retouched(alignment: Alignment, one: Features, other: Features) -> bool:
    """Return whether one of two copies was retouched; a part looks different anyway."""
    if one.look is None or other.look is None or min(alignment.first, alignment.second) < _WHOLE:
        return False
    return is_retouched(one.look, other.look)


def _proportioned(pixels: npt.NDArray[np.uint8], width: int, height: int) -> Grey:
    """Return a squashed picture in grey, with its proportions of width and height again."""
    longer = max(width, height, 1)
    size = (max(_CELL, SIDE * width // longer), max(_CELL, SIDE * height // longer))
    return np.array(Image.fromarray(pixels).convert("L").resize(size, Image.Resampling.BOX))
