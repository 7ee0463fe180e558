"""Ranked contents become hits: what shows the same shot becomes one, best first."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from photofind.errors import NotAnsweringError
from photofind.images.formats import RAW_SUFFIXES
from photofind.library.store import Store
from photofind.model import Hit, Query
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import Pair, Photo
from photofind.paths import is_below
from photofind.ranking.duplicates import Places, Same, collapse
from photofind.ranking.fingerprints import Fingerprints
from photofind.search.comparison import Ranked
from photofind.search.told_apart import are_apart, split
from photofind.search.verdicts import Verdicts
from photofind.system.reach import Reach

__all__ = ["Found", "files_of", "find_photos", "merge_raw_pairs", "to_hits"]


@dataclass(frozen=True)
class Found:
    """A photo with its score."""

    photo: Photo
    score: float
    offline: bool


def find_photos(
    store: Store,
    query: Query,
    spaces: Collection[str],
    ranked: Ranked,
    where: Filter,
    limit: int,
    asked_files: Collection[tuple[int, int]],
    verdicts: Verdicts | None = None,
) -> Iterator[list[Found]]:
    """Yield the photos of ranked contents in groups that are shown as one, best first.

    The photos of the query themselves are left out.

    Parameters
    ----------
    spaces
        The ids of the spaces that ranked them.
    limit
        How many groups are wanted.
    asked_files
        The files of the query's photos, as :func:`files_of` returns them.
    verdicts
        What comparing pixels found before.
    """
    assert query.min_score is not None
    count = int((ranked.scores >= query.min_score).sum())
    if query.every:
        groups = [[place] for place in range(count)]
    else:
        contents = ranked.contents[:count]
        known = store.fingerprints(contents)
        prints = Fingerprints([known.get(content) for content in contents])
        near = prints.near if verdicts is None else _near(contents, prints, verdicts)
        groups = collapse(count, limit, near)
        if apart := store.told_apart():
            parts = [split(group, ranked.contents.__getitem__, apart) for group in groups]
            groups = sorted(chain.from_iterable(parts))
    offline = [folder.path for folder in store.folders() if folder.state == "offline"]
    asked, among = {*query.like, *query.unlike}, {*spaces}
    is_limited = where != EVERYTHING
    scores = ranked.scores[:count].tolist()
    for start in range(0, len(groups), limit):  # The first of them are mostly enough.
        batch = groups[start : start + limit]
        photos = store.by_content(ranked.contents[place] for group in batch for place in group)
        for group in batch:
            found = [
                Found(
                    photo,
                    scores[place],
                    photo.away is not None
                    or any(is_below(photo.path, folder) for folder in offline),
                )
                for place in group
                for photo in photos.get(ranked.contents[place], ())
                if not among.isdisjoint(photo.spaces)
                and photo.id not in asked
                and (photo.path not in asked or photo.away is not None)
                and (photo.inode, photo.size) not in asked_files
                and (not is_limited or where.passes(photo))
            ]
            if query.every:
                yield from ([photo] for photo in found)
            elif found:
                yield found


def merge_raw_pairs(
    groups: Iterable[list[Found]], apart: Collection[Pair] = ()
) -> list[list[Found]]:
    """Merge groups that begin with the RAW and the developed file of one shot.

    They lie in one folder under one name, differ in their suffix alone, and are not told apart. The
    merged group stands where the better of the two stood.
    """
    merged: list[list[Found]] = []
    shots: dict[str, list[Found]] = {}
    for group in groups:
        shot, _ = os.path.splitext(group[0].photo.path)  # noqa: PTH122 (it is asked of each hit)
        known = shots.get(shot)
        if (
            known
            and _is_raw(known[0]) != _is_raw(group[0])
            and not are_apart(apart, known[0].photo.content, group[0].photo.content)
        ):
            known += group
        else:
            shots[shot] = group
            merged.append(group)
    return merged


def to_hits(
    groups: Iterable[list[Found]], fits: Mapping[str, float] | None = None
) -> tuple[Hit, ...]:
    """Return a hit for each group: its first photo, with the others as its copies.

    Parameters
    ----------
    fits
        How well contents fit the words of the query, if it has any.
    """
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
            words=None if fits is None else round(fits.get(first.photo.content, 0.0), 4),
        )
        for rank, (first, *rest) in enumerate(groups, 1)
    )


def _near(contents: Sequence[str], prints: Fingerprints, verdicts: Verdicts) -> Same:
    """Return what tells which of ranked contents show the same picture."""
    places = {content: place for place, content in enumerate(contents)}
    found = verdicts.among(contents)
    matched = {(places[one], places[other]) for one, other in found}

    def near(lefts: Places, rights: Places) -> npt.NDArray[np.bool_]:
        alike = prints.near(lefts, rights)
        for one, other in matched:
            alike |= (lefts[:, None] == one) & (rights == other)
            alike |= (lefts[:, None] == other) & (rights == one)
        return alike

    return near


def _is_raw(found: Found) -> bool:
    return os.path.splitext(found.photo.path)[1].lower() in RAW_SUFFIXES  # noqa: PTH122


def files_of(paths: Iterable[str], reach: Reach) -> set[tuple[int, int]]:
    """Return inode and size of files: a path may lead to a photo by another name."""
    found = set()
    for path in paths:
        with suppress(OSError, NotAnsweringError):
            status = reach.call(path, os.stat, path)
            found.add((status.st_ino, status.st_size))
    return found
