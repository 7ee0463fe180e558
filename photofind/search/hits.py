"""Ranked photos become hits: what shows the same shot becomes one, best first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from photofind.images.formats import RAW_SUFFIXES
from photofind.library.embedded.catalog import Photo
from photofind.model import Hit

__all__ = ["Found", "merge_raw_pairs", "to_hits"]


@dataclass(frozen=True)
class Found:
    """A photo with its score."""

    photo: Photo
    score: float
    offline: bool


def merge_raw_pairs(groups: Iterable[list[Found]]) -> list[list[Found]]:
    """Merge groups that begin with the RAW and the developed file of one shot.

    They lie in one folder under one name and differ in their suffix alone. The merged group stands
    where the better of the two stood.
    """
    merged: list[list[Found]] = []
    shots: dict[PurePath, list[Found]] = {}
    for group in groups:
        path = PurePath(group[0].photo.path)
        known = shots.get(path.with_suffix(""))
        if known and _is_raw(known[0]) != _is_raw(group[0]):
            known += group
        else:
            shots[path.with_suffix("")] = group
            merged.append(group)
    return merged


def to_hits(groups: Iterable[list[Found]]) -> tuple[Hit, ...]:
    """Return a hit for each group: its first photo, with the others as its copies."""
    return tuple(
        Hit(
            rank=rank,
            path=first.photo.path,
            score=round(first.score, 4),
            captured=first.photo.captured,
            width=first.photo.width,
            height=first.photo.height,
            offline=first.offline,
            copies=tuple(found.photo.path for found in rest),
            id=first.photo.id,
            size=first.photo.size,
            modified=first.photo.modified,
            preliminary=first.photo.preliminary,
            copy_ids=tuple(found.photo.id for found in rest),
        )
        for rank, (first, *rest) in enumerate(groups, 1)
    )


def _is_raw(found: Found) -> bool:
    return PurePath(found.photo.path).suffix.lower() in RAW_SUFFIXES
