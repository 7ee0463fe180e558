"""What two photos have in common beside what they show: content, tags, time, place, camera."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import asin, cos, radians, sin, sqrt
from typing import Literal

import numpy as np

from photofind.library.store import Store
from photofind.model.hierarchy import folded
from photofind.model.records import Photo, pair_of
from photofind.model.words import Word, narrowest, words_of
from photofind.ranking.fingerprints import Fingerprints
from photofind.search.verdicts import Verdicts

__all__ = ["Facts", "facts"]

_EARTH_METRES = 6_371_000.0
_DAY = len("2021-05-03")

Same = Literal["identical content", "same picture"]


@dataclass(frozen=True)
class Facts:
    """What two photos have in common; the fields are those of an ``Explanation``."""

    same: Same | None
    tags: tuple[str, ...]
    seconds_apart: float | None
    metres_apart: float | None
    camera: str | None


def facts(store: Store, query: Photo, hit: Photo, verdicts: Verdicts | None) -> Facts:
    """Return what two photos have in common.

    Parameters
    ----------
    query, hit
        The photos; the first need not be in the library.
    verdicts
        What comparing pixels found before.
    """
    return Facts(
        _same(store, query, hit, verdicts),
        _shared_words(query, hit),
        _seconds_apart(query.captured, hit.captured),
        _metres_apart(query, hit),
        query.camera if query.camera and query.camera == hit.camera else None,
    )


def _same(store: Store, query: Photo, hit: Photo, verdicts: Verdicts | None) -> Same | None:
    if query.content and query.content == hit.content:
        return "identical content"
    if pair_of(query.content, hit.content) in store.told_apart():
        return None
    prints = Fingerprints([query.fingerprint, hit.fingerprint])
    if prints.near(np.array([0]), np.array([1])).any():
        return "same picture"
    if verdicts is not None and verdicts.among([query.content, hit.content]):
        return "same picture"
    return None


def _shared_words(query: Photo, hit: Photo) -> tuple[str, ...]:
    """Return the tags and keywords of both, the surest first, as the first one spells them.

    Of words that lie above one another those are named that say the most, and that people use.
    """
    others: dict[str, float] = {}
    for word in words_of(hit):
        if word.is_sure:
            known = folded(word.name)
            others[known] = max(word.confidence, others.get(known, 0.0))
    shared: dict[str, Word] = {}
    for word in words_of(query):
        known = folded(word.name)
        is_used = word.is_sure and (word.meaning is None or word.meaning.is_everyday)
        if is_used and known in others and known not in shared:
            confidence = min(word.confidence, others[known])
            shared[known] = word._replace(confidence=confidence)
    common = narrowest([*shared.values()])
    return tuple(word.name for word in sorted(common, key=lambda word: -word.confidence))


def _seconds_apart(one: str | None, other: str | None) -> float | None:
    """Return how long lies between two times; whole days where one says the day alone."""
    if one is None or other is None:
        return None
    exact = "T" in one and "T" in other
    try:
        times = [datetime.fromisoformat(text if exact else text[:_DAY]) for text in (one, other)]
    except ValueError:  # It says a month or a year alone.
        return None
    # What says no zone is compared as if it were of one.
    first, second = (time.replace(tzinfo=None) for time in times)
    return abs((first - second).total_seconds())


def _metres_apart(one: Photo, other: Photo) -> float | None:
    """Return the distance between the places of two photos, by the haversine formula."""
    places = (one.latitude, one.longitude, other.latitude, other.longitude)
    if any(place is None for place in places):
        return None
    north, east, other_north, other_east = (radians(place) for place in places if place is not None)
    half = (
        sin((other_north - north) / 2) ** 2
        + cos(north) * cos(other_north) * sin((other_east - east) / 2) ** 2
    )
    return 2 * _EARTH_METRES * asin(min(sqrt(half), 1))
