"""What was done to a photo that shows the same picture as another one, in words."""

from __future__ import annotations

from collections.abc import Iterable

from photofind.model.records import Photo

__all__ = ["Differences", "differences", "known_fingerprint", "saved_otherwise"]

Differences = tuple[str, ...]

# How much two proportions may differ by rounding alone.
_SAME_SHAPE = 0.02

_TURNS = (
    (),
    ("rotated",),
    ("rotated",),
    ("rotated",),
    ("mirrored",),
    ("mirrored", "rotated"),
    ("mirrored",),
    ("mirrored", "rotated"),
)
# The ways to turn a picture that swap its sides.
_ON_ITS_SIDE = {1, 3, 5, 7}


def known_fingerprint(photos: Iterable[Photo]) -> str | None:
    """Return the fingerprint that photos of one content share; None where none is known yet."""
    return next((photo.fingerprint for photo in photos if photo.fingerprint is not None), None)


def differences(first: Photo, other: Photo, turn: int, *, retouched: bool = False) -> Differences:
    """Return what was done to a photo, compared with the first one of its group.

    Parameters
    ----------
    turn
        How it is turned, of the eight ways of
        :meth:`~photofind.ranking.fingerprints.Fingerprints.turned`.
    retouched
        Whether it looks different: other colours, or sharper.
    """
    done = list(_TURNS[turn])
    width, height = other.width, other.height
    if turn in _ON_ITS_SIDE:
        width, height = height, width
    if width and height and first.width and first.height:
        if abs(width * first.height / (height * first.width) - 1) > _SAME_SHAPE:
            done.append("cropped")
        elif (width, height) != (first.width, first.height):
            done.append("rescaled")
    if retouched:
        done.append("retouched")
    done += saved_otherwise(first, other)
    return tuple(done) or ("re-encoded",)


def saved_otherwise(first: Photo, other: Photo) -> Differences:
    """Return the format of a photo, where it is another one."""
    return () if other.format == first.format else (f"saved as {other.format}",)
