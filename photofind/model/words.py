"""Words that photos carry: what extractors named and are sure of, and what people wrote or said.

An extractor's words are those of ImageNet's classes, mostly; what it gives their wider words is
what it gives to all below them. A wider word can be sure where its narrower ones are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from photofind.model.hierarchy import Meaning, folded, meanings_named, meanings_of
from photofind.model.records import Photo

__all__ = [
    "LEAST_CONFIDENCE",
    "SURE_FROM",
    "Finds",
    "Word",
    "carries",
    "confidence_in",
    "narrowest",
    "shown_in",
    "words_of",
]

LEAST_CONFIDENCE = 0.2
"""From so much on a word is found whose meaning is known: what people ask for is mostly there."""

SURE_FROM = {1: 0.8, 2: 0.7, 30: 0.5}
"""By how many classes of ImageNet a word is above, from what confidence on it is sure: so what is
shown is right nine times of ten on labelled photos (``benchmarks/tags.py``)."""

# What a person wrote or said is certain.
_CERTAIN = 1.0


class Word(NamedTuple):
    """A word that a photo carries.

    Parameters
    ----------
    name
        As it is shown.
    confidence
        How sure it is, 0 to 1.
    space
        The id of the space whose extractor named it; "" for a person's word.
    meaning
        What it means; None where that is not known, and for keywords, which say what they say.
    is_confirmed
        Whether a person said that it is right.
    """

    name: str
    confidence: float
    space: str = ""
    meaning: Meaning | None = None
    is_confirmed: bool = False

    @property
    def is_sure(self) -> bool:
        """Whether it is shown: it is likely right, or a name whose meaning is not known."""
        if self.meaning is None or not self.space:
            return True
        classes = self.meaning.classes
        least = min(least for above, least in SURE_FROM.items() if classes >= above)
        return self.confidence >= least


def words_of(photo: Photo) -> Iterator[Word]:
    """Yield the words that a photo carries: once for each space, or person, that they are from.

    Those are left out that are too unsure to be found, and those that a person rejected, with all
    below them.
    """
    rejected, without = _rejected(photo)
    for keyword in photo.keywords:
        if folded(keyword) not in rejected:
            yield Word(keyword, _CERTAIN)
    for name, is_right in photo.said.items():
        if is_right:
            own, above = _meanings(name)
            for one in own or (None,):
                yield Word(name, _CERTAIN, meaning=one, is_confirmed=True)
            for one in above:
                yield Word(one.name, _CERTAIN, meaning=one)
    for space, tags in photo.tags.items():
        sums: dict[Meaning, float] = {}
        spellings: dict[Meaning, str] = {}
        for name, confidence in tags.items():
            own, above = _meanings(name)
            if rejected and (folded(name) in rejected or not without.isdisjoint((*own, *above))):
                continue
            if not own:
                yield Word(name, confidence, space)
            for one in own:
                spellings[one] = name.partition(",")[0]
            for one in (*own, *above):
                sums[one] = sums.get(one, 0.0) + confidence
        for one, confidence in sums.items():
            if confidence >= LEAST_CONFIDENCE:
                name = spellings.get(one, one.name)
                yield Word(name, min(confidence, _CERTAIN), space, one)


def carries(photo: Photo, tag: str) -> bool:
    """Return whether a photo carries a tag, or a keyword, of this name.

    A word whose meaning is known finds all that lies below it: "dog" a beagle. Keywords, and words
    whose meaning is not known, are found by whole words of them, whatever their case and
    punctuation: "dog" finds "red dog", and not "dogma".
    """
    finds = Finds(tag)
    return any(finds(word.name, word.meaning) for word in words_of(photo))


def confidence_in(photo: Photo, tag: str) -> float:
    """Return how sure it is that a photo carries a tag, 0 to 1; what people say is certain."""
    finds = Finds(tag)
    return max(
        (word.confidence for word in words_of(photo) if finds(word.name, word.meaning)),
        default=0.0,
    )


class Finds:
    """Says of words whether a tag finds them, as :func:`carries` says."""

    def __init__(self, tag: str) -> None:
        self._wanted = folded(tag)
        self._meanings = meanings_of(tag)

    def __call__(self, name: str, meaning: Meaning | None) -> bool:
        """Return whether the tag finds a word of this name and meaning."""
        if meaning is None:
            return self._wanted in folded(name)
        if self._meanings:
            return meaning in self._meanings
        return any(self._wanted in folded(word) for word in (name, *meaning.words))


def shown_in(photo: Photo) -> list[Word]:
    """Return the tags that are shown of a photo, the surest first, without its keywords.

    Of what several extractors name the surest counts. Of words that lie above one another those
    are shown that say the most, and that people use.
    """
    written = {folded(keyword) for keyword in photo.keywords}
    best: dict[Meaning | str, Word] = {}
    for word in words_of(photo):
        is_keyword = not (word.space or word.is_confirmed or word.meaning)
        if word.is_sure and not is_keyword:
            key = word.meaning or folded(word.name)
            # A word of a person counts more, and is never taken for one of an extractor.
            if key not in best or _rank(word) > _rank(best[key]):
                best[key] = word
    known = [
        word
        for word in best.values()
        if word.is_confirmed or word.meaning is None or word.meaning.is_everyday
    ]
    shown = [word for word in narrowest(known) if folded(word.name) not in written]
    return sorted(shown, key=lambda word: -word.confidence)


def narrowest(words: Sequence[Word]) -> list[Word]:
    """Return words without those that another one says already, other than confirmed ones."""
    said = {above for word in words if word.meaning for above in word.meaning.wider}
    return [word for word in words if word.is_confirmed or word.meaning not in said]


def _rank(word: Word) -> tuple[bool, float]:
    return word.is_confirmed, word.confidence


def _rejected(photo: Photo) -> tuple[set[str], set[Meaning]]:
    """Return the names that a person rejected, folded, and what they mean."""
    names = [name for name, is_right in photo.said.items() if not is_right]
    return {*map(folded, names)}, {one for name in names for one in meanings_of(name)}


@lru_cache(16384)
def _meanings(name: str) -> tuple[tuple[Meaning, ...], tuple[Meaning, ...]]:
    """Return what a name means, and what is above that whichever of several meanings it has."""
    own = meanings_named(name)
    if not own:
        return (), ()
    first, *others = own
    return own, tuple(one for one in first.wider if all(one in other.wider for other in others))
