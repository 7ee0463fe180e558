"""The search for pictures that are the same, which goes on where it was left."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from photofind.images.look import Look, is_retouched
from photofind.library.store import Store
from photofind.model import Progress
from photofind.model.filters import Filter
from photofind.model.records import Photo
from photofind.ranking.fingerprints import Fingerprints
from photofind.search.candidates import candidates
from photofind.search.differences import (
    Differences,
    differences,
    known_fingerprint,
    saved_otherwise,
)
from photofind.search.known_pairs import KnownPairs
from photofind.search.matches import Matches
from photofind.search.verification import Verification

__all__ = ["Matching", "largest_first"]

MOST_VOTED = 6
"""With so many others each picture is compared because they share landmarks."""

_AT_ONCE = 64

Pair = tuple[int, int]


class Matching:
    """Finds which pictures are the same, by their fingerprints at once and by geometry in steps.

    Parameters
    ----------
    store
        The library; what it holds now is looked at.
    space
        The id of the space that proposes which photos are compared by geometry.
    verification
        Compares photos by geometry; without it, fingerprints alone tell.
    known
        Keeps what fingerprints say.

    Attributes
    ----------
    pictures
        The photos of each content, and the contents, the largest first.
    matches
        Which of them are the same, as far as it is known.
    """

    def __init__(
        self,
        store: Store,
        space: str,
        verification: Verification | None = None,
        known: KnownPairs | None = None,
    ) -> None:
        self.pictures = _pictures(store)
        self._verification = verification
        self._contents = [photos[0].content for photos in self.pictures]
        self._places = {content: place for place, content in enumerate(self._contents)}
        self._prints = Fingerprints([known_fingerprint(photos) for photos in self.pictures])
        apart = _places_apart(store, self._places)
        self._apart = apart
        lefts, rights = (known or KnownPairs(None)).of(self._contents, self._prints)
        if apart:
            count = len(self.pictures)
            told = np.array([left * count + right for left, right in apart], np.int64)
            together = ~np.isin(lefts * count + rights, told)
            lefts, rights = lefts[together], rights[together]
        self.matches = Matches(len(self.pictures), lefts, rights)
        self._asked: set[Pair] = set(apart)
        self._pairs: deque[Pair] = deque()
        self._undescribed: deque[int] = deque()
        self._crowded: list[int] | None = None
        self.done = verification is None
        self._looked, self._spent = 0, 0.0
        self._unseen: deque[int] | None = None
        self._looks: Mapping[str, Look | None] | None = None
        if verification is not None:
            pairs, self._crowded = candidates(store, space, self._places, self.matches)
            self._ask(pairs)
            lacking = verification.landmarks.lacking(
                [self._contents[place] for place in self._crowded]
            )
            self._undescribed.extend(self._places[content] for content in lacking)

    @property
    def progress(self) -> Progress:
        """How many photos and pairs of photos were looked at, of all that are known so far."""
        left = len(self._pairs) + len(self._undescribed) + (self._crowded is not None)
        left += len(self._unseen or ()) + (self._unseen is None)
        rate = self._looked / self._spent if self._spent else None
        return Progress(
            "comparing photos",
            self._looked,
            self._looked + left,
            rate=rate,
            seconds_left=left / rate if rate else None,
        )

    def go_on(self, seconds: float) -> None:
        """Look at more pairs for some seconds, or until all are known; one thread at a time."""
        begun = time.monotonic()
        while not self.done and time.monotonic() < begun + seconds:
            if self._pairs:
                self._compare()
            elif self._undescribed:
                self._describe()
            elif self._crowded is not None:
                self._vote()
            elif self._unseen:
                self._look_at()
            else:
                self._ask(self.matches.indirect())
                if not self._pairs and self._unseen is None:
                    self._unseen = self._not_looked_at()
                self.done = not self._pairs and not self._unseen
        self._looks = None  # There may be more of them.
        self._spent += time.monotonic() - begun

    def what_was_done(self, first: int, others: Sequence[int]) -> list[Differences]:
        """Return what was done to pictures that match the first one of their group."""
        lefts, rights = np.minimum(first, others), np.maximum(first, others)
        turns = self._prints.distances(rights, lefts)[1].tolist()
        found: list[Differences] = []
        for other, left, right, turn in zip(
            others, lefts.tolist(), rights.tolist(), turns, strict=True
        ):
            known = self.matches.done(first, other)
            if known is None:
                known = differences(
                    self.pictures[left][0],
                    self.pictures[right][0],
                    turn,
                    retouched=self._is_retouched(left, right),
                )
            found.append(known)
        return found

    def _is_retouched(self, left: int, right: int) -> bool:
        if self._looks is None and self._verification is not None:
            members = {place for group in self.matches.grouped() for place in group}
            contents = [self._contents[place] for place in members]
            self._looks = self._verification.looks.of(contents)
        looks = self._looks or {}
        one, other = looks.get(self._contents[left]), looks.get(self._contents[right])
        return one is not None and other is not None and is_retouched(one, other)

    def _ask(self, pairs: Iterable[Pair]) -> None:
        new = [pair for pair in pairs if pair not in self._asked]
        self._asked.update(new)
        self._pairs.extend(new)

    def _compare(self) -> None:
        assert self._verification is not None
        some = [self._pairs.popleft() for _ in range(min(_AT_ONCE, len(self._pairs)))]
        self._looked += len(some)
        near = self._prints.near_enough_to_cover(*np.array(some, np.int64).T).tolist()
        found = self._verification.compare(
            [
                (self.pictures[left][0], self.pictures[right][0], one)
                for (left, right), one in zip(some, near, strict=True)
            ]
        )
        for (one, other), verdict in found.items():
            if verdict is not None:
                left, right = self._places[one], self._places[other]
                done = (
                    *verdict,
                    *saved_otherwise(self.pictures[left][0], self.pictures[right][0]),
                )
                self.matches.add(left, right, done or ("re-encoded",))

    def _describe(self) -> None:
        assert self._verification is not None
        count = min(_AT_ONCE, len(self._undescribed))
        self._looked += count
        some = [self._undescribed.popleft() for _ in range(count)]
        self._verification.describe([self.pictures[place][0] for place in some])

    def _not_looked_at(self) -> deque[int]:
        """Return the members of groups of which it is not known how they look."""
        assert self._verification is not None
        members = [place for group in self.matches.grouped() for place in group]
        known = self._verification.looks.of([self._contents[place] for place in members])
        return deque(place for place in members if self._contents[place] not in known)

    def _look_at(self) -> None:
        assert self._verification is not None
        assert self._unseen is not None
        count = min(_AT_ONCE, len(self._unseen))
        some = [self._unseen.popleft() for _ in range(count)]
        self._looked += count
        self._verification.look_at([self.pictures[place][0] for place in some])

    def _vote(self) -> None:
        assert self._verification is not None
        assert self._crowded is not None
        proposed = self._verification.landmarks.proposed(
            [self._contents[place] for place in self._crowded]
        )
        self._crowded = None
        left: defaultdict[int, int] = defaultdict(lambda: MOST_VOTED)
        pairs = []
        for one, other in proposed:
            pair = (self._places[one], self._places[other])
            pair = (min(pair), max(pair))
            if pair in self._apart or self.matches.has(*pair):
                continue
            if max(left[pair[0]], left[pair[1]]) > 0:
                pairs.append(pair)
                left[pair[0]] -= 1
                left[pair[1]] -= 1
        self._ask(pairs)


def _pictures(store: Store) -> list[list[Photo]]:
    """Return the photos of each content, and the contents, the largest first."""
    contents: defaultdict[str, list[Photo]] = defaultdict(list)
    for photo in store.select(Filter(failed=False)):
        if photo.spaces and not photo.preliminary:
            contents[photo.content].append(photo)
    pictures = [sorted(photos, key=largest_first) for photos in contents.values()]
    return sorted(pictures, key=lambda photos: largest_first(photos[0]))


def largest_first(photo: Photo) -> tuple[int, int, str]:
    """Return what sorts photos: the largest first, then by path."""
    return -photo.width * photo.height, -photo.size, photo.path


def _places_apart(store: Store, places: Mapping[str, int]) -> set[Pair]:
    """Return which pictures a person told apart: no group may need them to match."""
    known = [pair for pair in store.told_apart() if pair[0] in places and pair[1] in places]
    return {
        (min(one, other), max(one, other))
        for one, other in ((places[left], places[right]) for left, right in known)
    }
