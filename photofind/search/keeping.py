"""Which photos of a group of duplicates to keep, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from os.path import dirname
from pathlib import PurePath
from typing import Any

from photofind.images.formats import RAW_SUFFIXES
from photofind.images.notes import is_damaged
from photofind.model import DuplicateGroup, Proposal, Spread
from photofind.model.parameters import KEPT
from photofind.model.records import Photo
from photofind.paths import is_below

__all__ = ["among", "propose"]

Quality = Callable[[Photo], int | None]

# What copies, exports and messengers add to the name of a photo.
_DERIVED = re.compile(
    r"\((\d+|copy)\)|\bcopy\b|\bcopies\b|[-_ ](copy|edit|edited|export|exported|small|resized|"
    r"scaled|thumb|thumbnail|preview|web|compressed|cropped|duplicate)(?![a-z])|-wa\d{4}|again$",
    re.IGNORECASE,
)
_LOSSLESS = frozenset({"PNG", "TIFF", "BMP"})


def propose(
    photos: Sequence[Photo],
    rule: str,
    *,
    quality: Quality,
    unreachable: Collection[int] = (),
    across: bool = False,
    takes: bool = False,
) -> Proposal:
    """Propose which photos of a group to keep.

    A RAW file and the best developed file are both kept, and where what is kept is damaged, the
    best undamaged one too. What is out of reach, failed, or known by
    its thumbnail only is never what is kept for others, nor what goes.

    Parameters
    ----------
    photos
        The group, the one that is shown first.
    rule
        One of :data:`~photofind.model.parameters.KEPT`, or the absolute path of a folder, whose
        photos are all kept.
    quality
        Returns the JPEG quality of a photo, None if it has none; asked where nothing else decides.
    unreachable
        The numbers of photos that are out of reach.
    across
        Whether only photos in other folders than the one that is kept may go.
    takes
        Whether they are takes of a scene. The largest file has the most detail then, so it is the
        sharpest; the quality that they were saved in says nothing: many cameras save what is
        blurred in a higher one.
    """
    ready = [
        photo
        for photo in photos
        if photo.id not in unreachable
        and photo.away is None
        and photo.failure is None
        and not photo.preliminary
    ]
    if len(ready) < 2:
        return _all_stay(photos, "fewer than two of them are in reach")
    if rule in KEPT:
        developed = [photo for photo in ready if not _is_raw(photo)]
        first, reason = _choose(developed or ready, rule, quality, takes=takes)
        kept = [first]
    else:
        kept = [photo for photo in ready if is_below(photo.path, rule)]
        if not kept:
            return _all_stay(photos, "none of them is in the folder to keep")
        reason = "in the folder to keep"
    if across:
        beside = {dirname(photo.path) for photo in kept}  # noqa: PTH120
        kept += [p for p in ready if p not in kept and dirname(p.path) in beside]  # noqa: PTH120
    if undamaged := _undamaged_to_keep(ready, kept, quality, takes=takes):
        kept += undamaged
        reason += "; it is damaged, so the best undamaged one is kept too"
    raws = _raws_to_keep(ready, kept)
    if raws:
        kept += raws
        reason += "; RAW files are kept beside it"
    staying = {photo.id for photo in kept}
    gone = tuple(photo.id for photo in ready if photo.id not in staying)
    return Proposal(tuple(photo.id for photo in kept), gone, reason)


def among(
    groups: Iterable[DuplicateGroup], folder: str | None, spread: Spread
) -> list[DuplicateGroup]:
    """Return the groups of photos that lie in a folder, across folders, or within one.

    A group whose photos lie in several folders is one for each of these within folders.
    """
    found: list[DuplicateGroup] = []
    for group in groups:
        places = [
            place
            for place, path in enumerate(group.paths)
            if folder is None or is_below(path, folder)
        ]
        lying: dict[str, list[int]] = {}
        for place in places:
            lying.setdefault(dirname(group.paths[place]), []).append(place)  # noqa: PTH120
        if spread == "within":
            parts = [*lying.values()]
        elif spread == "across" and len(lying) < 2:
            parts = []
        else:
            parts = [places]
        found += [_part(group, part) for part in parts if len(part) > 1]
    return sorted(found, key=lambda group: (-len(group.paths), group.paths))


def _choose(
    photos: Sequence[Photo], rule: str, quality: Quality, *, takes: bool
) -> tuple[Photo, str]:
    """Return the photo to keep, and what speaks for it."""
    left, reasons = list(photos), []
    for worth, say in _criteria(rule, photos, quality, takes=takes):
        worths = [worth(photo) for photo in left]
        best = max(worths)
        if min(worths) != best:
            left = [photo for photo, own in zip(left, worths, strict=True) if own == best]
            reasons.append(say(left[0]))
        if len(left) == 1:
            break
    chosen = min(left, key=lambda photo: (len(photo.path), photo.path))
    return chosen, "; ".join(reasons) or "they are the same in all that counts"


def _criteria(
    rule: str, photos: Sequence[Photo], quality: Quality, *, takes: bool
) -> Sequence[tuple[Callable[[Photo], Any], Callable[[Photo], str]]]:
    """Return how to tell what a photo is worth, and what to say, the most important first."""
    identical = len({photo.content for photo in photos}) == 1
    known: dict[str, int] = {}

    def saved(photo: Photo) -> int:
        if identical:
            return 0
        if photo.format.upper() in _LOSSLESS:
            return 101
        if photo.content not in known:
            known[photo.content] = quality(photo) or 0
        return known[photo.content]

    def say_quality(photo: Photo) -> str:
        return "saved without loss" if saved(photo) > 100 else f"JPEG quality {saved(photo)}"

    pixels = (
        _pixels,
        lambda photo: f"most pixels ({photo.width} \N{MULTIPLICATION SIGN} {photo.height})",
    )
    camera = (lambda photo: photo.camera is not None, lambda photo: f"original of {photo.camera}")
    name = (
        lambda photo: not _DERIVED.search(PurePath(photo.path).stem),
        lambda photo: "not named like a copy or an export",
    )
    loss = (saved, say_quality)
    size = (lambda photo: photo.size, lambda photo: "largest file: the most detail")
    sharp = (lambda photo: photo.size, lambda photo: "largest file: likely the sharpest")
    first = (lambda photo: _earlier(_when(photo)), lambda photo: f"oldest ({_day(photo)})")
    last = (_when, lambda photo: f"newest ({_day(photo)})")
    return {
        "best": [pixels, camera, name, *([sharp] if takes else [loss, size]), first],
        "largest": [pixels, size, name],
        "oldest": [first, name],
        "newest": [last, name],
    }[rule]


def _pixels(photo: Photo) -> int:
    return photo.width * photo.height


def _when(photo: Photo) -> tuple[str, int]:
    return photo.captured or photo.moment, photo.modified


def _earlier(when: tuple[str, int]) -> tuple[tuple[int, ...], int]:
    """Return what is the greater the earlier it is; a moment is compared by its characters."""
    text, modified = when
    return tuple(-ord(character) for character in text[:19].ljust(19, "\x7f")), -modified


def _day(photo: Photo) -> str:
    return photo.moment[:10]


def _undamaged_to_keep(
    ready: Sequence[Photo], kept: Sequence[Photo], quality: Quality, *, takes: bool
) -> list[Photo]:
    """Return the best undamaged photo where all that are kept are damaged, and there is one."""
    whole = [photo for photo in ready if not (is_damaged(photo.note) or _is_raw(photo))]
    if not whole or any(photo in whole for photo in kept):
        return []
    return [_choose(whole, "best", quality, takes=takes)[0]]


def _raws_to_keep(ready: Sequence[Photo], kept: Sequence[Photo]) -> list[Photo]:
    """Return a RAW file of each content that is not kept yet."""
    contents = {photo.content for photo in kept}
    raws: dict[str, Photo] = {}
    for photo in ready:
        if _is_raw(photo) and photo.content not in contents:
            raws.setdefault(photo.content, photo)
    return [*raws.values()]


def _is_raw(photo: Photo) -> bool:
    return PurePath(photo.path).suffix.lower() in RAW_SUFFIXES


def _all_stay(photos: Sequence[Photo], reason: str) -> Proposal:
    return Proposal(tuple(photo.id for photo in photos), (), reason)


def _part(group: DuplicateGroup, places: Sequence[int]) -> DuplicateGroup:
    if len(places) == len(group.paths):
        return group
    # What was done to photos is told beside the first of the whole group.
    differences = group.differences if places[0] == 0 else ()
    return replace(
        group,
        paths=tuple(group.paths[place] for place in places),
        ids=tuple(group.ids[place] for place in places),
        differences=tuple(differences[place] for place in places) if differences else (),
    )
